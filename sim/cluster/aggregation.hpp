// Trees over which the switches of a network add up (Graham et al., Scalable Hierarchical
// Aggregation Protocol, COM-HPC 2016): adapters hand what they have to their leaf, every switch
// hands the sum of what comes from below to the one above it, and the root's sum comes back down
// the same tree. So a link is crossed once each way, however many members are below it.
//
// In a hierarchy the tree is the members' ways up to where they meet. Elsewhere it is grown from
// the switch from which the farthest member is nearest; a hash picks among equals, so that the
// trees of different members spread over them.
#pragma once

#include "cluster/cluster.hpp"
#include "cluster/parts.hpp"

#include <span>

namespace orrery {

AggregationTree find_aggregation_tree(const ClusterParts& parts, std::span<const VertexId> members);

}  // namespace orrery
