// How long one collective takes when nothing else moves: executed on the cluster, not estimated.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"
#include "collective/expert_exchange.hpp"

#include <vector>

namespace orrery {

struct LoneCollective {
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes size;  ///< as nccl-tests counts it
  std::vector<VertexId> members;
  CollectiveTuning tuning{};
  TokenExchange tokens{};  ///< of a dispatch or combine
};

/// The library's own choice, run by the engine on the fair-share network.
Seconds time_alone(const LoneCollective& collective, const Cluster& cluster);

}  // namespace orrery
