// What a cluster file says, before a graph is grown from it; and how one is grown.
#pragma once

#include "base/settings.hpp"
#include "cluster/cluster.hpp"
#include "cluster/host.hpp"
#include "hardware/gpu.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

/// A link that does not carry what it should, or nothing.
struct LinkFault {
  std::string link;              ///< its name, "node[3].gpu[0] → node[3].nic[0]"
  double capacity_factor = 1.0;  ///< 0.5 is half the capacity; 0 has failed
  SourcePosition position{};     ///< where its name was written
};

/// Nodes side by side that hold other GPUs, or are joined at other rates, than the cluster's own
/// (node_groups.hpp).
struct NodeGroup {
  std::int64_t nodes = 1;
  Gpu gpu;
  bool own_gpu = false;  ///< not the cluster's
  double price_per_gpu_hour = 0.0;
};

/// GPUs of one type.
struct GpuShare {
  const Gpu* gpu = nullptr;
  std::int64_t count = 0;
  double price_per_hour = 0.0;  ///< of one, as its node is rented
};

struct ClusterSpec {
  std::string name;
  std::string source;
  Gpu gpu;
  std::int64_t gpus_per_node = 8;
  std::optional<std::int64_t> nodes;  ///< what exists; grows as needed when absent
  bool drawn = false;                 ///< link by link: larger than it is it cannot be supposed
  double price_per_gpu_hour = 0.0;    ///< US dollars; 0 when unknown
  std::vector<NodeGroup> groups;      ///< all nodes in order; none: all are alike
  std::optional<HostSpec> host;       ///< what the file says of it
  bool shows_hosts = false;           ///< the graph has the ways to it, for who offloads
  SettingsNode fabric;  ///< the whole file's tree: fabric plug-ins read their own tables from it

  /// The type of the GPU of that number.
  const Gpu& gpu_at(std::int64_t number) const;
  /// What the first `count` GPUs are, in order; neighbours that are alike together.
  std::vector<GpuShare> first_gpus(std::int64_t count) const;
  /// Dense peak of the first `count` GPUs together.
  FlopsPerSecond peak_of(std::int64_t count, NumberType type) const;
};

/// Reads a cluster file; `gpu` is the GPU type it names, read by the caller.
ClusterSpec read_cluster(const Settings& settings, Gpu gpu);

/// Grows the graph that holds at least `gpus` GPUs (all nodes that exist if the file says how
/// many). Findings (unknown fabric, links that are missing, faults that name no link) go to
/// `diagnostics`.
Cluster build_cluster(const ClusterSpec& spec, std::int64_t gpus,
                      const std::vector<LinkFault>& faults, Diagnostics& diagnostics);

/// A way to join nodes (or the GPUs of a node). One per file of cluster/fabrics.
class ClusterBuilder;
struct Fabric {
  std::string_view name;
  std::string_view description;
  bool scale_up = false;  ///< joins the GPUs of a node, else joins nodes
  bool drawn = false;     ///< shows the nodes that there are: no more of them can be supposed
  void (*grow)(ClusterBuilder& builder, const Settings& settings);
};
std::span<const Fabric* const> registered_fabrics();

}  // namespace orrery
