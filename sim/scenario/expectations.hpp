// `[[expect]]`: claims and requirements that a scenario states about its own results.
//
// A metric is a key of the JSON results, dotted: "step_time_s", "memory.peak_bytes". A key that
// ends in its unit may be written without it ("step_time", "memory.peak"); its value must then
// carry a unit, as every quantity does. Values are kept in the unit of the result; the claim keeps
// the user's words.
#pragma once

#include "base/difference.hpp"
#include "base/settings.hpp"
#include "scenario/scenario.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// What a metric is measured in; decides which units its value may have.
enum class MetricUnit { number, fraction, seconds, bytes, bytes_per_second, tflops, flag };

struct Metric {
  std::string_view name;  ///< as in the JSON results
  MetricUnit unit = MetricUnit::number;
};
/// Every number of the JSON results, and what later capabilities add to them.
std::span<const Metric> metrics();

/// The metric that a user means by "step_time" or "step_time_s"; null if there is none.
const Metric* find_metric(std::string_view name);

/// Reads `[[expect]]` of a scenario, or tables written like it under another key; `metric` of the
/// result is the JSON name.
std::vector<Expectation> read_expectations(const Settings& scenario,
                                           std::string_view key = "expect");

/// As what a difference between two values of a metric is explained (base/difference.hpp).
FigureKind figure_kind(MetricUnit unit, std::string_view metric);

}  // namespace orrery
