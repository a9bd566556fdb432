// Scale-up domains behind one switch: all GPUs of a domain reach all others at full rate.
//
// The switch chips of a domain share its traffic evenly, so they are one vertex, and a GPU's links
// to them one link with their sum. `latency` is that of a store from GPU to GPU through a switch.
#pragma once

#include "base/settings.hpp"
#include "cluster/builder.hpp"

namespace orrery {

/// Reads bandwidth, payload_efficiency, latency and in_network_reduction of the table [intra_node].
/// `domain_gpus` is a multiple of the GPUs of a node.
void grow_switched_domains(ClusterBuilder& builder, const Settings& table,
                           std::uint32_t domain_gpus);

}  // namespace orrery
