// The rules that a scenario must obey once each of its keys makes sense by itself.
//
// A rule is a function from the scenario to at most one finding; each has a test of the same name.
// Rules of legality say that a strategy cannot be (tp does not divide the heads) or that this
// version does not execute it. Rules of feasibility say that it cannot be had here (GPUs missing):
// the world size arithmetic of interface.md. Rules of memory and bandwidth need a plan and are not
// here.
#pragma once

#include "scenario/scenario.hpp"

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace orrery {

enum class RuleKind { legality, feasibility };

struct Rule {
  std::string_view name;
  RuleKind kind = RuleKind::legality;
  std::optional<Finding> (*judge)(const Scenario& scenario);
  /// Keys without which the rule says nothing; a dotted key or the table it stands in.
  std::vector<std::string_view> keys;

  bool looks_at(std::string_view key) const;
};

/// All rules, those of feasibility first, in the order in which a reader wants to hear of them.
std::span<const Rule> scenario_rules();

/// What the rules of one kind find.
std::vector<Finding> judge(const Scenario& scenario, RuleKind kind);

/// No rule of legality finds an error: the scenario can be lowered, on however many GPUs it needs.
bool is_legal(const Scenario& scenario);

/// Fills in `dp` when the scenario leaves it out: what `gpus` allow, or the least that the other
/// degrees need. Fills in `gpus` (0) when only the strategy says how many. False, and nothing done,
/// if the degrees multiply to more than limits::ranks.
bool derive_world_size(Scenario& scenario);

/// What the strategy needs, and what there is for it.
std::int64_t gpus_required(const Scenario& scenario);
std::int64_t gpus_available(const Scenario& scenario);
/// Nodes that exist and have no failed GPU; as many as a job may have where the cluster grows.
std::int64_t nodes_in_service(const Scenario& scenario);

/// Micro-batches that one data-parallel rank runs in a step; rounded down.
std::int64_t micro_batches(const Scenario& scenario);

}  // namespace orrery
