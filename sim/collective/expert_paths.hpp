// What tokens on their way to experts cross when a dispatcher looks at the nodes between: from its
// GPU a token goes once to every scale-up domain that holds any of its experts, over the network to
// the GPU of the sender's own rail, and from there once to every member that holds any. Results
// come back the same way, added up where ways meet.
//
// Per byte of all copies, with k picks a token: every member sends chance(domain) / k to each other
// domain, and of what arrives from a domain's senders passes on chance(member) / k to each other
// member (DeepEP, deepseek-ai/DeepEP README: forwarding from the RDMA to the NVLink domain).
//
// Where members get different shares, transfers differ in volume. All that stay inside domains, and
// all between them, are one bundle each in which a transfer moves in proportion to its volume, so
// that they end together when the fullest link is done: the weight of a crossing says how many
// average transfers it is. As a member's transfers all pass its port, no order of them ends sooner.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"

#include <span>

namespace orrery {

/// A dispatch, or a combine with everything the other way; one phase, as the parts are pipelined.
Shape once_per_domain(CollectiveKind kind, std::span<const VertexId> members,
                      const Cluster& cluster, const TokenSpread& spread);

/// The same with one transfer for every pick, straight from member to member.
Shape once_per_pick(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
                    const TokenSpread& spread);

}  // namespace orrery
