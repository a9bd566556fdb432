// Parallel aggregated trees (NCCL from 2.23): every member is the root of a binomial tree over all
// of them, whose far edges come first, and what goes the same distance at the same time goes as
// one (Jeaugey, arXiv 2506.20252). To gather, member i sends to i + d, for d = n/2 .. 1, the parts
// of all trees with an edge of that length; to scatter, the other way round and back.
#include "collective/collective.hpp"
#include "collective/layout.hpp"
#include "collective/paths.hpp"

#include <algorithm>
#include <bit>

namespace orrery::collective_algorithms {

namespace {

constexpr std::uint64_t whole = std::uint64_t{1} << 32;

bool applicable(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  if (!gather) return false;
  const GroupLayout layout = lay_out(members, cluster);
  return layout.domains.size() == members.size();
}

/// Edges of a tree that bridge `distance`: a member so far from the root that its lowest bit is
/// that hangs below the one without that bit.
std::uint64_t edges(std::size_t members, std::size_t distance) {
  return ((members - 1) / distance + 1) / 2;
}

PathSum exchange(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
                 std::size_t distance, std::uint64_t share) {
  PathSum sum(cluster);
  for (std::size_t i = 0; i < members.size(); ++i) {
    const VertexId near = members[i];
    const VertexId far = members[(i + distance) % members.size()];
    const bool gathers = kind == CollectiveKind::all_gather;
    sum.add(gathers ? near : far, gathers ? far : near, share);
  }
  return sum;
}

/// The levels follow one another so closely that they share the links.
PhaseShape bundled(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster) {
  const std::size_t n = members.size();
  PathSum all(cluster);
  for (std::size_t d = std::bit_floor(n - 1); d > 0; d /= 2) {
    all.add(exchange(kind, members, cluster, d, edges(n, d) * whole).take());
  }
  BundleShape bundle;
  bundle.volume = 1.0 / static_cast<double>(n);
  bundle.transfers = static_cast<std::uint32_t>(n * (n - 1));
  bundle.inter_hops = static_cast<std::uint32_t>(std::bit_width(n - 1));
  bundle.crossings = all.take();
  for (std::size_t d = std::bit_floor(n - 1); d > 0; d /= 2) {
    bundle.wire_latency += exchange(kind, members, cluster, d, whole).latency();
  }
  return {{std::move(bundle)}, 1};
}

PhaseShape level(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
                 std::size_t distance) {
  PathSum sum = exchange(kind, members, cluster, distance, whole);
  const auto n = static_cast<double>(members.size());
  const Duration latency = sum.latency();
  return {{{sum.take(), static_cast<double>(edges(members.size(), distance)) / n,
            static_cast<std::uint32_t>(members.size()), 0, 1, latency}},
          1};
}

Shape shape(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
            const ShapeOptions& options) {
  const std::size_t n = members.size();
  if (n < 2) return {};
  Shape result;
  result.sent_per_member = bytes_sent_per_member(kind, n);
  if (options.steps == Steps::bundled) {
    result.phases.push_back(bundled(kind, members, cluster));
    return result;
  }
  for (std::size_t d = std::bit_floor(n - 1); d > 0; d /= 2) {
    result.phases.push_back(level(kind, members, cluster, d));
  }
  if (kind == CollectiveKind::reduce_scatter) std::ranges::reverse(result.phases);
  return result;
}

}  // namespace

extern const CollectiveAlgorithm pat;
const CollectiveAlgorithm pat{
    .name = "pat",
    .description = "a binomial tree from every member at once; one member per node",
    .applicable = applicable,
    .shape = shape};

}  // namespace orrery::collective_algorithms
