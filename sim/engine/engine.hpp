// The engine: executes a Program against a network and a memory, as events in integer picoseconds.
//
// For each class there is a cursor, its whole mutable state. The loop: settle (complete everything
// due now and start everything that became ready, to a fixed point), then ask the network once,
// then step to the earlier of the queue's head and the network's completion. Events are ordered by
// (instant, sequence), a total order; the program is never changed; two engines can run side by
// side.
//
// Conservation is checked on every run: every task ran once, every ledger is back at what was
// resident, the parts of each class's time sum to the end of the run, no transfer took less time
// than by itself, no link ever carried more than its capacity (of networks that promise it), and
// each carried the bytes that the executed plans put on it, to 1e-9 of them. What a network says of
// itself is not believed: books_test.cpp lies in each of these ways. A violated identity is an
// internal fault (exit status 3), not a number.
#pragma once

#include "base/id_vector.hpp"
#include "base/time.hpp"
#include "engine/shared_gpus.hpp"
#include "engine/time_use.hpp"
#include "memory/allocator.hpp"
#include "memory/ledger.hpp"
#include "network/network.hpp"
#include "program/program.hpp"
#include "timeline/sink.hpp"

#include <cstdint>

namespace orrery {

struct ResourceUse {
  double bytes = 0.0;      ///< that crossed one link of the class
  double peak_rate = 0.0;  ///< bytes per second
};

struct RunResult {
  Instant end{};
  IdVector<ClassId, TimeUse> time{};
  IdVector<ClassId, MemoryPeak> memory{};
  IdVector<ResourceId, ResourceUse> resources{};
  std::uint64_t task_events = 0;     ///< tasks executed, each started and ended: one per class
  std::uint64_t network_events = 0;  ///< transfers executed, each started and ended
  std::uint64_t shared_kernels = 0;  ///< computations that had company on their GPU
};

struct EngineOptions {
  Interference interference = Interference::on;
  const AllocatorModel* allocator = nullptr;  ///< none reserves exactly what tasks allocate
};

/// Runs a verified program to its end, on a network that has carried nothing yet. Rows go to `sink`
/// in order of time (timeline/sink.hpp). CHECKs the books above; a program that comes to a halt
/// ends the run naming who waits for what.
RunResult execute(const Program& program, Network& network, TimelineSink& sink,
                  const EngineOptions& options = {});

}  // namespace orrery
