// Scenarios made of keys alone, simulated, and what their ranks did. Tests run from the root of the
// source, where the shipped models and topologies lie.
#pragma once

#include "cli/simulate.hpp"
#include "scenario/load.hpp"

#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {

using Keys = std::vector<std::pair<std::string, std::string>>;

inline Keys operator+(Keys keys, const Keys& more) {
  keys.insert(keys.end(), more.begin(), more.end());
  return keys;
}

inline Scenario scenario_of(const Keys& keys) {
  LoadOptions options{.overrides = {{"name", "test", {}}}, .search_paths = {"."}};
  for (const auto& [key, text] : keys) options.overrides.push_back({key, text, {}});
  return load_scenario("", options);
}

struct Simulation {
  explicit Simulation(const Keys& keys) : Simulation(scenario_of(keys)) {}
  explicit Simulation(const Scenario& scenario) : prepared(prepare(scenario)) {
    NullSink nowhere;
    result = run(prepared, scenario, nowhere);
  }

  const Program& program() const { return prepared.program; }
  const Plan& plan() const { return prepared.plan; }
  ClassId class_of(std::size_t rank) const { return program().class_of_rank[id_at<RankId>(rank)]; }
  double seconds() const {
    return std::chrono::duration<double>(result.end.time_since_epoch()).count();
  }

  Prepared prepared;
  RunResult result;
};

/// Sizes, as nccl-tests counts them, of all operations that a rank joins, by the name of its group
/// and the last part of the operation's: "tp sequence_gather".
inline std::map<std::string, double> joined_bytes(const Program& program, ClassId id) {
  std::map<std::string, double> bytes;
  const RankClass& rank = program.classes[id];
  const Script& script = program.scripts[rank.script];
  for (const Lane& lane : script.lanes) {
    for (const Task& task : lane.tasks) {
      const Kind& kind = program.kinds[task.kind];
      const auto* join = std::get_if<Communicate>(&kind.action);
      if (join == nullptr) continue;
      const Group& group = program.groups[rank.groups[join->slot]];
      const std::string operation = kind.name.substr(kind.name.rfind('.') + 1);
      bytes[script.slots[join->slot] + " " + operation] +=
          static_cast<double>(program.plans[group.plans[join->plan]].size.value());
    }
  }
  return bytes;
}

/// How many tasks of a rank have a kind whose name begins so.
inline std::size_t tasks_named(const Program& program, ClassId id, const std::string& beginning) {
  std::size_t count = 0;
  for (const Lane& lane : program.scripts[program.classes[id].script].lanes) {
    for (const Task& task : lane.tasks) {
      count += program.kinds[task.kind].name.starts_with(beginning) ? 1 : 0;
    }
  }
  return count;
}

}  // namespace orrery
