// Sharding: from the model's ops to one rank's share of them. Applies every registered dimension in
// turn.
#pragma once

#include "parallel/plan.hpp"

namespace orrery {

/// One rank's share of an op, of one micro-batch.
ShardedOp shard(const Op& op, const PlanInput& input);

/// Embedding and head are never recomputed; layers as the strategy says.
enum class Recomputable : std::uint8_t { no, yes };

/// The plan of a layer made of these ops: shares, memory, what is recomputed.
LayerPlan plan_layer(std::string name, std::vector<Op> ops, Recomputable recomputable,
                     const PlanInput& input);

}  // namespace orrery
