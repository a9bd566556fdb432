// DeepEP's low-latency kernels: every copy of a token goes straight to its expert's GPU, over RDMA
// between nodes, with no look at who shares one. For decoding, where a few tokens are all latency
// (deepseek-ai/DeepEP README).
#include "collective/expert_paths.hpp"

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId>, const Cluster&) {
  return kind == CollectiveKind::all_to_all || kind == CollectiveKind::dispatch ||
         kind == CollectiveKind::combine;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  return once_per_pick(kind, members, cluster, options.spread);
}

}  // namespace

extern const CollectiveAlgorithm deepep_low_latency;
const CollectiveAlgorithm deepep_low_latency{
    .name = "deepep_low_latency",
    .description = "every pick by itself, over RDMA between nodes (DeepEP, low latency)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
