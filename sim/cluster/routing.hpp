// Ways through a frozen cluster.
//
// Inside a scale-up domain: the direct link if there is one, else up and down the local hierarchy.
// Between domains: to an adapter, through the outer network, from an adapter to the target. With
// PXN (`peer_rail`) the adapter is the one on the target's rail, reached over the GPU beside it,
// so that a rail's traffic stays on its leaf (NVIDIA NCCL, path type PXN). Whatever has no
// hierarchy, or meets a failed link, takes all shortest paths evenly, each split in whole units of
// 2^-32.
#pragma once

#include "cluster/cluster.hpp"
#include "cluster/parts.hpp"

#include <span>

namespace orrery {

/// Sorts by link; in no particular order among equals. Digit by digit where there are thousands.
void sort_by_link(std::span<LinkCrossing> crossings);

/// Adds up crossings; keeps its size near the number of distinct links.
class CrossingSum {
 public:
  void add(LinkId link, std::uint64_t weight) {
    items_.push_back({link, weight});
    if (items_.size() >= next_merge_) merge();
  }
  void add(std::span<const LinkCrossing> crossings, std::uint64_t times = 1) {
    for (const LinkCrossing& crossing : crossings) add(crossing.link, crossing.weight * times);
  }
  /// Ascending by link, each once, none of weight zero. Weights add modulo 2^64: what is
  /// subtracted as its complement must have been added.
  std::vector<LinkCrossing> take();

 private:
  void merge();

  std::vector<LinkCrossing> items_;
  std::size_t next_merge_ = 1024;
};

Route find_route(const ClusterParts& parts, VertexId source, VertexId target);
Cluster::AllPairs find_all_pairs(const ClusterParts& parts, std::span<const VertexId> members);

}  // namespace orrery
