#include "cluster/switched_domain.hpp"

#include "cluster/fabric_settings.hpp"

namespace orrery {

void grow_switched_domains(ClusterBuilder& builder, const Settings& table,
                           std::uint32_t domain_gpus) {
  const BytesPerSecond rate = read_payload_rate(table, "bandwidth");
  const SplitLatency latency = split(read_latency(table, "latency"));
  table.accept("switches");
  if (table.flag("in_network_reduction").value_or(false)) builder.set_in_network_reduction();

  const std::uint32_t gpus = builder.shape().nodes * builder.shape().gpus_per_node;
  const std::uint32_t domains = (gpus + domain_gpus - 1) / domain_gpus;
  const bool one_per_node = domain_gpus == builder.shape().gpus_per_node;
  builder.set_domain(domain_gpus);
  const VertexId first = builder.add_vertices(
      VertexKind::nvswitch, one_per_node ? "node[#].nvswitch" : "domain[#].nvswitch", {domains});
  for (std::uint32_t i = 0; i < gpus; ++i) {
    builder.attach(id_at<VertexId>(i), id_at<VertexId>(index_of(first) + i / domain_gpus),
                   {{rate, latency.up, LinkKind::nvlink}, {rate, latency.down, LinkKind::nvlink}});
  }
  builder.place_nics_beside_gpus();
}

}  // namespace orrery
