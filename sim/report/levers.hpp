// What would make a plan hold less: single changes of a strategy, and by how much each shrinks the
// fullest rank.
//
// A lever is pulled on a copy of the scenario, which must stay legal and need no more GPUs, and
// planned anew: what is resident is then exact, activations are those of the micro-batches that a
// stage keeps alive (1F1B's count, min(m, p − stage)). The difference to the same estimate of the
// plan as it is, is what the lever frees; a simulation of the changed plan has the last word.
#pragma once

#include "parallel/plan.hpp"
#include "scenario/scenario.hpp"

#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct Lever {
  std::string change;  ///< "strategy.zero 0 → 1"
  Bytes frees;         ///< on the fullest rank, an estimate
};

/// Levers that free something, the strongest first.
std::vector<Lever> memory_levers(const Scenario& scenario, const Plan& plan);

/// What the fullest rank holds less (negative: more) once the scenario is changed so; nothing if
/// the change breaks a rule or needs more GPUs.
std::optional<Bytes> frees(const Scenario& changed, const Scenario& scenario, const Plan& plan);

/// No rule of the scenario forbids it; that GPUs are missing does not count.
bool obeys_rules(const Scenario& changed);

}  // namespace orrery
