// What crosses the network where its switches add up (SHARP; NCCL calls such a network CollNet).
//
// Members at one place of their domains, a rail, have a tree of switches of their own, over which
// the part of that rail goes: of an all-reduce 1/g of the size, for g members in a domain, once up
// and once down. So an adapter carries 1/g each way, where rings and trees put 2(k-1)/k of that on
// it for k domains (Graham et al., COM-HPC 2016). What is gathered only multiplies on its way down
// (a link up carries the parts from below it, a link down those from elsewhere); what is scattered
// only adds up on its way up.
#pragma once

#include "collective/collective.hpp"
#include "collective/layout.hpp"

namespace orrery {

/// Whether the network adds up for these members: several domains with as many members in each.
bool can_aggregate(std::span<const VertexId> members, const Cluster& cluster);

/// A bundle for each rail (`explicit_steps`) or one for all of them.
std::vector<BundleShape> aggregation_bundles(CollectiveKind kind, const GroupLayout& layout,
                                             const Cluster& cluster, Steps steps);

/// Bytes that a member sends into the network, per byte of size.
double sent_into_network(CollectiveKind kind, const GroupLayout& layout);

}  // namespace orrery
