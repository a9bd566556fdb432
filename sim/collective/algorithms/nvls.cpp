// Reduction in the switches of a scale-up domain (NVLink SHARP): a member reads its part of the
// sum from the switch and writes it to the switch, which hands it to all. Over several domains a
// double binary tree joins the members of each rail (NCCL's NVLSTree).
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <algorithm>
#include <bit>

namespace orrery::collective_algorithms {

namespace {

constexpr std::uint64_t whole = std::uint64_t{1} << 32;

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  if (kind != CollectiveKind::all_reduce && !gather) return false;
  if (!cluster.in_network_reduction(members.front())) return false;
  const GroupLayout layout = lay_out(members, cluster);
  return layout.even && layout.per_domain() > 1 && (layout.domains.size() == 1 || !gather);
}

/// What goes up to the switch and down from it, per byte of size, for g members of a domain.
struct Switched {
  double up = 0.0;
  double down = 0.0;
};

Switched volumes(CollectiveKind kind, double g) {
  switch (kind) {
    case CollectiveKind::all_gather:
      return {1.0 / g, (g - 1.0) / g};
    case CollectiveKind::reduce_scatter:
      return {(g - 1.0) / g, 1.0 / g};
    default:
      return {(g + 1.0) / g, (g + 1.0) / g};
  }
}

std::uint64_t share_of(double part, double volume) {
  return static_cast<std::uint64_t>(part / volume * static_cast<double>(whole));
}

BundleShape inside(CollectiveKind kind, const GroupLayout& layout, const Cluster& cluster) {
  const Switched bytes = volumes(kind, static_cast<double>(layout.per_domain()));
  BundleShape bundle;
  bundle.volume = std::max(bytes.up, bytes.down);
  bundle.transfers = static_cast<std::uint32_t>(layout.members);
  bundle.intra_hops = 1;
  for (const std::vector<VertexId>& domain : layout.domains) {
    for (std::size_t i = 0; i < domain.size(); ++i) {
      const VertexId other = domain[(i + 1) % domain.size()];
      const Route out = cluster.route(domain[i], other);
      const Route in = cluster.route(other, domain[i]);
      bundle.crossings.push_back({out.crossings.front().link, share_of(bytes.up, bundle.volume)});
      bundle.crossings.push_back({in.crossings.back().link, share_of(bytes.down, bundle.volume)});
      bundle.wire_latency = std::max(bundle.wire_latency, out.latency);
    }
  }
  std::ranges::sort(bundle.crossings, {}, &LinkCrossing::link);
  return bundle;
}

BundleShape between(const GroupLayout& layout, const Cluster& cluster) {
  const std::size_t domains = layout.domains.size();
  PathSum trees(cluster);
  add_double_tree(trees, layout, whole);
  BundleShape bundle;
  bundle.volume = 1.0 / static_cast<double>(layout.per_domain());
  bundle.transfers = static_cast<std::uint32_t>(2 * (domains - 1) * layout.per_domain());
  bundle.intra_hops = 1;
  bundle.inter_hops = static_cast<std::uint32_t>(2 * (std::bit_width(domains) - 1));
  bundle.wire_latency = trees.latency() * bundle.inter_hops;
  bundle.crossings = trees.take();
  return bundle;
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions&) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  PhaseShape phase;
  phase.bundles.push_back(inside(kind, layout, cluster));
  double sent = volumes(kind, static_cast<double>(layout.per_domain())).up;
  if (layout.domains.size() > 1) {
    phase.bundles.push_back(between(layout, cluster));
    const BundleShape& trees = phase.bundles.back();
    sent += trees.volume * trees.transfers / static_cast<double>(members.size());
  }
  return {{std::move(phase)}, sent, true};
}

}  // namespace

extern const CollectiveAlgorithm nvls;
const CollectiveAlgorithm nvls{
    .name = "nvls",
    .description = "reduction in the switches of a domain, trees between domains",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
