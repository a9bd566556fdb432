// A leaf per rail and unit of nodes: the adapters at one place in their nodes meet on one leaf.
#include "cluster/clos.hpp"
#include "cluster/spec.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  grow_clos(builder, table, LeafPlan::by_rail);
  // NCCL hands what is bound for another rail to the GPU beside that rail's adapter
  // (NCCL_PXN_DISABLE=0).
  const bool handed_over = table.flag("pxn").value_or(true);
  builder.rules().peer_rail = handed_over && builder.gpus_meet_over_nvlink();
}

extern const Fabric rail_optimized;
const Fabric rail_optimized{
    .name = "rail_optimized",
    .description = "a leaf per rail and unit of nodes, spines above, a core above pods",
    .scale_up = false,
    .grow = grow};

}  // namespace orrery::fabrics
