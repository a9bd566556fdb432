#include "cluster/pcie_tree.hpp"

#include "cluster/fabric_settings.hpp"

#include <algorithm>

namespace orrery {

namespace {

VertexId nth(VertexId first, std::uint32_t n) { return id_at<VertexId>(index_of(first) + n); }

/// One node's vertices, as yet unjoined.
struct PcieNode {
  VertexId first_switch{};
  VertexId first_socket{};
  std::uint32_t switches = 0;
};

TwoWay both_ways(BytesPerSecond rate, Duration latency, LinkKind kind) {
  return {{rate, latency, kind}, {rate, latency, kind}};
}

void join_sockets_and_switches(ClusterBuilder& builder, const PcieTree& tree,
                               const PcieNode& node) {
  const Duration stage = split(tree.latency).up;
  for (std::uint32_t s = 1; s < tree.sockets; ++s) {
    builder.attach(nth(node.first_socket, s), nth(node.first_socket, s - 1),
                   both_ways(tree.socket_rate, stage, LinkKind::socket));
  }
  for (std::uint32_t s = 0; s < node.switches; ++s) {
    builder.attach(nth(node.first_switch, s),
                   nth(node.first_socket, s * tree.sockets / node.switches),
                   both_ways(tree.rate, stage, LinkKind::pcie));
  }
}

/// The switch, or without switches the socket, that place `index` of `count` is dealt to.
VertexId port_of(const PcieTree& tree, const PcieNode& node, std::uint32_t index,
                 std::uint32_t count) {
  if (node.switches > 0) return nth(node.first_switch, index * node.switches / count);
  return nth(node.first_socket, index * tree.sockets / count);
}

}  // namespace

void grow_pcie_trees(ClusterBuilder& builder, const PcieTree& tree) {
  const ClusterShape& shape = builder.shape();
  const std::uint32_t gpus = shape.gpus_per_node;
  const std::uint32_t switches =
      tree.gpus_per_switch == 0 ? 0 : (gpus + tree.gpus_per_switch - 1) / tree.gpus_per_switch;
  const VertexId first_switch =
      builder.add_vertices(VertexKind::pcie_switch, "node[#].pcie[#]", {shape.nodes, switches});
  const VertexId first_socket =
      builder.add_vertices(VertexKind::cpu, "node[#].cpu[#]", {shape.nodes, tree.sockets});
  builder.place_nics();
  const SplitLatency latency = split(tree.latency);
  const TwoWay port{{tree.rate, latency.up, LinkKind::pcie},
                    {tree.rate, latency.down, LinkKind::pcie}};
  const NicPlan& nics = builder.nics();
  for (std::uint32_t n = 0; n < shape.nodes; ++n) {
    const PcieNode node{nth(first_switch, n * switches), nth(first_socket, n * tree.sockets),
                        switches};
    join_sockets_and_switches(builder, tree, node);
    for (std::uint32_t g = 0; g < gpus; ++g) {
      builder.attach(builder.gpu(n, g), port_of(tree, node, g, gpus), port);
    }
    for (std::uint32_t k = 0; k < nics.per_node; ++k) {
      builder.attach(builder.nic(n, k), port_of(tree, node, k, nics.per_node),
                     both_ways(nics.pcie, nics.latency, LinkKind::pcie));
    }
  }
}

std::uint32_t read_sockets(const Settings& root) {
  return static_cast<std::uint32_t>(root.integer("cpu_sockets", {1, 16}).value_or(1));
}

}  // namespace orrery
