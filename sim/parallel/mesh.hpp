// The mesh: ranks laid out by coordinates, and the groups that communicate along its axes.
//
// `order` ("tp-cp-ep-dp-pp") says which ranks are neighbours, fastest axis first. Dense coordinates
// are (tp, cp, dp, pp). Experts have coordinates of their own, (etp, ep, expert_dp), over the same
// ranks of a pipeline stage: the ranks of a stage, counted in rank order, are read in the same
// order of axes with tp standing for etp, dp for expert_dp, and cp left out (Megatron-Core's
// parallel folding).
#pragma once

#include "base/ids.hpp"
#include "parallel/strategy.hpp"

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace orrery {

struct Coordinates {
  std::int64_t tp = 0;
  std::int64_t cp = 0;
  std::int64_t dp = 0;
  std::int64_t pp = 0;
  std::int64_t etp = 0;
  std::int64_t ep = 0;
  std::int64_t expert_dp = 0;

  bool operator==(const Coordinates&) const = default;
};

/// Which ranks talk to one another. `dp` holds the replicas of dense parameters: dp · cp ranks.
/// `model` holds the ranks of one replica (tp · pp), `world` all; `embedding` the first and last
/// stage. With dp_replicate, ZeRO divides over neighbours of dp (`dp_shard`) and sums over the
/// ranks that hold the same share (`dp_replicate`); so for experts.
enum class GroupAxis : std::uint8_t {
  tp,
  cp,
  dp,
  ep,
  etp,
  expert_dp,
  model,
  world,
  embedding,
  dp_shard,
  dp_replicate,
  expert_dp_shard,
  expert_dp_replicate,
};
std::string_view to_string(GroupAxis axis);

class Mesh {
 public:
  explicit Mesh(const Strategy& strategy);

  std::size_t size() const { return coordinates_.size(); }
  const Coordinates& at(RankId rank) const { return coordinates_[index_of(rank)]; }
  std::int64_t stage_of(RankId rank) const { return at(rank).pp; }
  /// The rank at dense coordinates (the expert ones are ignored).
  RankId rank_at(const Coordinates& dense) const;

  /// All groups along an axis, members ascending by their coordinate on it, groups by their first
  /// rank.
  std::vector<std::vector<RankId>> groups(GroupAxis axis) const;
  /// Ranks of one such group.
  std::int64_t group_size(GroupAxis axis) const;
  /// Of the replicas along `axis` (dp or expert_dp) those over which ZeRO divides: all of them
  /// unless the strategy replicates shares.
  GroupAxis sharding_axis(GroupAxis axis) const;
  /// And those that hold the same share.
  static GroupAxis replicating_axis(GroupAxis axis);

 private:
  std::uint64_t group_key(RankId rank, GroupAxis axis) const;

  Strategy strategy_;
  std::vector<Coordinates> coordinates_;
  std::vector<RankId> rank_of_dense_;  ///< by ((pp·dp + dp)·cp + cp)·tp + tp
};

}  // namespace orrery
