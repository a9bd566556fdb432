// Clusters for tests, written as the tables of a cluster file.
#pragma once

#include "base/settings.hpp"
#include "cluster/spec.hpp"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace orrery::testing {

using Value = decltype(SettingsNode::value);

struct Key {
  std::string name;
  Value value;
};

inline SettingsNode table(std::initializer_list<Key> keys) {
  SettingsNode node{SettingsTable{}, {"test.toml", 1, 1}, {}};
  for (const Key& key : keys) {
    std::get<SettingsTable>(node.value)
        .push_back({key.name, node.position, {SettingsNode{key.value, node.position, {}}}});
  }
  return node;
}

inline Value sub(std::initializer_list<Key> keys) { return table(keys).value; }

inline Value text(const char* words) { return std::string(words); }
inline Value whole(std::int64_t number) { return number; }

inline Gpu h100() {
  Gpu gpu;
  gpu.name = "h100-sxm";
  gpu.architecture = "Hopper GH100";
  gpu.streaming_multiprocessors = 132;
  gpu.memory_bandwidth = BytesPerSecond(3350e9);
  gpu.link_bandwidth = BytesPerSecond(450e9);
  gpu.pcie_bandwidth = BytesPerSecond(63e9);
  return gpu;
}

/// A file of nodes with NVSwitches, 400 GB/s and 0.5 us from GPU to GPU, and 400 Gb/s adapters,
/// one per GPU, 1 us from GPU memory to the wire and 0.2 us per switch; `scale_out` is the table
/// of that name.
inline SettingsNode switched_nodes(std::int64_t gpus_per_node, Value scale_out) {
  return table({{"name", text("test")},
                {"gpus_per_node", whole(gpus_per_node)},
                {"intra_node", sub({{"fabric", text("nvswitch")},
                                    {"bandwidth", text("400 GB/s")},
                                    {"latency", text("0.5 us")},
                                    {"in_network_reduction", Value(true)}})},
                {"nic", sub({{"per_node", whole(gpus_per_node)},
                             {"bandwidth", text("400 Gb/s")},
                             {"latency", text("1 us")}})},
                {"scale_out", std::move(scale_out)}});
}

inline Value rails(std::int64_t nodes_per_leaf) {
  return sub({{"fabric", text("rail_optimized")},
              {"nodes_per_leaf", whole(nodes_per_leaf)},
              {"hop_latency", text("0.2 us")}});
}

struct Built {
  Cluster cluster;
  Diagnostics findings;
};

inline Built try_cluster(const SettingsNode& file, std::int64_t gpus,
                         const std::vector<LinkFault>& faults = {}, Gpu gpu = h100()) {
  Diagnostics findings;
  const ClusterSpec spec = read_cluster(Settings(file, findings), std::move(gpu));
  Cluster cluster = build_cluster(spec, gpus, faults, findings);
  return {std::move(cluster), std::move(findings)};
}

/// Throws InvalidScenario with the findings, if there are any.
inline Cluster make_cluster(const SettingsNode& file, std::int64_t gpus,
                            const std::vector<LinkFault>& faults = {}, Gpu gpu = h100()) {
  Built built = try_cluster(file, gpus, faults, std::move(gpu));
  built.findings.throw_if_errors();
  return std::move(built.cluster);
}

inline VertexId gpu(std::size_t index) { return id_at<VertexId>(index); }

inline std::vector<VertexId> first_gpus(std::size_t count) {
  std::vector<VertexId> gpus;
  for (std::size_t i = 0; i < count; ++i) gpus.push_back(gpu(i));
  return gpus;
}

}  // namespace orrery::testing
