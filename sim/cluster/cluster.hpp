// The cluster as a directed graph: GPUs, switches, NICs and sockets, joined by links with a
// capacity and a latency. Frozen: once built (builder.hpp, the only place that knows Boost.Graph)
// it never changes.
//
// GPU i of the cluster is vertex i; GPUs are numbered node by node. A *domain* is the set of GPUs
// that reach one another over the scale-up fabric (a node, or a rack-wide NVLink domain).
// Capacities are what payload can use (line rate times the fabric's payload efficiency); links are
// directed, one each way. Where equal parallel links are sprayed ideally (`routing = "spread"`)
// they are one trunk link whose capacity is their sum; with `routing = "hash"` they are links of
// their own and a hash picks one. A route's weights say what share of a transfer crosses each
// link, in units of 2^-32 (program.hpp).
#pragma once

#include "base/ids.hpp"
#include "base/quantity.hpp"
#include "base/time.hpp"
#include "hardware/gpu.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace orrery {

enum class VertexKind : std::uint8_t { gpu, nvswitch, pcie_switch, cpu, nic, network_switch };
std::string_view to_string(VertexKind kind);

/// What summaries add links up by.
enum class LinkKind : std::uint8_t {
  nvlink,
  pcie,
  socket,
  nic,
  leaf_spine,
  spine_core,
  torus,
  c2c,
  host_memory,
  other
};
std::string_view to_string(LinkKind kind);

struct Link {
  VertexId source{};
  VertexId target{};
  BytesPerSecond capacity;
  Duration latency{0};
  LinkKind kind = LinkKind::other;
};

/// A share of a transfer that crosses a link; `weight` in units of 2^-32.
struct LinkCrossing {
  LinkId link{};
  std::uint64_t weight = 0;

  bool operator==(const LinkCrossing&) const = default;
};

/// The way from one GPU to another: each link at most once, in the order they are crossed.
struct Route {
  std::vector<LinkCrossing> crossings;
  Duration latency{0};  ///< the sum over one path
};

/// A link of a tree that spans members: from a member or a switch to the switch above, or back.
struct TreeLink {
  LinkId link{};
  std::uint32_t below = 1;  ///< members that the link cuts off from the root
  bool leads_up = true;
};

struct AggregationTree {
  std::vector<TreeLink> links;
  Duration latency{0};  ///< from the farthest member to the root and from there to the farthest
};

/// Between a GPU and the memory of its node's host, or work of the host on that memory.
enum class HostWay : std::uint8_t { to_host, from_host, in_host };

/// What a cluster is made of, before it is frozen: filled by fabrics through ClusterBuilder.
struct ClusterParts;
class Repetition;

class Cluster {
 public:
  explicit Cluster(ClusterParts parts);
  Cluster(Cluster&&) noexcept;
  Cluster& operator=(Cluster&&) noexcept;
  ~Cluster();

  const std::string& name() const;
  std::size_t gpu_count() const;
  std::size_t node_count() const;
  std::size_t gpus_per_node() const;
  std::size_t vertex_count() const;
  std::size_t link_count() const;

  const Gpu& gpu(VertexId gpu) const;        ///< its type
  std::size_t gpu_type(VertexId gpu) const;  ///< among gpu_types()
  std::span<const Gpu> gpu_types() const;    ///< at least one
  NodeId node_of(VertexId gpu) const;
  std::uint32_t domain_of(VertexId gpu) const;    ///< scale-up domain, from 0
  bool in_network_reduction(VertexId gpu) const;  ///< its domain's switches add up (NVLink SHARP)
  bool network_reduction() const;                 ///< the switches between domains do (SHARP)

  const Link& link(LinkId id) const;
  std::span<const LinkId> out_links(VertexId id) const;
  VertexKind kind(VertexId id) const;
  std::string name(VertexId id) const;  ///< "node[2].gpu[3]"
  std::string name(LinkId id) const;    ///< "pod[2].leaf[5] → spine[1]"

  /// The way of a transfer from one GPU to another; empty if they are the same. Deterministic. Up
  /// and down the tree where the fabric is one (the scale-up domain first, then NICs, over the
  /// peer GPU of the target's rail if the fabric does PXN), else over all shortest paths evenly.
  Route route(VertexId source, VertexId target) const;

  /// What a transfer to, from or in the memory of the GPU's host crosses (host.hpp); the cluster
  /// must show its hosts (ClusterSpec::shows_hosts).
  Route host_way(VertexId gpu, HostWay way) const;

  /// Crossings of all ordered pairs of `members` together, `inside` for pairs of one scale-up
  /// domain, `between` for the others; each ascending by link. On tree fabrics in time linear in
  /// members and links, not in pairs: count(below v) * count(not below v) transfers cross the link
  /// above v.
  struct AllPairs {
    std::vector<LinkCrossing> inside;
    std::vector<LinkCrossing> between;
    Duration inside_latency{0};  ///< the longest of the pairs
    Duration between_latency{0};
  };
  AllPairs all_pairs(std::span<const VertexId> members) const;

  /// The links over which switches between domains add up what `members`, one of a domain each,
  /// send, and hand the sum back to them (aggregation.hpp). Where network_reduction() holds.
  AggregationTree aggregation_tree(std::span<const VertexId> members) const;

  /// How it repeats itself (repetition.hpp); null if it does not.
  std::unique_ptr<const Repetition> repetition() const;

 private:
  struct Frozen;
  std::unique_ptr<Frozen> frozen_;
};

}  // namespace orrery
