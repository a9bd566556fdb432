#include "collective/switched.hpp"

#include <algorithm>

namespace orrery {

Switched switched_volumes(CollectiveKind kind, std::size_t members) {
  const auto g = static_cast<double>(members);
  switch (kind) {
    case CollectiveKind::all_gather:
      return {1.0 / g, (g - 1.0) / g};
    case CollectiveKind::reduce_scatter:
      return {(g - 1.0) / g, 1.0 / g};
    default:
      return {(g + 1.0) / g, (g + 1.0) / g};
  }
}

static std::uint64_t share_of(double part, double volume) {
  constexpr double whole = 0x1.0p32;
  return static_cast<std::uint64_t>(part / volume * whole);
}

BundleShape switched_bundle(CollectiveKind kind, const GroupLayout& layout,
                            const Cluster& cluster) {
  const Switched bytes = switched_volumes(kind, layout.per_domain());
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

}  // namespace orrery
