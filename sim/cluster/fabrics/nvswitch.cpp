// A node whose GPUs meet in NVSwitches.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"
#include "cluster/switched_domain.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("intra_node");
  grow_switched_domains(builder, table, builder.shape().gpus_per_node);
}

extern const Fabric nvswitch;
const Fabric nvswitch{.name = "nvswitch",
                      .description = "all GPUs of a node through NVSwitches, each at full rate",
                      .scale_up = true,
                      .grow = grow};

}  // namespace orrery::fabrics
