#include "cluster/builder.hpp"

#include "base/check.hpp"
#include "base/limits.hpp"
#include "cluster/reach.hpp"
#include "cluster/shortest_paths.hpp"

#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/filtered_graph.hpp>
#include <boost/graph/strong_components.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <iterator>

namespace orrery {

namespace {
constexpr std::size_t enough_names = 20'000;  ///< to find one like a misspelt one
}

/// The links so far by the vertices they leave, a vertex's in the order in which they were added.
struct ClusterBuilder::Graph {
  using Rows = boost::compressed_sparse_row_graph<boost::directedS, boost::no_property, LinkId,
                                                  boost::no_property, std::uint32_t, std::uint32_t>;
  Rows rows;

  static Rows sort(const ClusterParts& parts) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ends;
    std::vector<LinkId> ids;
    ends.reserve(parts.links.size());
    ids.reserve(parts.links.size());
    for (const Link& link : parts.links) {
      ends.emplace_back(static_cast<std::uint32_t>(link.source),
                        static_cast<std::uint32_t>(link.target));
      ids.push_back(id_at<LinkId>(ids.size()));
    }
    return {boost::edges_are_unsorted_multi_pass, ends.begin(), ends.end(), ids.begin(),
            static_cast<std::uint32_t>(parts.kinds.size())};
  }

  template <typename Visit>
  void for_each_out(VertexId vertex, Visit visit) const {
    const auto [begin, end] = boost::out_edges(static_cast<std::uint32_t>(vertex), rows);
    for (auto edge = begin; edge != end; ++edge) visit(rows[*edge]);
  }
};

/// Whether a link carries anything; in the form filtered_graph wants.
struct ClusterBuilder::Carries {
  const ClusterParts* parts = nullptr;
  const Graph::Rows* rows = nullptr;

  bool operator()(const Graph::Rows::edge_descriptor& edge) const {
    return !parts->failed((*rows)[edge]);
  }
};

ClusterBuilder::ClusterBuilder(std::string name, Gpu gpu, ClusterShape shape, NicPlan nics)
    : nics_(nics) {
  parts_.name = std::move(name);
  parts_.gpu_types.push_back(std::move(gpu));
  parts_.shape = shape;
  add_vertices(VertexKind::gpu, "node[#].gpu[#]", {shape.nodes, shape.gpus_per_node});
}

ClusterBuilder::~ClusterBuilder() = default;
ClusterBuilder::ClusterBuilder(ClusterBuilder&&) noexcept = default;

VertexId ClusterBuilder::gpu(std::uint32_t node, std::uint32_t place) const {
  return id_at<VertexId>(node * parts_.shape.gpus_per_node + place);
}

void ClusterBuilder::set_domain(std::uint32_t gpus) {
  CHECK(gpus >= 1 && gpus % parts_.shape.gpus_per_node == 0, gpus, parts_.shape.gpus_per_node);
  parts_.shape.gpus_per_domain = gpus;
}

bool ClusterBuilder::gpus_meet_over_nvlink() const {
  return std::ranges::any_of(parts_.links, [this](const Link& link) {
    return link.source == gpu(0, 0) && link.kind == LinkKind::nvlink;
  });
}

VertexId ClusterBuilder::add_vertices(VertexKind kind, std::string pattern,
                                      std::vector<std::uint32_t> extents) {
  std::uint32_t count = 1;
  for (const std::uint32_t extent : extents) count *= extent;
  const auto first = static_cast<std::uint32_t>(parts_.kinds.size());
  if (count > 0)
    parts_.ranges.push_back({first, count, kind, std::move(pattern), std::move(extents)});
  parts_.kinds.resize(first + count, kind);
  parts_.local_up.resize(first + count, no_link);
  parts_.outer_up.resize(first + count, no_link);
  parts_.level.resize(first + count, no_level);
  graph_.reset();
  return id_at<VertexId>(first);
}

void ClusterBuilder::place_nics() {
  CHECK(!nics_placed_);
  nics_placed_ = true;
  ClusterShape& shape = parts_.shape;
  shape.nics_per_node = nics_.per_node;
  const VertexId first =
      add_vertices(VertexKind::nic, "node[#].nic[#]", {shape.nodes, nics_.per_node});
  shape.first_nic = static_cast<std::uint32_t>(first);
  for (std::uint32_t i = 0; i < shape.nodes * nics_.per_node; ++i) {
    parts_.level[id_at<VertexId>(shape.first_nic + i)] = 0;
  }
}

void ClusterBuilder::place_nics_beside_gpus() {
  place_nics();
  if (nics_.per_node == 0) return;
  const LinkTraits traits{nics_.pcie, nics_.latency, LinkKind::pcie};
  const std::uint32_t gpus = parts_.shape.nodes * parts_.shape.gpus_per_node;
  for (std::uint32_t i = 0; i < gpus; ++i) {
    const auto gpu = id_at<VertexId>(i);
    join(gpu, parts_.nic(parts_.node_of(gpu), parts_.rail_of(gpu)), traits);
  }
}

LinkId ClusterBuilder::add_link(VertexId source, VertexId target, LinkTraits traits) {
  CHECK(source != target, index_of(source));
  const LinkId id =
      parts_.links.push_back({source, target, traits.capacity, traits.latency, traits.kind});
  CHECK(index_of(id) < static_cast<std::size_t>(limits::links));
  graph_.reset();
  return id;
}

void ClusterBuilder::join(VertexId a, VertexId b, LinkTraits traits) {
  add_link(a, b, traits);
  add_link(b, a, traits);
}

void ClusterBuilder::attach(VertexId child, VertexId parent, TwoWay links) {
  CHECK(parts_.local_up[child] == no_link, index_of(child));
  parts_.local_up[child] = add_link(child, parent, links.up);
  add_link(parent, child, links.down);
}

void ClusterBuilder::uplink(VertexId child, VertexId parent, TwoWay links) {
  const auto level = static_cast<std::uint8_t>(parts_.level[child] + 1);
  CHECK(parts_.level[child] != no_level, index_of(child));
  CHECK(parts_.level[parent] == no_level || parts_.level[parent] == level, index_of(parent));
  parts_.level[parent] = level;
  parts_.outer_up[child] = add_link(child, parent, links.up);
  add_link(parent, child, links.down);
}

std::optional<VertexId> ClusterBuilder::find_vertex(std::string_view name,
                                                    std::size_t ranges) const {
  const std::span<const VertexRange> all(parts_.ranges);
  return orrery::find_vertex(all.first(std::min(ranges, all.size())), name);
}

std::vector<std::string> ClusterBuilder::vertex_names() const {
  std::vector<std::string> names;
  for (std::size_t v = 0; v < parts_.kinds.size() && names.size() < enough_names; ++v) {
    names.push_back(name_of(parts_.ranges, id_at<VertexId>(v)));
  }
  return names;
}

const ClusterBuilder::Graph& ClusterBuilder::graph() const {
  if (!graph_) graph_ = std::make_unique<Graph>(Graph{Graph::sort(parts_)});
  return *graph_;
}

std::vector<LinkId> ClusterBuilder::links_between(VertexId source, VertexId target) const {
  std::vector<LinkId> found;
  graph().for_each_out(source, [&](LinkId id) {
    if (parts_.links[id].target == target) found.push_back(id);
  });
  return found;
}

namespace {

constexpr std::string_view arrow = " → ";

struct LinkName {
  std::string_view source;
  std::string_view target;
  std::size_t parallel = 0;
};

std::optional<LinkName> split_link_name(std::string_view name) {
  std::size_t length = arrow.size();
  std::size_t place = name.find(arrow);
  if (place == std::string_view::npos) {
    length = std::string_view(" -> ").size();
    place = name.find(" -> ");
  }
  if (place == std::string_view::npos) return std::nullopt;
  LinkName parts{name.substr(0, place), name.substr(place + length)};
  const std::size_t mark = parts.target.rfind(" #");
  if (mark == std::string_view::npos) return parts;
  const std::string_view digits = parts.target.substr(mark + 2);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), parts.parallel);
  if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size()) return std::nullopt;
  parts.target = parts.target.substr(0, mark);
  return parts;
}

}  // namespace

std::optional<LinkId> ClusterBuilder::find_link(std::string_view name) const {
  const std::optional<LinkName> parts = split_link_name(name);
  if (!parts) return std::nullopt;
  const std::optional<VertexId> source = find_vertex(parts->source);
  const std::optional<VertexId> target = find_vertex(parts->target);
  if (!source || !target) return std::nullopt;
  const std::vector<LinkId> found = links_between(*source, *target);
  if (parts->parallel >= found.size()) return std::nullopt;
  return found[parts->parallel];
}

std::string ClusterBuilder::link_name(LinkId id) const {
  const Link& link = parts_.links[id];
  return name_of(parts_.ranges, link.source) + std::string(arrow) +
         name_of(parts_.ranges, link.target);
}

std::vector<std::string> ClusterBuilder::similar_links(std::string_view name) const {
  const std::optional<LinkName> parts = split_link_name(name);
  std::optional<VertexId> source;
  if (parts) source = find_vertex(parts->source);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < parts_.links.size() && names.size() < enough_names; ++i) {
    const auto id = id_at<LinkId>(i);
    if (!source || parts_.links[id].source == *source) names.push_back(link_name(id));
  }
  return names;
}

std::optional<std::uint32_t> ClusterBuilder::node_holding(VertexId vertex) const {
  const ClusterShape& shape = parts_.shape;
  if (parts_.kinds[vertex] == VertexKind::gpu) return parts_.node_of(vertex);
  if (parts_.kinds[vertex] != VertexKind::nic) return std::nullopt;
  return (static_cast<std::uint32_t>(vertex) - shape.first_nic) / shape.nics_per_node;
}

void ClusterBuilder::set_gpu_types(std::vector<Gpu> further, std::vector<std::uint8_t> of_node) {
  CHECK(of_node.size() == parts_.shape.nodes, of_node.size(), parts_.shape.nodes);
  std::ranges::move(further, std::back_inserter(parts_.gpu_types));
  parts_.gpu_type_of_node = std::move(of_node);
}

void ClusterBuilder::scale_capacity(LinkId link, double factor) {
  CHECK(factor >= 0.0, factor);
  parts_.links[link].capacity = parts_.links[link].capacity * factor;
  if (parts_.failed(link)) parts_.some_link_failed = true;
}

std::optional<VertexId> ClusterBuilder::unreachable_gpu() const {
  const Graph::Rows& rows = graph().rows;
  const boost::filtered_graph<Graph::Rows, Carries> carrying(rows, {&parts_, &rows});
  std::vector<std::uint32_t> component(parts_.kinds.size());
  boost::strong_components(carrying, boost::make_iterator_property_map(
                                         component.begin(), boost::get(boost::vertex_index, rows)));
  const std::size_t gpus = std::size_t{parts_.shape.nodes} * parts_.shape.gpus_per_node;
  for (std::size_t i = 1; i < gpus; ++i) {
    if (component[i] != component[0]) return id_at<VertexId>(i);
  }
  return std::nullopt;
}

std::optional<std::string> ClusterBuilder::cut_off() {
  const auto name = [this](VertexId vertex) { return name_of(parts_.ranges, vertex); };
  if (!parts_.rules.drawn) {
    const std::optional<VertexId> lost = unreachable_gpu();
    if (!lost) return std::nullopt;
    return fmt::format("{} is cut off from others: a link is missing or has failed", name(*lost));
  }
  index_links();
  const std::vector<VertexId> adapters = all_adapters(parts_);
  parts_.rules.over_adapters = !adapters.empty() && !find_unmet(parts_, adapters);
  const std::optional<Unmet> unmet = find_unmet(parts_, all_gpus(parts_));
  if (!unmet) return std::nullopt;
  return fmt::format(
      "no way leads from {} to {}: a link is missing, leads only the other way, or has failed{}",
      name(unmet->source), name(unmet->target),
      gpus_let_through(parts_)
          ? ""
          : "; a way through a third GPU counts with scale_out.gpus_forward = true");
}

void ClusterBuilder::index_links() {
  parts_.first_out.clear();
  parts_.out.clear();
  parts_.first_out.reserve(parts_.kinds.size() + 1);
  parts_.out.reserve(parts_.links.size());
  for (std::size_t v = 0; v < parts_.kinds.size(); ++v) {
    parts_.first_out.push_back(static_cast<std::uint32_t>(parts_.out.size()));
    graph().for_each_out(id_at<VertexId>(v), [this](LinkId id) {
      if (!parts_.leads_to_host(id)) parts_.out.push_back(id);  // no way between GPUs crosses it
    });
  }
  parts_.first_out.push_back(static_cast<std::uint32_t>(parts_.out.size()));
}

void ClusterBuilder::add_hosts(const HostSpec& host) {
  append_hosts(host, parts_);
  graph_.reset();
}

Cluster ClusterBuilder::freeze() {
  index_links();
  return Cluster(std::move(parts_));
}

}  // namespace orrery
