// Memory of every pipeline stage at its fullest, from the plan alone: no program, no time.
//
// A rank's memory changes on its compute lane only, in the order of its schedule's steps; so
// walking the steps finds the same peak, to the byte, as a simulation. Which bytes are held:
// parameters, gradients and optimizer state throughout (plan.hpp), with ZeRO 2 and 3 what is whole
// for a while (parallel/sharding.hpp); activations of every micro-batch that is under way; during a
// layer's backward what recomputation rebuilds; from one half of a split backward to the other what
// the weight gradients need; the workspace of the op that runs. Of a forward and a backward that
// run together the forward is taken to come first, which is the most that they can hold. Where
// routing is uneven, it is that of the ranks that share a stage's experts which holds most.
#pragma once

#include "parallel/plan.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// The fullest moment of a rank of one stage.
struct StageMemory {
  std::int64_t stage = 0;
  BytesByCategory held{};
  Bytes total;
  std::int64_t live = 0;  ///< micro-batches, times chunks, whose activations were held then
};

/// By pipeline rank.
std::vector<StageMemory> estimate_memory(const Plan& plan);

Bytes sum_of(const BytesByCategory& held);

}  // namespace orrery
