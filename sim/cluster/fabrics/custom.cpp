// A network drawn in the file: [[vertex]] name, kind; [[link]] source, target, bandwidth, latency,
// kind, both_ways. GPUs ("node[0].gpu[3]") and adapters ("node[0].nic[1]") are there already and
// need no [[vertex]].
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

namespace orrery::fabrics {

namespace {

constexpr std::array vertex_kinds{VertexKind::nvswitch, VertexKind::pcie_switch, VertexKind::cpu,
                                  VertexKind::nic, VertexKind::network_switch};
constexpr std::array link_kinds{LinkKind::nvlink, LinkKind::pcie,       LinkKind::socket,
                                LinkKind::nic,    LinkKind::leaf_spine, LinkKind::spine_core,
                                LinkKind::torus,  LinkKind::other};

/// One of `kinds` by its name; `fallback` when the key is missing or wrong (which is a diagnostic).
template <typename Kind, std::size_t count>
Kind read_kind(const Settings& table, const std::array<Kind, count>& kinds, Kind fallback) {
  std::vector<std::string> names;
  for (const Kind kind : kinds) names.emplace_back(to_string(kind));
  const std::optional<std::string> name = table.choice("kind", names);
  if (!name) return fallback;
  const auto found = std::ranges::find(names, *name);
  return found == names.end() ? fallback : kinds[static_cast<std::size_t>(found - names.begin())];
}

void add_vertices(ClusterBuilder& builder, const Settings& root) {
  for (const Settings& vertex : root.tables("vertex")) {
    const std::string name = vertex.required_text("name");
    const VertexKind kind = read_kind(vertex, vertex_kinds, VertexKind::network_switch);
    if (builder.find_vertex(name)) {
      vertex.error("name", fmt::format("there is a vertex '{}' already", name));
    } else {
      builder.add_vertices(kind, name, {});
    }
  }
}

std::optional<VertexId> read_end(const ClusterBuilder& builder, const Settings& link,
                                 std::string_view key) {
  const std::string name = link.required_text(key);
  const std::optional<VertexId> found = builder.find_vertex(name);
  if (!found) {
    link.error(key, fmt::format("there is no vertex '{}'{}", name,
                                did_you_mean(name, builder.vertex_names())));
  }
  return found;
}

void add_links(ClusterBuilder& builder, const Settings& root) {
  for (const Settings& link : root.tables("link")) {
    const std::optional<VertexId> source = read_end(builder, link, "source");
    const std::optional<VertexId> target = read_end(builder, link, "target");
    const LinkTraits traits{read_payload_rate(link, "bandwidth"), read_latency(link, "latency"),
                            read_kind(link, link_kinds, LinkKind::other)};
    const bool both_ways = link.flag("both_ways").value_or(true);
    if (!source || !target) continue;
    if (*source == *target) {
      link.error("target", "a link must lead to another vertex");
      continue;
    }
    builder.add_link(*source, *target, traits);
    if (both_ways) builder.add_link(*target, *source, traits);
  }
}

void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  builder.rules().outer = OuterRouting::graph;
  builder.rules().gpus_forward = table.flag("gpus_forward").value_or(false);
  add_vertices(builder, root);
  add_links(builder, root);
}

}  // namespace

extern const Fabric custom;
const Fabric custom{.name = "custom",
                    .description = "vertices and links as the file draws them",
                    .scale_up = false,
                    .grow = grow};

}  // namespace orrery::fabrics
