// Collectives in progress: who has joined, which phase moves its bytes, how many transfers are
// still out.
//
// A group runs one operation at a time, because a member cannot join the next before its lane has
// ended this one. The operation begins when every member class has joined, starts the bundles of a
// phase together, and its next phase when all of them have ended; it ends for all members at once.
// A class whose ranks both send to and receive from one another joins once for each of its slots.
#pragma once

#include "base/time.hpp"
#include "engine/cursor.hpp"
#include "engine/shared_gpus.hpp"
#include "network/network.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

class Rendezvous {
 public:
  Rendezvous(const Program& program, Network& network, const SharedGpus& gpus);

  /// What a step led to: members are missing, bytes are on their way, or the operation is over.
  enum class Progress { gathering, moving, over };

  /// CHECKs that the members of an operation join with the same plan.
  Progress join(GroupId group, std::uint16_t plan, LaneRef member, Instant now);
  /// A transfer of the group's operation has completed; it was started with the group as its owner.
  /// CHECKs that a phase took no less time than its transfers take by themselves (books.hpp).
  Progress transfer_ended(GroupId group, Instant now);
  /// Makes room for the group's next operation, once its members have been told.
  void close(GroupId group);

  std::span<const LaneRef> joined(GroupId group) const;
  const TransferPlan& plan(GroupId group) const;
  /// When the last member joined the operation in progress.
  Instant begin(GroupId group) const { return groups_[group].begin; }
  std::uint32_t members(GroupId group) const { return groups_[group].members; }

  std::uint64_t transfers() const { return transfers_; }
  std::uint64_t transfers_out() const { return transfers_out_; }
  /// How often plan number `plan` of the group was executed.
  std::uint64_t executed(GroupId group, std::uint16_t plan) const;

 private:
  struct State {
    Instant begin{};
    Instant phase_begin{};
    std::uint32_t first_joined = 0;  ///< into joined_
    std::uint32_t first_plan = 0;    ///< into executed_
    std::uint32_t members = 0;       ///< joins that begin an operation
    std::uint32_t arrived = 0;
    std::uint32_t phase = 0;
    std::uint32_t repeats = 0;  ///< of the phase, begun so far
    std::uint32_t out = 0;      ///< transfers of the phase
    std::uint16_t plan = 0;     ///< of the group
  };

  Progress start_next_phase(GroupId group, State& state, Instant now);
  void start_bundles(GroupId group, State& state, const Phase& phase, Instant now);

  const Program& program_;
  Network& network_;
  const SharedGpus& gpus_;
  IdVector<GroupId, State> groups_;
  std::vector<LaneRef> joined_;
  std::vector<std::uint64_t> executed_;
  std::uint64_t transfers_ = 0;
  std::uint64_t transfers_out_ = 0;
};

}  // namespace orrery
