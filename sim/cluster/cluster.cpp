#include "cluster/cluster.hpp"

#include "base/check.hpp"
#include "cluster/aggregation.hpp"
#include "cluster/host.hpp"
#include "cluster/parts.hpp"
#include "cluster/repetition.hpp"
#include "cluster/routing.hpp"

namespace orrery {

std::string_view to_string(VertexKind kind) {
  switch (kind) {
    case VertexKind::gpu:
      return "gpu";
    case VertexKind::nvswitch:
      return "nvswitch";
    case VertexKind::pcie_switch:
      return "pcie_switch";
    case VertexKind::cpu:
      return "cpu";
    case VertexKind::nic:
      return "nic";
    case VertexKind::network_switch:
      return "network_switch";
  }
  CHECK(false, static_cast<int>(kind));
}

std::string_view to_string(LinkKind kind) {
  switch (kind) {
    case LinkKind::nvlink:
      return "nvlink";
    case LinkKind::pcie:
      return "pcie";
    case LinkKind::socket:
      return "socket";
    case LinkKind::nic:
      return "nic";
    case LinkKind::leaf_spine:
      return "leaf_spine";
    case LinkKind::spine_core:
      return "spine_core";
    case LinkKind::torus:
      return "torus";
    case LinkKind::c2c:
      return "c2c";
    case LinkKind::host_memory:
      return "host_memory";
    case LinkKind::other:
      return "other";
  }
  CHECK(false, static_cast<int>(kind));
}

struct Cluster::Frozen {
  ClusterParts parts;
};

Cluster::Cluster(ClusterParts parts)
    : frozen_(std::make_unique<Frozen>(Frozen{std::move(parts)})) {}
Cluster::Cluster(Cluster&&) noexcept = default;
Cluster& Cluster::operator=(Cluster&&) noexcept = default;
Cluster::~Cluster() = default;

const std::string& Cluster::name() const { return frozen_->parts.name; }
std::size_t Cluster::gpu_count() const { return node_count() * gpus_per_node(); }
std::size_t Cluster::node_count() const { return frozen_->parts.shape.nodes; }
std::size_t Cluster::gpus_per_node() const { return frozen_->parts.shape.gpus_per_node; }
std::size_t Cluster::vertex_count() const { return frozen_->parts.kinds.size(); }
std::size_t Cluster::link_count() const { return frozen_->parts.links.size(); }

const Gpu& Cluster::gpu(VertexId gpu) const {
  DCHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  return frozen_->parts.gpu_types[frozen_->parts.gpu_type_of(gpu)];
}

std::size_t Cluster::gpu_type(VertexId gpu) const {
  DCHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  return frozen_->parts.gpu_type_of(gpu);
}

std::span<const Gpu> Cluster::gpu_types() const { return frozen_->parts.gpu_types; }

NodeId Cluster::node_of(VertexId gpu) const {
  DCHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  return id_at<NodeId>(frozen_->parts.node_of(gpu));
}

std::uint32_t Cluster::domain_of(VertexId gpu) const {
  DCHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  return frozen_->parts.domain_of(gpu);
}

bool Cluster::in_network_reduction(VertexId gpu) const {
  DCHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  (void)gpu;
  return frozen_->parts.in_network_reduction;
}

bool Cluster::network_reduction() const { return frozen_->parts.network_reduction; }

const Link& Cluster::link(LinkId id) const { return frozen_->parts.links[id]; }
std::span<const LinkId> Cluster::out_links(VertexId id) const {
  return frozen_->parts.out_links(id);
}
VertexKind Cluster::kind(VertexId id) const { return frozen_->parts.kinds[id]; }
std::string Cluster::name(VertexId id) const { return name_of(frozen_->parts.ranges, id); }

std::string Cluster::name(LinkId id) const {
  const Link& named = link(id);
  std::size_t parallels_before = 0;
  bool alone = true;
  for (const LinkId other : out_links(named.source)) {
    if (other == id || link(other).target != named.target) continue;
    alone = false;
    if (other < id) ++parallels_before;
  }
  const std::string both = name(named.source) + " → " + name(named.target);
  return alone ? both : both + " #" + std::to_string(parallels_before);
}

Route Cluster::route(VertexId source, VertexId target) const {
  CHECK(index_of(source) < gpu_count() && index_of(target) < gpu_count(), index_of(source),
        index_of(target));
  return find_route(frozen_->parts, source, target);
}

Route Cluster::host_way(VertexId gpu, HostWay way) const {
  CHECK(index_of(gpu) < gpu_count(), index_of(gpu));
  return find_host_way(frozen_->parts, gpu, way);
}

Cluster::AllPairs Cluster::all_pairs(std::span<const VertexId> members) const {
  return find_all_pairs(frozen_->parts, members);
}

AggregationTree Cluster::aggregation_tree(std::span<const VertexId> members) const {
  CHECK(network_reduction());
  return find_aggregation_tree(frozen_->parts, members);
}

std::unique_ptr<const Repetition> Cluster::repetition() const {
  return Repetition::find(frozen_->parts);
}

}  // namespace orrery
