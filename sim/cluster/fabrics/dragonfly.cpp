// Groups of routers, all joined within a group, groups joined to one another by global links
// (Kim, Dally, Scott, Abts, ISCA 2008). Global links are dealt to the other groups in turn.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

namespace orrery::fabrics {

namespace {

struct Dragonfly {
  std::uint32_t nodes_per_router = 1;
  std::uint32_t routers = 1;  ///< of a group
  std::uint32_t globals = 1;  ///< links of a router to other groups
  std::uint32_t groups = 1;
  LinkTraits local;
  LinkTraits global;
  Duration hop{0};
};

Dragonfly read_dragonfly(const ClusterBuilder& builder, const Settings& table) {
  const auto some = IntegerRange{1, 4096};
  Dragonfly fly;
  fly.nodes_per_router = static_cast<std::uint32_t>(table.required_integer("nodes_per_leaf", some));
  fly.routers = static_cast<std::uint32_t>(table.required_integer("routers_per_group", some));
  fly.globals = static_cast<std::uint32_t>(table.required_integer("global_links", some));
  const std::uint32_t per_group = fly.nodes_per_router * fly.routers;
  fly.groups = (builder.shape().nodes + per_group - 1) / per_group;
  fly.hop = read_latency(table, "hop_latency");
  fly.local = {read_payload_rate(table, "link_bandwidth"), fly.hop, LinkKind::leaf_spine};
  const BytesPerSecond global = table.has("global_bandwidth")
                                    ? read_payload_rate(table, "global_bandwidth")
                                    : fly.local.capacity;
  fly.global = {global, fly.hop, LinkKind::spine_core};
  table.accept("oversubscription");
  table.accept("routing");
  return fly;
}

/// Link number k of a group leads to group + 1 + k mod (groups - 1), and leaves from router k /
/// globals.
void join_groups(ClusterBuilder& builder, const Dragonfly& fly, VertexId first) {
  const std::uint32_t links = fly.routers * fly.globals;
  for (std::uint32_t group = 0; group < fly.groups; ++group) {
    for (std::uint32_t k = 0; k < links; ++k) {
      const std::uint32_t offset = 1 + k % (fly.groups - 1);
      const std::uint32_t other = (group + offset) % fly.groups;
      const std::uint32_t round = k / (fly.groups - 1);
      const std::uint32_t back = round * (fly.groups - 1) + (fly.groups - offset - 1);
      if (group > other || back >= links) continue;
      builder.join(id_at<VertexId>(index_of(first) + group * fly.routers + k / fly.globals),
                   id_at<VertexId>(index_of(first) + other * fly.routers + back / fly.globals),
                   fly.global);
    }
  }
}

void join_routers(ClusterBuilder& builder, const Dragonfly& fly, VertexId first) {
  for (std::uint32_t group = 0; group < fly.groups; ++group) {
    for (std::uint32_t a = 0; a < fly.routers; ++a) {
      for (std::uint32_t b = a + 1; b < fly.routers; ++b) {
        builder.join(id_at<VertexId>(index_of(first) + group * fly.routers + a),
                     id_at<VertexId>(index_of(first) + group * fly.routers + b), fly.local);
      }
    }
  }
}

void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  const Dragonfly fly = read_dragonfly(builder, table);
  if (fly.groups > fly.routers * fly.globals + 1) {
    table.error(
        "global_links",
        fmt::format("{} groups are too many for {} routers with {} global links each: at most {}",
                    fly.groups, fly.routers, fly.globals, fly.routers * fly.globals + 1));
    return;
  }
  read_network_reduction(builder, table);
  builder.rules().outer = OuterRouting::graph;
  const VertexId first = builder.add_vertices(VertexKind::network_switch, "group[#].router[#]",
                                              {fly.groups, fly.routers});
  join_routers(builder, fly, first);
  if (fly.groups > 1) join_groups(builder, fly, first);
  for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
    const auto router = id_at<VertexId>(index_of(first) + node / fly.nodes_per_router);
    for (std::uint32_t rail = 0; rail < builder.nics().per_node; ++rail) {
      const BytesPerSecond rate = builder.nics().capacity;
      builder.add_link(builder.nic(node, rail), router, {rate, Duration{0}, LinkKind::nic});
      builder.add_link(router, builder.nic(node, rail), {rate, fly.hop, LinkKind::nic});
    }
  }
}

}  // namespace

extern const Fabric dragonfly;
const Fabric dragonfly{
    .name = "dragonfly",
    .description = "groups of fully joined routers, groups joined by global links",
    .scale_up = false,
    .grow = grow};

}  // namespace orrery::fabrics
