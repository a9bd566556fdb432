// Routers on a grid that closes on itself; a router joins its nodes and two neighbours in each
// dimension.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

namespace orrery::fabrics {

namespace {

struct Torus {
  std::vector<std::uint32_t> extents;
  std::uint32_t nodes_per_router = 1;
  LinkTraits link;
  Duration hop{0};
};

std::uint32_t router_count(const Torus& torus) {
  std::uint32_t count = 1;
  for (const std::uint32_t extent : torus.extents) count *= extent;
  return count;
}

Torus read_torus(const Settings& table) {
  Torus torus;
  for (const std::int64_t extent :
       table.integers("dimensions", {1, 4096}).value_or(std::vector<std::int64_t>{})) {
    torus.extents.push_back(static_cast<std::uint32_t>(extent));
  }
  torus.nodes_per_router =
      static_cast<std::uint32_t>(table.integer("nodes_per_leaf", {1, 4096}).value_or(1));
  torus.hop = read_latency(table, "hop_latency");
  torus.link = {read_payload_rate(table, "link_bandwidth"), torus.hop, LinkKind::torus};
  table.accept("oversubscription");
  table.accept("routing");
  return torus;
}

/// Joins every router to the next one of dimension `d`; of two, once.
void join_dimension(ClusterBuilder& builder, const Torus& torus, VertexId first, std::size_t d) {
  const std::uint32_t extent = torus.extents[d];
  std::uint32_t stride = 1;
  for (std::size_t i = d + 1; i < torus.extents.size(); ++i) stride *= torus.extents[i];
  for (std::uint32_t r = 0; r < router_count(torus); ++r) {
    const std::uint32_t place = r / stride % extent;
    if (extent == 1 || (extent == 2 && place == 1)) continue;
    const std::uint32_t next = r - place * stride + (place + 1) % extent * stride;
    builder.join(id_at<VertexId>(index_of(first) + r), id_at<VertexId>(index_of(first) + next),
                 torus.link);
  }
}

void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  const Torus torus = read_torus(table);
  const std::uint32_t places = router_count(torus) * torus.nodes_per_router;
  if (torus.extents.empty() || builder.shape().nodes > places) {
    table.error("dimensions",
                fmt::format("{} has room for {} nodes; there are {}", table.full_name("dimensions"),
                            places, builder.shape().nodes));
    return;
  }
  builder.rules().outer = OuterRouting::graph;
  std::string pattern = "router[#";
  for (std::size_t i = 1; i < torus.extents.size(); ++i) pattern += ",#";
  const VertexId first =
      builder.add_vertices(VertexKind::network_switch, pattern + "]", torus.extents);
  for (std::size_t d = 0; d < torus.extents.size(); ++d) join_dimension(builder, torus, first, d);
  for (std::uint32_t node = 0; node < builder.shape().nodes; ++node) {
    const auto router = id_at<VertexId>(index_of(first) + node / torus.nodes_per_router);
    for (std::uint32_t rail = 0; rail < builder.nics().per_node; ++rail) {
      builder.add_link(builder.nic(node, rail), router,
                       {builder.nics().capacity, Duration{0}, LinkKind::nic});
      builder.add_link(router, builder.nic(node, rail),
                       {builder.nics().capacity, torus.hop, LinkKind::nic});
    }
  }
}

}  // namespace

extern const Fabric torus;
const Fabric torus{
    .name = "torus",
    .description = "routers on a grid that closes on itself, any number of dimensions",
    .scale_up = false,
    .grow = grow};

}  // namespace orrery::fabrics
