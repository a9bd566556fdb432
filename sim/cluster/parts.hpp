// A frozen cluster from inside: what ClusterBuilder makes, Cluster holds and routing reads.
//
// Outgoing links lie side by side per vertex (CSR). Two hierarchies give routes without a search:
// the *local* one joins what is in a scale-up domain (GPU, switch, socket, adapters on PCIe), the
// *outer* one joins adapters (leaf, spine, core). In both, the link down follows the link up: down
// = up + 1.
#pragma once

#include "base/id_vector.hpp"
#include "cluster/cluster.hpp"
#include "cluster/names.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace orrery {

inline constexpr LinkId no_link = static_cast<LinkId>(0xFFFFFFFFU);
inline constexpr std::uint8_t no_level = 0xFF;

/// How a way between adapters is found.
enum class OuterRouting : std::uint8_t {
  tree,     ///< one way up and down; equal links are one trunk
  layered,  ///< up to a common ancestor and down, a hash picks among equals
  graph,    ///< all shortest paths evenly
};

struct ClusterShape {
  std::uint32_t nodes = 1;
  std::uint32_t gpus_per_node = 1;
  std::uint32_t gpus_per_domain =
      1;  ///< a multiple of gpus_per_node, except that a node is never split
  std::uint32_t nics_per_node = 0;  ///< vertices; several adapters of one GPU are one trunk
  std::uint32_t first_nic = 0;      ///< vertex of node 0's first adapter
};

struct RoutingRules {
  OuterRouting outer = OuterRouting::tree;
  bool peer_rail =
      false;  ///< leave by the adapter on the target's rail, over the GPU beside it (PXN)
  bool host_bounce = false;   ///< no peer-to-peer: what moves inside a node passes a CPU socket
  bool gpus_forward = false;  ///< a way may lead through other GPUs
  bool drawn = false;         ///< link by link, in a file: whether all meet must be found out
  bool over_adapters = true;  ///< outer graph: from adapter to adapter, else from GPU to GPU
  std::uint64_t seed = 0;     ///< of hashes
};

/// Where the links to the memory of hosts lie, behind all others (host.hpp).
struct HostPlaces {
  std::uint32_t ports_per_node = 0;  ///< 0: the cluster does not show its hosts
  std::uint32_t gpus_per_port = 1;
  LinkId first_port{};    ///< to the host; the next one leads back
  LinkId first_memory{};  ///< of node 0
  bool over_pcie = true;
};

struct ClusterParts {
  std::string name;
  std::vector<Gpu> gpu_types;                  ///< the first is the cluster's own
  std::vector<std::uint8_t> gpu_type_of_node;  ///< none: all nodes are of the first
  ClusterShape shape;
  RoutingRules rules;
  bool in_network_reduction = false;  ///< inside scale-up domains
  bool network_reduction = false;     ///< between them
  bool some_link_failed = false;      ///< a link has no capacity at all: ways must avoid it
  std::vector<VertexRange> ranges;
  IdVector<VertexId, VertexKind> kinds;
  IdVector<LinkId, Link> links;
  std::vector<std::uint32_t> first_out;  ///< by vertex, one more than there are
  std::vector<LinkId> out;               ///< by vertex, ascending
  IdVector<VertexId, LinkId> local_up;  ///< to the parent in the local hierarchy; no_link at a root
  IdVector<VertexId, LinkId> outer_up;  ///< in the outer one, where there is one parent
  IdVector<VertexId, std::uint8_t> level;  ///< in the outer hierarchy: 0 is an adapter
  HostPlaces host;

  std::span<const LinkId> out_links(VertexId vertex) const {
    const std::size_t v = index_of(vertex);
    return std::span(out).subspan(first_out[v], first_out[v + 1] - first_out[v]);
  }
  std::uint32_t node_of(VertexId gpu) const {
    return static_cast<std::uint32_t>(gpu) / shape.gpus_per_node;
  }
  std::uint32_t domain_of(VertexId gpu) const {
    return static_cast<std::uint32_t>(gpu) / shape.gpus_per_domain;
  }
  std::size_t gpu_type_of(VertexId gpu) const {
    return gpu_type_of_node.empty() ? 0 : gpu_type_of_node[node_of(gpu)];
  }
  /// Which of its node's adapters a GPU sits beside.
  std::uint32_t rail_of(VertexId gpu) const {
    const std::uint32_t place = static_cast<std::uint32_t>(gpu) % shape.gpus_per_node;
    return place * shape.nics_per_node / shape.gpus_per_node;
  }
  VertexId nic(std::uint32_t node, std::uint32_t rail) const {
    return id_at<VertexId>(shape.first_nic + node * shape.nics_per_node + rail);
  }
  bool leads_to_host(LinkId link) const {
    return host.ports_per_node > 0 && link >= host.first_port;
  }
  bool failed(LinkId link) const { return !(links[link].capacity.value() > 0.0); }
};

}  // namespace orrery
