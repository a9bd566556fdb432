// `[[node_group]]` of a cluster file: nodes of several kinds, joined by one network.
//
// Groups follow one another and are all nodes that there are. What a group does not say is as the
// rest of the file says: `nodes`, then `gpu`, `price`, and in tables `intra_node` and `nic` the
// bandwidth and payload_efficiency of its NVLinks and adapters. The nodes have the same number of
// GPUs and adapters, wired alike: only rates and GPUs differ, so a group is no more than other
// capacities of links and other types of GPU at its nodes.
#pragma once

#include "base/settings.hpp"
#include "cluster/builder.hpp"
#include "cluster/spec.hpp"

namespace orrery {

/// Reads who they are; a group's `gpu` must be a table by then (scenario/composition.hpp).
void read_node_groups(const Settings& settings, ClusterSpec& spec);

/// Gives the nodes of a grown cluster the types of GPU and the rates of their groups.
void apply_node_groups(ClusterBuilder& builder, const ClusterSpec& spec, const Settings& root);

}  // namespace orrery
