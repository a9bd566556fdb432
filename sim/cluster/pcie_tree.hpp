// The PCIe of a node: GPUs below switches, switches below CPU sockets, sockets joined in a row.
//
// GPUs and adapters are dealt to switches, and switches to sockets, in equal runs. Without
// switches (`gpus_per_switch` 0) everything hangs on the root ports of its socket. `latency` is
// that of a store from GPU to GPU through one switch; each further stage adds half of it.
#pragma once

#include "cluster/builder.hpp"

namespace orrery {

struct PcieTree {
  std::uint32_t gpus_per_switch = 0;
  std::uint32_t sockets = 1;
  BytesPerSecond rate;         ///< of one x16 port, payload
  BytesPerSecond socket_rate;  ///< between sockets
  Duration latency{0};
};

/// Adds switches and sockets, attaches the GPUs and places the adapters.
void grow_pcie_trees(ClusterBuilder& builder, const PcieTree& tree);

/// Sockets per node, from the key of that name at the root of the file; 1 when missing.
std::uint32_t read_sockets(const Settings& root);

}  // namespace orrery
