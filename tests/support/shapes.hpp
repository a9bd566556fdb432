// What a shape puts on links, for tests.
#pragma once

#include "collective/collective.hpp"

#include <algorithm>
#include <vector>

namespace orrery::testing {

/// Bytes per byte of size that cross the link, in all phases.
inline double crossing(const Shape& shape, LinkId link) {
  double bytes = 0.0;
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) {
      for (const LinkCrossing& c : bundle.crossings) {
        if (c.link == link)
          bytes += phase.repeat * bundle.volume * static_cast<double>(c.weight) * 0x1.0p-32;
      }
    }
  }
  return bytes;
}

/// The most that crosses any link of the kind.
inline double most_crossing(const Shape& shape, LinkKind kind, const Cluster& cluster) {
  double most = 0.0;
  for (std::size_t i = 0; i < cluster.link_count(); ++i) {
    const auto id = id_at<LinkId>(i);
    if (cluster.link(id).kind == kind) most = std::max(most, crossing(shape, id));
  }
  return most;
}

inline Shape shape_of(const char* algorithm, CollectiveKind kind,
                      const std::vector<VertexId>& members, const Cluster& cluster,
                      Steps steps = Steps::bundled) {
  return find_collective_algorithm(algorithm)->shape(kind, members, cluster, steps);
}

}  // namespace orrery::testing
