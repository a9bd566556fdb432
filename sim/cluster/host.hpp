// The host of a node: the memory to which GPUs offload, and the ways to it.
//
// `[host]` of a cluster file:
//   memory, memory_bandwidth, payload share memory_efficiency   of a node
//   link            "pcie" (shared with the adapters beside a GPU) or "c2c" (a link of its own)
//   bandwidth, payload_efficiency, latency        of a root port, or of the link
//   gpus_per_port   GPUs that share one
//
// A transfer crosses the GPU's own PCIe (the link to the adapter beside it, where there is one),
// the root port, and the memory, whose bandwidth both directions and the host's own work share.
// Where the fabric inside the node is a PCIe tree it climbs that to the GPU's socket instead. The
// links lie behind all others and lead nowhere else: no way between GPUs crosses them.
#pragma once

#include "base/settings.hpp"
#include "cluster/cluster.hpp"

#include <cstdint>
#include <optional>

namespace orrery {

struct HostSpec {
  Bytes memory;                     ///< of a node
  BytesPerSecond memory_bandwidth;  ///< that streaming programs reach
  std::uint32_t gpus_per_port = 1;
  BytesPerSecond port;  ///< payload, each way
  Duration latency{0};
  bool over_pcie = true;
};

/// Reads `[host]` of a cluster file, if it has one.
std::optional<HostSpec> read_host(const Settings& cluster);

/// Adds the links of all nodes' hosts, behind all others.
void append_hosts(const HostSpec& host, ClusterParts& parts);

Route find_host_way(const ClusterParts& parts, VertexId gpu, HostWay way);

}  // namespace orrery
