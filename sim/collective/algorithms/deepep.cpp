// DeepEP's normal kernels: a token crosses the network once for each node that holds any of its
// experts, along the sender's rail, and fans out over NVLink once for each member that does.
// Kernels for training and prefill, on a share of the SMs (deepseek-ai/DeepEP README). Without
// spread, as an all-to-all, every part has one destination and the network is crossed as often as
// `hierarchical` does.
#include "collective/expert_paths.hpp"

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId>, const Cluster&) {
  return kind == CollectiveKind::all_to_all || kind == CollectiveKind::dispatch ||
         kind == CollectiveKind::combine;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  return once_per_domain(kind, members, cluster, options.spread);
}

}  // namespace

extern const CollectiveAlgorithm deepep;
const CollectiveAlgorithm deepep{
    .name = "deepep",
    .description = "once per node over the network, then over NVLink (DeepEP, normal kernels)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
