// Nodes of one GPU, or nodes whose inside the file describes link by link.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const auto scale_out = root.table("scale_out");
  const bool drawn = scale_out && scale_out->text("fabric") == "custom";
  if (builder.shape().gpus_per_node > 1 && !drawn) {
    root.error("intra_node",
               "nodes of several GPUs need a fabric that joins them: intra_node.fabric");
  }
  builder.place_nics_beside_gpus();
}

extern const Fabric none;
const Fabric none{
    .name = "none", .description = "nothing: nodes of one GPU", .scale_up = true, .grow = grow};

}  // namespace orrery::fabrics
