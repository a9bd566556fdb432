// The mutable state of a class of ranks: a cursor for each of its lanes.
//
// A lane is idle before task `position`, or runs it. An idle lane whose next task waits for another
// lane is found through that lane: its bit is in the other's `waiters`, so nothing is ever polled.
// Kinds are flattened once per run, because the loop over them is the innermost of all.
#pragma once

#include "base/time.hpp"
#include "engine/time_book.hpp"
#include "memory/ledger.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// Lane `lane` of class `rank_class`: what events and rendezvous speak of.
struct LaneRef {
  std::uint32_t rank_class = 0;
  std::uint16_t lane = 0;
};

/// What a kernel needs of the GPU's SMs and memory bandwidth to keep its pace.
struct GpuShares {
  float sm = 0.0F;
  float memory = 0.0F;

  bool nothing() const { return sm == 0.0F && memory == 0.0F; }
};

enum class ActionKind : std::uint8_t { compute, communicate, allocate, release };

/// A Kind without its names; which members count depends on the verb.
struct FlatAction {
  std::int64_t amount = 0;  ///< picoseconds of a computation, bytes of a change of memory
  GpuShares shares{};       ///< of a computation
  std::uint16_t slot = 0;
  std::uint16_t plan = 0;
  ActionKind verb = ActionKind::compute;
  Component component = Component::compute;
  MemoryCategory category{};
};

FlatAction flatten(const Kind& kind);

/// `duration` times `factor`, rounded up to the picosecond: a computation on a slow rank.
Duration lengthen(Duration duration, double factor);

struct LaneCursor {
  const Task* tasks = nullptr;
  std::uint32_t task_count = 0;
  std::uint32_t position = 0;   ///< of the next task, or the one that runs: how many have ended
  Instant begin{};              ///< of the task that runs
  std::uint64_t event = 0;      ///< the one that ends the computation that runs; others are void
  std::uint32_t wanted = 0;     ///< the position of another lane that this one waits for
  std::uint16_t waits_met = 0;  ///< of the next task
  std::uint32_t waiters = 0;    ///< bits of lanes that wait for this one
  Cause cause{};                ///< what let the last task begin
  bool blocked = false;
  bool shared = false;  ///< the network says when the running computation ends
};

struct ClassCursor {
  std::vector<LaneCursor> lanes;
  const Wait* waits = nullptr;
  const RankClass* rank_class = nullptr;
  std::uint32_t kernels = 0;  ///< bits of lanes that run a computation which needs the GPU
  bool company_changed = false;
  MemoryLedger ledger;
  TimeBook book;
};

}  // namespace orrery
