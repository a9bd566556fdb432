// In two dimensions: inside domains, then between the members at equal places of the domains, each
// phase after the other. A member sends one message per remote domain instead of one per remote
// member.
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <algorithm>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  if (kind == CollectiveKind::broadcast || kind == CollectiveKind::send_recv) return false;
  const GroupLayout layout = lay_out(members, cluster);
  return layout.even && layout.domains.size() > 1 && layout.per_domain() > 1;
}

/// Rings inside every domain; each member sends `volume` in g-1 steps.
PhaseShape rings_inside(const GroupLayout& layout, const Cluster& cluster, double volume) {
  PathSum sum(cluster);
  for (const std::vector<VertexId>& domain : layout.domains) {
    add_cycle(sum, domain, cluster, std::uint64_t{1} << 32, Direction::forward);
  }
  const auto steps = static_cast<std::uint32_t>(layout.per_domain() - 1);
  const Duration latency = sum.latency() * steps;
  return {{{sum.take(), volume, static_cast<std::uint32_t>(layout.members), steps, 0, latency}}, 1};
}

/// Rings over the rails; each member sends `volume` in `steps` steps.
PhaseShape rings_between(const GroupLayout& layout, const Cluster& cluster, double volume,
                         std::uint32_t steps) {
  RingPaths paths = rail_rings(layout, cluster);
  const Duration latency = paths.between_latency * steps;
  return {{{std::move(paths.crossings), volume, static_cast<std::uint32_t>(layout.members), 0,
            steps, latency}},
          1};
}

Shape all_to_all(const GroupLayout& layout, const Cluster& cluster) {
  const auto g = static_cast<std::uint32_t>(layout.per_domain());
  const auto k = static_cast<std::uint32_t>(layout.domains.size());
  PathSum inside(cluster);
  PathSum between(cluster);
  BundleShape first{{}, 1.0 / g, k * g * (g - 1), 1, 0, Duration{0}};
  BundleShape second{{}, 1.0 / k, g * k * (k - 1), 0, 1, Duration{0}};
  for (const std::vector<VertexId>& domain : layout.domains) {
    const Cluster::AllPairs pairs = cluster.all_pairs(domain);
    inside.add(pairs.inside);
    first.wire_latency = std::max(first.wire_latency, pairs.inside_latency);
  }
  for (std::size_t rail = 0; rail < g; ++rail) {
    const Cluster::AllPairs pairs = cluster.all_pairs(members_on_rail(layout, rail));
    between.add(pairs.between);
    second.wire_latency = std::max(second.wire_latency, pairs.between_latency);
  }
  first.crossings = inside.take();
  second.crossings = between.take();
  const double sent = (g - 1.0) / g + (k - 1.0) / k;
  return {{{{std::move(first)}, 1}, {{std::move(second)}, 1}}, sent};
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions&) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  if (kind == CollectiveKind::all_to_all) return all_to_all(layout, cluster);
  const auto g = static_cast<double>(layout.per_domain());
  const auto k = static_cast<double>(layout.domains.size());
  const auto steps = static_cast<std::uint32_t>(layout.domains.size() - 1);
  const double inside = (g - 1.0) / g;
  const double between = (k - 1.0) / k / g;
  if (kind == CollectiveKind::all_reduce) {
    return {{rings_inside(layout, cluster, inside),
             rings_between(layout, cluster, 2.0 * between, 2 * steps),
             rings_inside(layout, cluster, inside)},
            2.0 * inside + 2.0 * between};
  }
  Shape result{
      {rings_between(layout, cluster, between, steps), rings_inside(layout, cluster, inside)},
      inside + between};
  if (kind == CollectiveKind::reduce_scatter) std::ranges::reverse(result.phases);
  return result;
}

}  // namespace

extern const CollectiveAlgorithm hierarchical;
const CollectiveAlgorithm hierarchical{
    .name = "hierarchical",
    .description =
        "inside nodes first, then between equal places of the nodes, or the other way round",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
