// A network drawn in the file: [[vertex]] name, kind; [[link]] source, target, bandwidth, latency,
// kind, both_ways. GPUs ("node[0].gpu[3]") and adapters ("node[0].nic[1]") are there already and
// need no [[vertex]]. A drawing does not grow: the file says how many nodes it shows.
#include "cluster/fabric_settings.hpp"
#include "cluster/spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <utility>

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

class Drawing {
 public:
  Drawing(ClusterBuilder& builder, const Settings& root)
      : builder_(builder), root_(root), ranges_before_(builder.range_count()) {}

  void add_vertices() {
    for (const Settings& vertex : root_.tables("vertex")) add_vertex(vertex);
  }
  void add_links() {
    for (const Settings& link : root_.tables("link")) add_link(link);
  }

 private:
  void add_vertex(const Settings& vertex);
  void add_link(const Settings& link);
  std::optional<VertexId> find(const std::string& name) const;
  std::optional<VertexId> read_end(const Settings& link, std::string_view key);
  bool is_new(const Settings& link, VertexId source, VertexId target);

  /// Suggestions cost a look at every name; a file that gets more ends wrong than this has another
  /// fault than misspelling.
  static constexpr int most_suggestions = 20;

  ClusterBuilder& builder_;
  const Settings& root_;
  std::size_t ranges_before_;  ///< of GPUs, adapters and what else stands inside nodes
  std::map<std::string, VertexId, std::less<>> drawn_;
  std::map<std::pair<VertexId, VertexId>, SourcePosition> links_;
  int suggestions_ = 0;
};

std::optional<VertexId> Drawing::find(const std::string& name) const {
  const auto found = drawn_.find(name);
  if (found != drawn_.end()) return found->second;
  return builder_.find_vertex(name, ranges_before_);
}

void Drawing::add_vertex(const Settings& vertex) {
  const std::string name = vertex.required_text("name");
  const VertexKind kind = read_kind(vertex, vertex_kinds, VertexKind::network_switch);
  if (name.empty()) return;
  if (name.find(" → ") != std::string::npos || name.find(" -> ") != std::string::npos) {
    vertex.error(
        "name", fmt::format("'{}' reads as the name of a link; wanted one without an arrow", name));
  } else if (find(name)) {
    vertex.error("name", fmt::format("there is a vertex '{}' already; wanted another name", name));
  } else {
    drawn_.emplace(name, builder_.add_vertices(kind, name, {}));
  }
}

std::optional<VertexId> Drawing::read_end(const Settings& link, std::string_view key) {
  const std::string name = link.required_text(key);
  if (name.empty()) return std::nullopt;
  const std::optional<VertexId> found = find(name);
  if (found) return found;
  const std::string hint =
      ++suggestions_ <= most_suggestions ? did_you_mean(name, builder_.vertex_names()) : "";
  const ClusterShape& shape = builder_.shape();
  link.error(key,
             fmt::format("there is no vertex '{}'{}", name,
                         !hint.empty() ? hint
                                       : fmt::format("; wanted the name of a [[vertex]], or a GPU "
                                                     "from node[0].gpu[0] to node[{}].gpu[{}]",
                                                     shape.nodes - 1, shape.gpus_per_node - 1)));
  return std::nullopt;
}

/// A second link between the same two is more often one written twice than a parallel one.
bool Drawing::is_new(const Settings& link, VertexId source, VertexId target) {
  const auto [known, fresh] = links_.try_emplace({source, target}, link.position());
  if (fresh) return true;
  link.error("target", fmt::format("there is a link this way already, at {}; wanted one with the "
                                   "bandwidth of both",
                                   to_string(known->second)));
  return false;
}

void Drawing::add_link(const Settings& link) {
  const std::optional<VertexId> source = read_end(link, "source");
  const std::optional<VertexId> target = read_end(link, "target");
  const LinkTraits traits{read_payload_rate(link, "bandwidth"), read_latency(link, "latency"),
                          read_kind(link, link_kinds, LinkKind::other)};
  const bool both_ways = link.flag("both_ways").value_or(true);
  if (!source || !target) return;
  if (*source == *target) {
    link.error("target", "this link leads back to where it begins; wanted another vertex");
    return;
  }
  if (!is_new(link, *source, *target)) return;
  builder_.add_link(*source, *target, traits);
  if (both_ways && is_new(link, *target, *source)) builder_.add_link(*target, *source, traits);
}

void grow(ClusterBuilder& builder, const Settings& root) {
  const Settings table = root.required_table("scale_out");
  builder.rules().outer = OuterRouting::graph;
  builder.rules().drawn = true;
  builder.rules().gpus_forward = table.flag("gpus_forward").value_or(false);
  if (!root.has("nodes")) {
    table.error("fabric",
                "a network that is drawn does not grow with the GPUs; wanted nodes = "
                "..., how many nodes the drawing shows");
  }
  Drawing drawing(builder, root);
  drawing.add_vertices();
  drawing.add_links();
}

}  // namespace

extern const Fabric custom;
const Fabric custom{.name = "custom",
                    .description = "vertices and links as the file draws them",
                    .scale_up = false,
                    .drawn = true,
                    .grow = grow};

}  // namespace orrery::fabrics
