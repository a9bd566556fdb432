// The engine: executes a Program against a network and a memory, as events in integer picoseconds.
//
// For each class there is a cursor, its whole mutable state. The loop: settle (complete everything due now and
// start everything that became ready, to a fixed point), then ask the network once, then step to the
// earlier of the queue's head and the network's completion. Events are ordered by (instant, sequence), a total
// order; the program is never changed; two engines can run side by side.
//
// Conservation is checked on every run: each rank's collectives sent the bytes their formulas say, every
// ledger is back at what was resident, no resource ever carried more than its capacity, every task ran once. A
// violated identity is an internal fault (exit status 3), not a number.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/id_vector.hpp"
#include "base/time.hpp"
#include "network/network.hpp"
#include "program/program.hpp"
#include "timeline/sink.hpp"

namespace orrery {

/// Where the time of one rank of a class went; sums to the end of the run.
struct TimeUse {
  Duration busy{0};                                  ///< computing, stretched by interference or not
  std::array<Duration, component_count> by_component{};  ///< busy time by the kind's component, and on the
                                                         ///< compute lane's idle time the collective it
                                                         ///< waited for, while that moved bytes (exposed)
  Duration bubble{0};                                ///< idle, and nothing of its own in flight
  double flops = 0.0;                                ///< the model's
  double recomputed_flops = 0.0;
};

/// The fullest moment of a class and who held what then.
struct MemoryPeak {
  Bytes bytes;
  Instant at{};
  BytesByCategory held{};
  std::uint32_t position = 0;  ///< of the task that was being started on lane `lane`
  std::uint16_t lane = 0;
};

struct ResourceUse {
  double bytes = 0.0;         ///< that crossed one link of the class
  double peak_rate = 0.0;     ///< bytes per second
};

struct RunResult {
  Instant end{};
  IdVector<ClassId, TimeUse> time;
  IdVector<ClassId, MemoryPeak> memory;
  IdVector<ResourceId, ResourceUse> resources;
  std::uint64_t task_events = 0;      ///< tasks started and ended
  std::uint64_t network_events = 0;   ///< transfers started and ended
};

enum class Interference { on, off };

struct EngineOptions {
  Interference interference = Interference::on;
};

/// Runs a verified program to its end. Rows go to `sink` in order of time.
RunResult execute(const Program& program, Network& network, TimelineSink& sink,
                  const EngineOptions& options = {});

}  // namespace orrery
