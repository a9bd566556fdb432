// Plans near a given one: what can be changed, and how far each change leads away.
//
// A candidate differs from the scenario in degrees (tp, pp, ep; dp follows from the GPUs there are)
// and in knobs. Every change has a cost; the nearest candidate is the one with the least sum. Costs
// rank changes by what they ask of whoever made the plan: fewer replicas, then other degrees, then
// what trades memory for time, then numbers with fewer bits, and only then a smaller model.
// Micro-batches stand before precision, as they change nothing of the result.
#pragma once

#include "scenario/scenario.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery {

/// Everything that may be changed.
struct Knobs {
  std::int64_t tp = 1;
  std::int64_t cp = 1;
  std::int64_t pp = 1;
  std::int64_t ep = 1;
  std::int64_t dp = 1;
  bool sp = false;
  std::int64_t micro_batch = 1;
  Recompute recompute =
      Recompute::none;  ///< selective: of norms and expert activations, which cost little
  std::int64_t zero = 0;
  NumberType precision = NumberType::bf16;
  bool narrow_states = false;       ///< gradients and optimizer state in 16 bits, no fp32 copy
  std::int64_t expert_divisor = 1;  ///< so many times fewer experts
  std::int64_t width_divisor = 1;   ///< experts so many times narrower

  bool operator==(const Knobs&) const = default;
};

struct Candidate {
  Knobs knobs;
  int cost = 0;
  std::vector<std::string> changes;  ///< "dp 64 → 16", "recompute full"
};

/// What the scenario has.
Knobs knobs_of(const Scenario& scenario);

/// The scenario with these knobs, on the GPUs that there are.
Scenario with_knobs(const Scenario& scenario, const Knobs& knobs);

enum class ModelSize { kept, smaller };

/// All combinations that differ from the scenario, nearest first; the same for every run.
/// `smaller`: those with a smaller model. None is judged yet.
std::vector<Candidate> candidates(const Scenario& scenario, ModelSize size);

}  // namespace orrery
