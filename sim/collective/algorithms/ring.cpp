// Rings: all-reduce as reduce-scatter and all-gather, each member sending to the next n-1 times
// (Patarasuk and Yuan, JPDC 69, 2009); broadcast as a chain. Bundled, the steps are a pipeline.
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <algorithm>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId>, const Cluster&) {
  return kind != CollectiveKind::all_to_all && kind != CollectiveKind::send_recv;
}

/// Steps through which a byte passes; of them, between domains.
struct RingSteps {
  std::uint32_t all = 0;
  std::uint32_t between = 0;
};

RingSteps steps_of(CollectiveKind kind, std::size_t members, std::size_t domains) {
  const auto n = static_cast<std::uint32_t>(members);
  const auto k = static_cast<std::uint32_t>(domains);
  if (kind == CollectiveKind::all_reduce) return {2 * (n - 1), 2 * (k - 1)};
  return {n - 1, k - 1};
}

Shape bundled(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const GroupLayout layout = lay_out(members, cluster);
  const bool broadcast = kind == CollectiveKind::broadcast;
  RingPaths paths = ring_paths(layout, cluster, broadcast ? RingEnds::open : RingEnds::closed);
  const RingSteps steps = steps_of(kind, members.size(), layout.domains.size());
  BundleShape bundle;
  bundle.crossings = std::move(paths.crossings);
  bundle.volume = bytes_sent_per_member(kind, members.size());
  bundle.transfers = static_cast<std::uint32_t>(members.size() - (broadcast ? 1 : 0));
  bundle.intra_hops = steps.all - steps.between;
  bundle.inter_hops = steps.between;
  bundle.wire_latency =
      paths.inside_latency * bundle.intra_hops + paths.between_latency * bundle.inter_hops;
  return {{{{std::move(bundle)}, 1}}, bytes_sent_per_member(kind, members.size())};
}

BundleShape one_transfer_of(VertexId source, VertexId target, double volume,
                            const Cluster& cluster) {
  Route route = cluster.route(source, target);
  const bool same = cluster.domain_of(source) == cluster.domain_of(target);
  std::ranges::sort(route.crossings, {}, &LinkCrossing::link);
  return {std::move(route.crossings), volume, 1, same ? 1U : 0U, same ? 0U : 1U, route.latency};
}

/// Every step waits for the slowest transfer of the one before.
Shape step_by_step(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const std::size_t n = members.size();
  Shape shape;
  shape.sent_per_member = bytes_sent_per_member(kind, n);
  if (kind == CollectiveKind::broadcast) {
    for (std::size_t i = 0; i + 1 < n; ++i) {
      shape.phases.push_back({{one_transfer_of(members[i], members[i + 1], 1.0, cluster)}, 1});
    }
    return shape;
  }
  PhaseShape step;
  step.repeat = steps_of(kind, n, 1).all;
  for (std::size_t i = 0; i < n; ++i) {
    const double part = 1.0 / static_cast<double>(n);
    step.bundles.push_back(one_transfer_of(members[i], members[(i + 1) % n], part, cluster));
  }
  shape.phases.push_back(std::move(step));
  return shape;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  if (members.size() < 2) return {};
  return options.steps == Steps::bundled ? bundled(kind, members, cluster)
                                         : step_by_step(kind, members, cluster);
}

}  // namespace

extern const CollectiveAlgorithm ring;
const CollectiveAlgorithm ring{
    .name = "ring",
    .description =
        "each member sends to the next; one ring per member of a node, over its own adapter",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
