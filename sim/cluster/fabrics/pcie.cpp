// A node whose GPUs meet on PCIe: through switches, or through the root ports of the CPU sockets.
#include "cluster/fabric_settings.hpp"
#include "cluster/pcie_tree.hpp"
#include "cluster/spec.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  PcieTree tree;
  tree.rate = read_payload_rate(table, "bandwidth");
  tree.sockets = read_sockets(root);
  tree.socket_rate =
      table.has("socket_bandwidth") ? read_rate(table, "socket_bandwidth") : tree.rate;
  tree.latency = read_latency(table, "latency");
  tree.gpus_per_switch =
      static_cast<std::uint32_t>(table.integer("gpus_per_switch", {0, 64}).value_or(0));
  builder.rules().host_bounce = !table.flag("peer_to_peer").value_or(true);
  grow_pcie_trees(builder, tree);
}

extern const Fabric pcie;
const Fabric pcie{.name = "pcie",
                  .description = "a tree of PCIe switches and CPU sockets",
                  .scale_up = true,
                  .grow = grow};

}  // namespace orrery::fabrics
