// Figures of a scenario by their names in results: what `[[expect]]` speaks of and what it is held
// against.
//
// Arithmetic gives those that need no simulated time: parameters, division, memory. A simulated run
// gives the rest (forecast.hpp). A claim about a figure that nobody has yet stays open.
#pragma once

#include "search/feasibility.hpp"

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

class Figures {
 public:
  void set(std::string_view name, double value) {
    values_.insert_or_assign(std::string(name), value);
  }
  /// The value in SI units. "latency_s" is "step_time_s" for passes without an optimizer, and the
  /// other way round.
  std::optional<double> find(std::string_view name) const;
  const std::map<std::string, double, std::less<>>& all() const { return values_; }

 private:
  std::map<std::string, double, std::less<>> values_;
};

/// Everything that arithmetic knows: "gpus_required", "model.parameters_total", "division.…",
/// "memory.…".
Figures arithmetic_figures(const Scenario& scenario, const Feasibility& feasibility);

}  // namespace orrery
