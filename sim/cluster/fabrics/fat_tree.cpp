// All adapters of a node on one leaf; oversubscribed above the leaves or above the pods if the
// file says so.
#include "cluster/clos.hpp"
#include "cluster/spec.hpp"

namespace orrery::fabrics {

static void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  grow_clos(builder, table, LeafPlan::by_node);
}

extern const Fabric fat_tree;
const Fabric fat_tree{
    .name = "fat_tree",
    .description = "all adapters of a node on one leaf, spines above, a core above pods",
    .scale_up = false,
    .grow = grow};

}  // namespace orrery::fabrics
