// An NVLink domain over several nodes, such as the 72 GPUs of a GB200 NVL72 rack.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"
#include "cluster/switched_domain.hpp"

#include <fmt/format.h>

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  const std::uint32_t per_node = builder.shape().gpus_per_node;
  const std::int64_t gpus = table.required_integer("domain_gpus", {1, 1 << 20});
  const bool whole_nodes = gpus % per_node == 0;
  if (!whole_nodes) {
    table.error("domain_gpus", fmt::format("{} = {} must be a multiple of gpus_per_node = {}",
                                           table.full_name("domain_gpus"), gpus, per_node));
  }
  grow_switched_domains(builder, table, whole_nodes ? static_cast<std::uint32_t>(gpus) : per_node);
}

extern const Fabric nvlink_domain;
const Fabric nvlink_domain{.name = "nvlink_domain",
                           .description = "all GPUs of several nodes through NVLink switches",
                           .scale_up = true,
                           .grow = grow};

}  // namespace orrery::fabrics
