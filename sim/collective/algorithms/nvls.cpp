// Reduction in the switches of a scale-up domain (NVLink SHARP): a member reads its part of the
// sum from the switch and writes it to the switch, which hands it to all. Over several domains a
// double binary tree joins the members of each rail (NCCL's NVLSTree).
#include "collective/collective.hpp"
#include "collective/paths.hpp"
#include "collective/switched.hpp"

#include <bit>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  if (kind != CollectiveKind::all_reduce && !gather) return false;
  if (!cluster.in_network_reduction(members.front())) return false;
  const GroupLayout layout = lay_out(members, cluster);
  return layout.even && layout.per_domain() > 1 && (layout.domains.size() == 1 || !gather);
}

BundleShape between(const GroupLayout& layout, const Cluster& cluster) {
  const std::size_t domains = layout.domains.size();
  PathSum trees(cluster);
  add_double_tree(trees, layout, std::uint64_t{1} << 32);
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
  phase.bundles.push_back(switched_bundle(kind, layout, cluster));
  double sent = switched_volumes(kind, layout.per_domain()).up;
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
