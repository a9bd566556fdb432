// Recursive halving to reduce and scatter, recursive doubling to gather
// (Thakur, Rabenseifner, Gropp, IJHPCA 19, 2005); for powers of two.
#include "collective/collective.hpp"
#include "collective/paths.hpp"

#include <bit>

namespace orrery::collective_algorithms {

namespace {

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster&) {
  const bool reduces_or_gathers = kind == CollectiveKind::all_reduce ||
                                  kind == CollectiveKind::all_gather ||
                                  kind == CollectiveKind::reduce_scatter;
  return reduces_or_gathers && std::has_single_bit(members.size());
}

/// Members `distance` apart exchange distance / n of the bytes.
PhaseShape exchange(std::span<const VertexId> members, const Cluster& cluster,
                    std::size_t distance) {
  PathSum sum(cluster);
  bool within = true;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const VertexId other = members[i ^ distance];
    sum.add(members[i], other, std::uint64_t{1} << 32);
    within = within && cluster.domain_of(members[i]) == cluster.domain_of(other);
  }
  const double volume = static_cast<double>(distance) / static_cast<double>(members.size());
  const Duration latency = sum.latency();
  return {{{sum.take(), volume, static_cast<std::uint32_t>(members.size()), within ? 1U : 0U,
            within ? 0U : 1U, latency}},
          1};
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions&) {
  Shape result;
  result.sent_per_member = bytes_sent_per_member(kind, members.size());
  if (kind != CollectiveKind::all_gather) {
    for (std::size_t d = members.size() / 2; d > 0; d /= 2) {
      result.phases.push_back(exchange(members, cluster, d));
    }
  }
  if (kind != CollectiveKind::reduce_scatter) {
    for (std::size_t d = 1; d < members.size(); d *= 2) {
      result.phases.push_back(exchange(members, cluster, d));
    }
  }
  return result;
}

}  // namespace

extern const CollectiveAlgorithm halving_doubling;
const CollectiveAlgorithm halving_doubling{
    .name = "halving_doubling",
    .description = "exchanges with partners at halving, then doubling distances; powers of two",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
