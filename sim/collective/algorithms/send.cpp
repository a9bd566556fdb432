// One member sends, the other receives.
#include "collective/collective.hpp"

#include <algorithm>

namespace orrery::collective_algorithms {

static bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster&) {
  return kind == CollectiveKind::send_recv && members.size() == 2;
}

static Shape shape(CollectiveKind, std::span<const VertexId> members, const Cluster& cluster,
                   const ShapeOptions&) {
  if (members.size() < 2) return {};
  Route route = cluster.route(members[0], members[1]);
  const bool same = cluster.domain_of(members[0]) == cluster.domain_of(members[1]);
  std::ranges::sort(route.crossings, {}, &LinkCrossing::link);
  BundleShape bundle{
      std::move(route.crossings), 1.0, 1, same ? 1U : 0U, same ? 0U : 1U, route.latency};
  return {{{{std::move(bundle)}, 1}}, 1.0};
}

extern const CollectiveAlgorithm send;
const CollectiveAlgorithm send{.name = "send",
                               .description = "one transfer from the first member to the second",
                               .applicable = applicable,
                               .shape = shape};

}  // namespace orrery::collective_algorithms
