// `[[expect]]` held against a run: claims (a value and its tolerance) and requirements (bounds).
//
// A claim holds when the run's figure lies within the tolerance around the claimed value, 5 % where
// none is given; a flag must be met exactly. The error is got ÷ expected − 1, as `validate` counts
// it. Where a known mix-up turns one figure into the other (GiB for GB, one GPU for all) the reason
// names it.
#pragma once

#include "scenario/scenario.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct Summary;

struct Judgement {
  std::string metric;
  std::string claim;                  ///< as the user wrote it: "401.94 ms", "at most 80 GB"
  double expected = 0.0;              ///< in SI units: the value, or the bound that decides
  std::optional<double> tolerance{};  ///< fraction; of values only
  std::optional<double> got{};        ///< nothing if the run has no such figure
  std::optional<double> error{};      ///< got ÷ expected − 1; nothing for flags and zeros
  bool ok = false;
  std::string source;
  std::string note;
  std::string reason{};  ///< of a difference, when one is known
};

inline constexpr double default_tolerance = 0.05;

/// Each expectation of the scenario, in its order.
std::vector<Judgement> judge_expectations(const std::vector<Expectation>& expectations,
                                          const Summary& summary);

}  // namespace orrery
