// Reduction in the switches of every scale-up domain and in those between domains: NVLink SHARP
// and SHARP together (NCCL's NVLS on several nodes).
#include "collective/aggregation.hpp"
#include "collective/switched.hpp"

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  return kind == CollectiveKind::all_reduce && cluster.in_network_reduction(members.front()) &&
         can_aggregate(members, cluster) && lay_out(members, cluster).per_domain() > 1;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  PhaseShape phase;
  phase.bundles = aggregation_bundles(kind, layout, cluster, options.steps);
  for (BundleShape& bundle : phase.bundles) bundle.intra_hops = 1;
  phase.bundles.push_back(switched_bundle(kind, layout, cluster));
  const double inside = switched_volumes(kind, layout.per_domain()).up;
  return {{std::move(phase)}, inside + sent_into_network(kind, layout), true};
}

}  // namespace

extern const CollectiveAlgorithm nvls_sharp;
const CollectiveAlgorithm nvls_sharp{
    .name = "nvls_sharp",
    .description = "reduction in the switches of domains and of the network (NVLS with SHARP)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
