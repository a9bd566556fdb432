// Reduction in the network's switches (SHARP) of what chains through the members of each domain
// have summed up; the result comes back along the chains (NCCL's CollNetChain).
#include "collective/aggregation.hpp"
#include "collective/paths.hpp"

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  return kind == CollectiveKind::all_reduce && can_aggregate(members, cluster);
}

/// Up and down the chains, of which there is one for every rail: of g members g-1 send the rail's
/// 1/g each way.
BundleShape chains(const GroupLayout& layout, const Cluster& cluster) {
  const std::uint64_t whole = std::uint64_t{1} << 32;
  const auto g = static_cast<std::uint32_t>(layout.per_domain());
  PathSum sum(cluster);
  for (const std::vector<VertexId>& domain : layout.domains) {
    add_cycle(sum, domain, cluster, whole, Direction::forward);
    add_cycle(sum, domain, cluster, whole, Direction::backward);
  }
  const std::uint32_t hops = 2 * (g - 1);
  const Duration latency = sum.latency() * hops;
  return {sum.take(), (g - 1.0) / g, static_cast<std::uint32_t>(2 * layout.members), hops,
          0,          latency};
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  PhaseShape phase;
  phase.bundles = aggregation_bundles(kind, layout, cluster, options.steps);
  double sent = sent_into_network(kind, layout);
  if (layout.per_domain() > 1) {
    BundleShape inside = chains(layout, cluster);
    sent += 2.0 * inside.volume;
    for (BundleShape& bundle : phase.bundles) {
      bundle.intra_hops = inside.intra_hops;
      bundle.wire_latency += inside.wire_latency;
    }
    phase.bundles.push_back(std::move(inside));
  }
  return {{std::move(phase)}, sent, true};
}

}  // namespace

extern const CollectiveAlgorithm collnet_chain;
const CollectiveAlgorithm collnet_chain{
    .name = "collnet_chain",
    .description = "reduction in the network's switches, chains inside domains (SHARP)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
