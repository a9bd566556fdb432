// `[[fault]]`: asymmetry and failures, and what they mean for nodes and ranks.
//
// kind = "straggler" (rank, slowdown), "slow_node" (node, slowdown), "jitter" (distribution,
// spread, seed), "failed_gpu" (one of gpu, rank, node), "degraded_link" (link, capacity_factor),
// "failed_link" (link). A failed GPU takes its node out of service: ranks run, in order, on the
// nodes that are left, and a cluster that grows holds one node more.
//
// Jitter gives each GPU a factor of its own on the time of every computation: 1 + spread · z, z
// uniform from -1 to 1, or normal with variance 1 (the sum of twelve uniform draws, less 6). z is a
// function of the seed and the GPU's number alone.
#pragma once

#include "base/settings.hpp"
#include "parallel/placement.hpp"
#include "scenario/scenario.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace orrery {

struct Faults {
  std::vector<Straggler> stragglers;
  std::vector<SlowNode> slow_nodes;
  std::vector<FailedGpu> failed_gpus;
  std::optional<Jitter> jitter;
  std::vector<LinkFault> links;
};

Faults read_faults(const Settings& scenario);

/// The node that a failed GPU takes out of service.
std::int64_t node_of(const FailedGpu& failed, std::int64_t gpus_per_node);

/// The nodes that are out of service.
Outage outage_of(const Scenario& scenario);

/// GPUs that the cluster must have for that many to be in service where the job runs.
std::int64_t gpus_spanned(const Scenario& scenario, std::int64_t gpus);

/// The cluster with the GPUs that it has, though the job may want more; findings as build_cluster.
Cluster grow_as_it_is(const Scenario& scenario, Diagnostics& diagnostics);

/// The factor that jitter puts on what a GPU computes.
double jitter_of(const Jitter& jitter, std::int64_t gpu);

/// A rank whose computations take a time of their own.
struct RankSlowdown {
  std::int64_t rank = 0;
  double slowdown = 1.0;
};

/// Ranks that differ by a straggler, a slow node or jitter; ascending.
std::vector<RankSlowdown> slowdowns(const Scenario& scenario);

}  // namespace orrery
