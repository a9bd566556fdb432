// NVIDIA's Hybrid-EP: the ways of DeepEP's normal kernels, between whole NVLink domains (72 GPUs
// of a rack), moved by TMA on a few SMs (deepseek-ai/DeepEP docs/README_Hybrid-EP.md). What sets it
// apart from `deepep` is what it costs: expert_exchange.hpp.
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

extern const CollectiveAlgorithm hybridep;
const CollectiveAlgorithm hybridep{
    .name = "hybridep",
    .description = "as deepep, by TMA on a few SMs and over whole NVLink domains (Hybrid-EP)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
