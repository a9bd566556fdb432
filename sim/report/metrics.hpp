// Every number of a summary by its dotted name, in the order in which JSON prints them: the one
// place where figures get names. json.hpp nests them, `[[expect]]`, `compare` and `validate` look
// them up.
//
// A name that ends in its unit may be asked for without it ("step_time", "memory.peak",
// "time.bubble"); further spellings are in `aliases` of metrics.cpp. Links have names by kind,
// "links.nic.mean_utilization".
#pragma once

#include "scenario/expectations.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace orrery {

struct Summary;

struct MetricValue {
  std::string name;
  MetricUnit unit = MetricUnit::number;
  std::variant<bool, std::int64_t, double> value;  ///< SI base units; TFLOP/s for tflops

  double number() const;  ///< flags are 0 or 1
};

/// All of them. Prices are there only when they are known.
std::vector<MetricValue> metric_values(const Summary& summary);

std::optional<MetricValue> find_metric(const Summary& summary, std::string_view name);

/// The names of all of them, for "did you mean".
std::vector<std::string> metric_names(const Summary& summary);

/// For people: "401.9 ms", "18.18 GB", "41.3 %", "13,500", "yes".
std::string format_metric(MetricUnit unit, double value);
std::string format_metric(const MetricValue& metric);

}  // namespace orrery
