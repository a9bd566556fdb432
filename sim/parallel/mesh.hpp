// The mesh: ranks laid out by coordinates, and the groups that communicate along its axes.
//
// `order` ("tp-cp-ep-dp-pp") says which ranks are neighbours, fastest axis first. Dense coordinates
// are (tp, cp, dp, pp). Experts have coordinates of their own, (etp, ep, expert_dp), over the same
// ranks of a pipeline stage: the ranks of a stage, counted in rank order, are read in the same
// order of axes with tp standing for etp, dp for expert_dp, and cp left out (Megatron-Core's
// parallel folding). Coordinates are the digits of a rank's number, so the mesh holds no table: a
// million ranks cost as little as eight.
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

/// Which ranks talk to one another. `dp` holds the replicas of dense parameters: dp · cp ranks, and
/// twice as many where the schedule holds the weights twice, as pipeline ranks r and pp-1-r then
/// hold the same stages; likewise `expert_dp`. `model` holds the ranks of one replica (tp · pp),
/// `world` all; `embedding` the first and last stage. With dp_replicate, ZeRO divides over
/// neighbours of dp (`dp_shard`) and sums over the ranks that hold the same share (`dp_replicate`);
/// so for experts. Where attention divides heads over some of the cp ranks, neighbours in cp are a
/// `cp_a2a` and those of equal place in them a `cp_p2p`.
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
  cp_a2a,
  cp_p2p,
};
std::string_view to_string(GroupAxis axis);

/// How many places an axis of the order has, and the coordinate that counts them.
struct NamedDegree {
  std::string_view name;
  std::int64_t degree = 1;
  std::int64_t Coordinates::*field = nullptr;
};

class Mesh {
 public:
  explicit Mesh(const Strategy& strategy);

  std::size_t size() const { return static_cast<std::size_t>(strategy_.world_size()); }
  Coordinates at(RankId rank) const;
  std::int64_t stage_of(RankId rank) const;
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
  /// The pipeline rank by which a stage's groups along an axis are known: its own, or for replicas
  /// the lower of two that mirror each other.
  std::int64_t home_stage(GroupAxis axis, std::int64_t stage) const;

 private:
  /// A digit of a number in a mixed radix, fastest first: how much one of it counts, how many there
  /// are, and the coordinate that it is.
  struct Digit {
    std::uint32_t stride = 1;
    std::uint32_t size = 1;
    std::int64_t Coordinates::*field = nullptr;

    std::int64_t of(std::uint32_t number) const { return number / stride % size; }
  };

  static std::vector<Digit> digits_of(std::string_view order,
                                      const std::vector<NamedDegree>& degrees);
  std::uint64_t group_key(RankId rank, GroupAxis axis) const;

  Strategy strategy_;
  std::int64_t weight_copies_ = 1;
  std::vector<Digit> dense_;   ///< of the rank
  std::vector<Digit> expert_;  ///< of its number within its stage
  Digit stage_;                ///< the one of `dense_` that is pp
};

}  // namespace orrery
