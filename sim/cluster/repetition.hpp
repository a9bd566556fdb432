// Whether a cluster repeats itself: a number of GPUs, the period, such that GPU i and GPU
// i + period are alike in all that routing reads.
//
// What lies above the GPUs of one period (switches, adapters, up both hierarchies) and the links
// among it are mapped to those of every other period, in the order in which a walk meets them, and
// compared one by one: kind, level, capacity, latency, both ends. What periods share is mapped to
// itself. A way, or anything else that is a function of members and cluster (collective.hpp), then
// moves with its members: moved(links of a group) are the links of the group so many periods later.
// Nothing repeats where a hash picks ways, where there is no hierarchy, where a link has failed, or
// where groups of nodes differ (node_groups.hpp);
// a degraded link is a difference like any other.
#pragma once

#include "base/ids.hpp"
#include "cluster/parts.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace orrery {

class Repetition {
 public:
  /// The shortest period, if there are two of it or more.
  static std::unique_ptr<const Repetition> find(const ClusterParts& parts);

  std::uint32_t period() const { return period_; }  ///< GPUs
  /// Whether a GPU is in a whole period: at the end of a cluster there may be a broken one.
  bool covers(VertexId gpu) const { return index_of(gpu) < std::size_t{period_} * times_; }
  /// The link that is to its period what `link` is to the one so many before.
  LinkId moved(LinkId link, std::int64_t periods) const;

 private:
  friend class PeriodTest;

  std::uint32_t period_ = 0;
  std::uint32_t times_ = 0;
  std::int64_t links_per_period_ = 0;
  std::vector<LinkId> links_;         ///< period after period, in corresponding order
  std::vector<std::uint32_t> place_;  ///< of a link among them, by LinkId
};

}  // namespace orrery
