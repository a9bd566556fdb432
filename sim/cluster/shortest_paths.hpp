// All shortest paths from one vertex, each equally loaded; for fabrics without a hierarchy.
//
// A search (in hops, failed links left out) counts the shortest paths to every vertex; what is
// bound for a vertex is then handed back over the links that lead to it, in proportion to the
// paths behind each. Shares are whole units of 2^-32 and add up exactly to what was bound.
#pragma once

#include "cluster/parts.hpp"

#include <span>
#include <vector>

namespace orrery {

struct Bound {
  VertexId target{};
  std::uint64_t weight = 0;
};

/// Whether a way may lead through a GPU that is not an end of it.
inline bool gpus_let_through(const ClusterParts& parts) {
  return parts.rules.gpus_forward || parts.some_link_failed;
}

class ShortestPaths {
 public:
  ShortestPaths(const ClusterParts& parts, VertexId source);

  bool reaches(VertexId target) const { return hops_[index_of(target)] != unreached; }
  /// The longest of the shortest paths, in time.
  Duration latency(VertexId target) const { return latency_[index_of(target)]; }
  /// The crossings of everything that is bound for the targets, nearest link first.
  std::vector<LinkCrossing> crossings(std::span<const Bound> bound) const;

 private:
  void rescale(std::span<const VertexId> level);

  static constexpr std::uint32_t unreached = 0xFFFFFFFFU;

  const ClusterParts* parts_;
  std::vector<std::uint32_t> hops_;
  std::vector<double> paths_;  ///< how many, up to a factor common to all of as many hops
  std::vector<Duration> latency_;
  std::vector<LinkId> used_;  ///< links of shortest paths, by hops of their source
};

}  // namespace orrery
