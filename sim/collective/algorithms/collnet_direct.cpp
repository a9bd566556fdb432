// Reduction in the network's switches (SHARP); inside domains every member sends to every other
// the part of its rail and hands the result back in the same way (NCCL's CollNetDirect).
#include "collective/aggregation.hpp"
#include "collective/paths.hpp"

#include <algorithm>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  return (kind == CollectiveKind::all_reduce || gather) && can_aggregate(members, cluster);
}

/// All ordered pairs of every domain: there and, of an all-reduce, back.
BundleShape pairs_inside(std::uint32_t times, const GroupLayout& layout, const Cluster& cluster) {
  const auto g = static_cast<double>(layout.per_domain());
  BundleShape bundle{{},    1.0 / g, static_cast<std::uint32_t>(times * layout.inside_pairs()),
                     times, 0,       {}};
  PathSum sum(cluster);
  for (const std::vector<VertexId>& domain : layout.domains) {
    const Cluster::AllPairs pairs = cluster.all_pairs(domain);
    for (std::uint32_t i = 0; i < times; ++i) sum.add(pairs.inside);
    bundle.wire_latency = std::max(bundle.wire_latency, pairs.inside_latency * times);
  }
  bundle.crossings = sum.take();
  return bundle;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  PhaseShape phase;
  phase.bundles = aggregation_bundles(kind, layout, cluster, options.steps);
  double sent = sent_into_network(kind, layout);
  if (layout.per_domain() > 1) {
    const std::uint32_t times = kind == CollectiveKind::all_reduce ? 2 : 1;
    BundleShape inside = pairs_inside(times, layout, cluster);
    const auto g = static_cast<double>(layout.per_domain());
    sent += times * (g - 1.0) / g;
    for (BundleShape& bundle : phase.bundles) {
      bundle.intra_hops = inside.intra_hops;
      bundle.wire_latency += inside.wire_latency;
    }
    phase.bundles.push_back(std::move(inside));
  }
  return {{std::move(phase)}, sent, true};
}

}  // namespace

extern const CollectiveAlgorithm collnet_direct;
const CollectiveAlgorithm collnet_direct{
    .name = "collnet_direct",
    .description = "reduction in the network's switches, all with all inside domains (SHARP)",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
