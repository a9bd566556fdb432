// Every member sends to every other its own part, all at once. Parts are equal, or in a dispatch
// as large as what the other's experts are picked for.
#include "collective/collective.hpp"
#include "collective/expert_paths.hpp"
#include "collective/layout.hpp"

#include <algorithm>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId>, const Cluster&) {
  return kind == CollectiveKind::all_to_all || kind == CollectiveKind::all_gather ||
         kind == CollectiveKind::reduce_scatter || kind == CollectiveKind::dispatch ||
         kind == CollectiveKind::combine;
}

PhaseShape two_bundles(std::span<const VertexId> members, const Cluster& cluster) {
  const GroupLayout layout = lay_out(members, cluster);
  const double part = 1.0 / static_cast<double>(members.size());
  Cluster::AllPairs all = cluster.all_pairs(members);
  PhaseShape phase;
  if (layout.inside_pairs() > 0) {
    phase.bundles.push_back({std::move(all.inside), part,
                             static_cast<std::uint32_t>(layout.inside_pairs()), 1, 0,
                             all.inside_latency});
  }
  if (layout.between_pairs() > 0) {
    phase.bundles.push_back({std::move(all.between), part,
                             static_cast<std::uint32_t>(layout.between_pairs()), 0, 1,
                             all.between_latency});
  }
  return phase;
}

PhaseShape pair_by_pair(std::span<const VertexId> members, const Cluster& cluster) {
  const double part = 1.0 / static_cast<double>(members.size());
  PhaseShape phase;
  for (const VertexId source : members) {
    for (const VertexId target : members) {
      if (source == target) continue;
      Route route = cluster.route(source, target);
      std::ranges::sort(route.crossings, {}, &LinkCrossing::link);
      const bool same = cluster.domain_of(source) == cluster.domain_of(target);
      phase.bundles.push_back(
          {std::move(route.crossings), part, 1, same ? 1U : 0U, same ? 0U : 1U, route.latency});
    }
  }
  return phase;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  if (!options.spread.even()) return once_per_pick(kind, members, cluster, options.spread);
  const bool bundled = options.steps == Steps::bundled;
  return {{bundled ? two_bundles(members, cluster) : pair_by_pair(members, cluster)},
          bytes_sent_per_member(kind, members.size())};
}

}  // namespace

extern const CollectiveAlgorithm direct;
const CollectiveAlgorithm direct{.name = "direct",
                                 .description = "every member sends to every other, all at once",
                                 .applicable = applicable,
                                 .shape = shape};

}  // namespace orrery::collective_algorithms
