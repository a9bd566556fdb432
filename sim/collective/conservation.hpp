// What operations send, held against what they receive and what their formulas say.
//
// A transfer leaves a GPU over a link that begins at one and arrives over a link that ends at one.
// So, for any way that a collective is done, by the links that its bundles cross: as much leaves
// GPUs as arrives at them (a GPU that hands over what another sends counts on both sides), the
// transfers that the bundles are made of sum to the algorithm's formula, and that is not less than
// the operation needs (but for copies of a token, which may share their way to experts). Where
// switches add up or multiply, what leaves and what arrives differ, and the formula speaks of what
// leaves. These are identities: a violated one is an internal fault.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"
#include "collective/transfer_plan.hpp"

#include <span>

namespace orrery {

/// Bytes that cross the ports of GPUs, per byte of an operation's size, of all members.
struct PortBytes {
  double sent = 0.0;      ///< leave a member that did not only hand them over
  double received = 0.0;  ///< arrive at one that keeps them
};
PortBytes port_bytes(const Shape& shape, const Cluster& cluster);

/// CHECKs the identities, to the rounding of shares of links.
void check_conservation(CollectiveKind kind, const Shape& shape, std::span<const VertexId> members,
                        const Cluster& cluster);

/// CHECKs that a plan moves the bytes of its shape, whatever it was split into.
void check_conservation(const TransferPlanRequest& request, const TransferPlan& plan);

}  // namespace orrery
