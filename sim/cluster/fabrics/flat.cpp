// One switch that never is the bottleneck: adapters are.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  table.accept("nodes_per_leaf");
  table.accept("routing");
  if (table.number("oversubscription").value_or(1.0) != 1.0) {
    table.error("oversubscription", "a flat network is not oversubscribed; fat_tree can be");
  }
  const Duration hop = read_latency(table, "hop_latency");
  read_network_reduction(builder, table);
  if (builder.nics().per_node == 0) return;
  const VertexId hub = builder.add_vertices(VertexKind::network_switch, "switch", {});
  const BytesPerSecond rate = builder.nics().capacity;
  for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
    for (std::uint32_t rail = 0; rail < builder.nics().per_node; ++rail) {
      builder.uplink(builder.nic(node, rail), hub,
                     {{rate, Duration{0}, LinkKind::nic}, {rate, hop, LinkKind::nic}});
    }
  }
}

extern const Fabric flat;
const Fabric flat{.name = "flat",
                  .description = "all adapters on one non-blocking switch",
                  .scale_up = false,
                  .grow = grow};

}  // namespace orrery::fabrics
