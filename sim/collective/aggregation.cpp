#include "collective/aggregation.hpp"

#include "cluster/routing.hpp"

#include <algorithm>

namespace orrery {

bool can_aggregate(std::span<const VertexId> members, const Cluster& cluster) {
  if (!cluster.network_reduction() || members.size() < 2) return false;
  const GroupLayout layout = lay_out(members, cluster);
  return layout.even && layout.domains.size() > 1;
}

namespace {

/// How many transfers of a part cross a link of the tree of `members`.
std::uint64_t parts_on(CollectiveKind kind, const TreeLink& link, std::uint64_t members) {
  if (kind == CollectiveKind::all_reduce) return 1;
  const bool from_below = link.leads_up == (kind == CollectiveKind::all_gather);
  return from_below ? link.below : members - link.below;
}

/// Of the size, what one transfer carries.
double part_of(CollectiveKind kind, const GroupLayout& layout) {
  const std::size_t parts =
      kind == CollectiveKind::all_reduce ? layout.per_domain() : layout.members;
  return 1.0 / static_cast<double>(parts);
}

/// Transfers with which a member begins.
std::size_t transfers_of(CollectiveKind kind, std::size_t domains) {
  return kind == CollectiveKind::reduce_scatter ? domains - 1 : 1;
}

}  // namespace

double sent_into_network(CollectiveKind kind, const GroupLayout& layout) {
  return part_of(kind, layout) * static_cast<double>(transfers_of(kind, layout.domains.size()));
}

std::vector<BundleShape> aggregation_bundles(CollectiveKind kind, const GroupLayout& layout,
                                             const Cluster& cluster, Steps steps) {
  const std::size_t domains = layout.domains.size();
  std::vector<BundleShape> bundles;
  std::vector<CrossingSum> crossings;
  for (std::size_t rail = 0; rail < layout.per_domain(); ++rail) {
    const AggregationTree tree = cluster.aggregation_tree(members_on_rail(layout, rail));
    if (rail == 0 || steps == Steps::explicit_steps) {
      bundles.push_back({{}, part_of(kind, layout), 0, 0, 1, tree.latency});
      crossings.emplace_back();
    }
    BundleShape& bundle = bundles.back();
    bundle.transfers += static_cast<std::uint32_t>(transfers_of(kind, domains) * domains);
    bundle.wire_latency = std::max(bundle.wire_latency, tree.latency);
    for (const TreeLink& link : tree.links) {
      crossings.back().add(link.link, parts_on(kind, link, domains) << 32);
    }
  }
  for (std::size_t i = 0; i < bundles.size(); ++i) bundles[i].crossings = crossings[i].take();
  return bundles;
}

}  // namespace orrery
