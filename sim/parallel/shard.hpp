// Sharding: from the model's ops to one rank's share of them. Applies every registered dimension in
// turn.
#pragma once

#include "parallel/plan.hpp"

namespace orrery {

/// What the experts of a layer get on one of the ranks that share them; none: as an even routing
/// has it.
struct RankLoad {
  const LayerLoad* layer = nullptr;
  std::int64_t rank = 0;  ///< by its coordinate ep
};

/// One rank's share of an op, of one micro-batch.
ShardedOp shard(const Op& op, const PlanInput& input, const RankLoad& load = {});

/// Copies of tokens that the experts of a rank get of one micro-batch, of an even routing.
double expert_copies(const PlanInput& input);

/// The plan of a layer made of these ops: shares, memory, what is recomputed.
LayerPlan plan_layer(std::string name, std::vector<Op> ops, Recomputable recomputable,
                     const PlanInput& input, const RankLoad& load = {});

}  // namespace orrery
