// Two complementary binary trees over the domains, each for half of the bytes, with a chain
// through the members of a domain; up to reduce, down to broadcast (Sanders, Speck, Träff,
// Parallel Computing 35, 2009; NCCL's "tree").
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <bit>

namespace orrery::collective_algorithms {

static bool applicable(CollectiveKind kind, std::span<const VertexId> members,
                       const Cluster& cluster) {
  return kind == CollectiveKind::all_reduce &&
         (members.size() < 2 || lay_out(members, cluster).even);
}

/// 2(n-1) transfers of the whole size: n-1 edges of a tree, up and down. A rail carries 1/g of
/// each.
static Shape shape(CollectiveKind, std::span<const VertexId> members, const Cluster& cluster,
                   const ShapeOptions&) {
  if (members.size() < 2) return {};
  const GroupLayout layout = lay_out(members, cluster);
  const std::uint64_t g = layout.per_domain();
  const std::uint64_t whole = std::uint64_t{1} << 32;
  PathSum chains(cluster);
  PathSum trees(cluster);
  for (const std::vector<VertexId>& domain : layout.domains) {
    add_cycle(chains, domain, cluster, (g - 1) * whole / g, Direction::forward);
    add_cycle(chains, domain, cluster, (g - 1) * whole / g, Direction::backward);
  }
  add_double_tree(trees, layout, whole / g);
  BundleShape bundle;
  bundle.volume = 1.0;
  bundle.transfers = static_cast<std::uint32_t>(2 * (members.size() - 1));
  bundle.intra_hops = static_cast<std::uint32_t>(2 * (g - 1));
  bundle.inter_hops = static_cast<std::uint32_t>(2 * (std::bit_width(layout.domains.size()) - 1));
  bundle.wire_latency = chains.latency() * bundle.intra_hops + trees.latency() * bundle.inter_hops;
  chains.add(trees.take());
  bundle.crossings = chains.take();
  return {{{{std::move(bundle)}, 1}},
          bytes_sent_per_member(CollectiveKind::all_reduce, members.size())};
}

extern const CollectiveAlgorithm tree;
const CollectiveAlgorithm tree{
    .name = "tree",
    .description = "two complementary binary trees over nodes, chains inside",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
