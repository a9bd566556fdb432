// A cluster while it grows: fabrics add vertices and links, freeze() makes it fast and
// unchangeable. Its links, sorted by the vertices they leave, are a Boost compressed sparse row
// graph, which also answers whether everything can reach everything; Boost.Graph is known to
// builder.cpp alone.
//
// The GPUs are there from the start, vertex i is GPU i, named "node[a].gpu[b]". The fabric inside
// nodes grows first and places the adapters (place_nics), the one between nodes then joins them.
#pragma once

#include "base/diagnostics.hpp"
#include "cluster/cluster.hpp"
#include "cluster/parts.hpp"
#include "cluster/spec.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

struct LinkTraits {
  BytesPerSecond capacity;
  Duration latency{0};
  LinkKind kind = LinkKind::other;
};

/// Both directions of a link that leads up a hierarchy.
struct TwoWay {
  LinkTraits up;
  LinkTraits down;
};

/// The adapters of a node, as [nic] describes them.
struct NicPlan {
  std::uint32_t per_node = 0;  ///< vertices: min(adapters, GPUs)
  BytesPerSecond capacity;     ///< of one vertex, payload
  Duration latency{0};         ///< from GPU memory to the wire
  BytesPerSecond pcie;         ///< between GPU and adapter, payload
};

class ClusterBuilder {
 public:
  ClusterBuilder(std::string name, Gpu gpu, ClusterShape shape, NicPlan nics);
  ~ClusterBuilder();
  ClusterBuilder(ClusterBuilder&&) noexcept;

  const Gpu& gpu_type() const { return parts_.gpu_types.front(); }
  const NicPlan& nics() const { return nics_; }
  const ClusterShape& shape() const { return parts_.shape; }
  RoutingRules& rules() { return parts_.rules; }

  VertexId gpu(std::uint32_t node, std::uint32_t place) const;
  VertexId nic(std::uint32_t node, std::uint32_t rail) const { return parts_.nic(node, rail); }

  /// GPUs that reach one another over the scale-up fabric; whole nodes.
  void set_domain(std::uint32_t gpus);
  void set_in_network_reduction() { parts_.in_network_reduction = true; }
  void set_network_reduction() { parts_.network_reduction = true; }

  /// Whether a GPU has a link to its fellows that is not PCIe.
  bool gpus_meet_over_nvlink() const;

  /// Adds a vertex for each place of the extents (names.hpp) and returns the first.
  VertexId add_vertices(VertexKind kind, std::string pattern, std::vector<std::uint32_t> extents);
  /// Adds the adapters of all nodes: "node[a].nic[b]".
  void place_nics();
  /// Adds them, each joined to the GPUs that sit beside it.
  void place_nics_beside_gpus();

  LinkId add_link(VertexId source, VertexId target, LinkTraits traits);
  /// A link each way outside any hierarchy.
  void join(VertexId a, VertexId b, LinkTraits traits);
  /// Puts `child` below `parent` in the local hierarchy; a child has one parent.
  void attach(VertexId child, VertexId parent, TwoWay links);
  /// Puts `child` below `parent` in the outer hierarchy, one level above it.
  void uplink(VertexId child, VertexId parent, TwoWay links);

  /// Among the first `ranges` calls of add_vertices.
  std::optional<VertexId> find_vertex(std::string_view name, std::size_t ranges = SIZE_MAX) const;
  std::size_t range_count() const { return parts_.ranges.size(); }
  std::vector<std::string> vertex_names() const;  ///< the first 20,000, to suggest
  /// The link of that name ("a → b" or "a -> b"; "… #2" among parallels), or nothing.
  std::optional<LinkId> find_link(std::string_view name) const;
  /// Names of links like that one, to suggest: those that leave the same vertex, else of the whole
  /// graph.
  std::vector<std::string> similar_links(std::string_view name) const;
  void scale_capacity(LinkId link, double factor);
  const IdVector<LinkId, Link>& links() const { return parts_.links; }
  VertexKind kind(VertexId vertex) const { return parts_.kinds[vertex]; }
  /// The node that a GPU or an adapter is in; nothing for other vertices.
  std::optional<std::uint32_t> node_holding(VertexId vertex) const;
  /// The types of GPU beside the cluster's own, and by node which of all it holds.
  void set_gpu_types(std::vector<Gpu> further, std::vector<std::uint8_t> of_node);
  bool leads_to_host(LinkId link) const { return parts_.leads_to_host(link); }

  /// What is wrong when some GPU cannot reach another over links that carry something, or nothing.
  std::optional<std::string> cut_off();

  /// Adds the ways to the hosts' memory, after everything else.
  void add_hosts(const HostSpec& host);

  Cluster freeze();

 private:
  struct Graph;
  struct Carries;

  std::optional<VertexId> unreachable_gpu() const;
  void index_links();
  std::vector<LinkId> links_between(VertexId source, VertexId target) const;
  std::string link_name(LinkId link) const;
  const Graph& graph() const;  ///< of what has been added so far

  ClusterParts parts_;
  NicPlan nics_;
  bool nics_placed_ = false;
  mutable std::unique_ptr<const Graph>
      graph_;  ///< sorted when first asked for, until more is added
};

}  // namespace orrery
