#include "scenario/search_table.hpp"

#include "base/limits.hpp"
#include "parallel/strategy.hpp"
#include "scenario/expectations.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

void check_budget(const Settings& search) {
  const SettingsNode* budget = search.node("budget");
  if (budget == nullptr) return;
  if (std::holds_alternative<std::int64_t>(budget->value)) {
    search.integer("budget", {1, INT64_MAX});
  } else if (!std::holds_alternative<std::string>(budget->value)) {
    search.error("budget", fmt::format("search.budget is {}; wanted a time such as \"10 min\", or "
                                       "how many strategies to simulate",
                                       describe(*budget)));
  } else if (search.seconds("budget") == Seconds(0.0)) {
    search.error("budget", "search.budget is no time at all; wanted one such as \"10 min\"");
  }
}

/// Keys that are axes without being of [strategy], and the most that each may be.
std::optional<std::int64_t> most_of(std::string_view axis) {
  if (axis == "micro_batch") return limits::global_batch;
  if (axis == "gpus") return limits::ranks;
  return std::nullopt;
}

void check_schedule(const SettingsNode& value, Diagnostics& diagnostics) {
  const auto* name = std::get_if<std::string>(&value.value);
  if (name == nullptr || find_schedule(*name) != nullptr) return;
  std::vector<std::string> names;
  for (const Schedule* schedule : registered_schedules()) names.emplace_back(schedule->name);
  diagnostics.error(value.position,
                    fmt::format("there is no schedule '{}'; wanted one of {}{}", *name,
                                enumerate(names), did_you_mean(*name, names)));
}

/// Reads a strategy that has nothing but this value; what is wrong with the value comes to light.
void check_value_of_strategy(const SettingsEntry& axis, const SettingsNode& value,
                             Diagnostics& diagnostics) {
  SettingsNode strategy{SettingsTable{{axis.key, axis.key_position, {value}}}, value.position, {}};
  SettingsTable keys{{"strategy", value.position, {std::move(strategy)}}};
  const SettingsNode alone{std::move(keys), value.position, {}};
  const Settings scenario(alone, diagnostics);
  scenario.accept("strategy");
  read_strategy(scenario);
  report_unread(alone, diagnostics);
  if (axis.key == "schedule") check_schedule(value, diagnostics);
}

void check_axis(const Settings& axes, const SettingsEntry& axis) {
  const auto* values = std::get_if<SettingsArray>(&axis.value.front().value);
  axes.accept(axis.key);
  if (values == nullptr || values->empty()) {
    axes.error(axis.key, fmt::format("{} is {}; wanted an array of the values to try, as in "
                                     "[1, 2, 4]",
                                     axes.full_name(axis.key),
                                     values == nullptr ? describe(axis.value.front()) : "empty"));
  } else if (const auto most = most_of(axis.key)) {
    axes.integers(axis.key, {1, *most});
  } else {
    for (const SettingsNode& value : *values) {
      check_value_of_strategy(axis, value, axes.diagnostics());
    }
  }
}

void check_axes(const Settings& axes) {
  for (const SettingsEntry& axis : std::get<SettingsTable>(axes.node().value)) {
    check_axis(axes, axis);
  }
}

void check_bounds(const Settings& search) {
  for (const Settings& bound : search.tables("bound")) {
    if (!bound.has("value")) continue;
    bound.error("value", "search.bound.value: a bound has a side; wanted at_most or at_least");
  }
  read_expectations(search, "bound");
}

}  // namespace

const std::vector<std::string>& search_objectives() {
  static const std::vector<std::string> names = {
      "tokens_per_s", "tokens_per_s_per_gpu", "step_time",
      "latency",      "cost_per_token",       "cost_per_step",
      "gpus",         "peak_memory",          "mfu"};
  return names;
}

void check_search(const Settings& scenario) {
  const std::optional<Settings> search = scenario.table("search");
  if (!search) return;
  search->choice("objective", search_objectives());
  check_budget(*search);
  if (const std::optional<Settings> axes = search->table("axes")) check_axes(*axes);
  check_bounds(*search);
}

}  // namespace orrery
