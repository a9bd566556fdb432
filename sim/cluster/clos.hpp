// Folded Clos networks: adapters on leaves, leaves on spines, and a core above the pods if there
// are three tiers.
//
// With `routing = "spread"` every packet may take any of the equal ways, so all spines that a leaf
// leads to are one vertex and the links to them one trunk with their sum. With "hash" each spine
// is a vertex, and a hash of source and target picks one for all packets between them. Capacities:
// adapters of a leaf / oversubscription above a leaf; that of a pod's leaves /
// pod_oversubscription above a pod.
#pragma once

#include "base/settings.hpp"
#include "cluster/builder.hpp"

namespace orrery {

/// On which leaf an adapter is.
enum class LeafPlan : std::uint8_t {
  by_rail,  ///< adapters of one place in their nodes share a leaf
  by_node,  ///< adapters of one node share a leaf
};

/// Reads nodes_per_leaf, oversubscription, nodes_per_pod, pod_oversubscription, hop_latency,
/// routing, spines, routing_seed and in_network_reduction of the table [scale_out].
void grow_clos(ClusterBuilder& builder, const Settings& table, LeafPlan plan);

}  // namespace orrery
