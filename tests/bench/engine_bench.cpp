// Whole programs: task rate of the engine alone, and the collectives of support/peer_workloads.hpp
// against what SimGrid 3.32 answers for them.
#include "engine/engine.hpp"

#include "bench/bench_answer.hpp"
#include "support/peer_workloads.hpp"

#include <benchmark/benchmark.h>

namespace orrery {
namespace {

using namespace orrery::literals;
using peers::Lowering;

constexpr std::uint16_t lane_count = 4;

/// Lanes in a ring: each task waits for the one of its number in the lane before, all durations
/// differ.
Script woven_lanes(Program& program, std::uint32_t tasks) {
  Script script{.name = "woven"};
  std::vector<KindId> kinds;
  for (std::int64_t i = 0; i < 32; ++i) {
    kinds.push_back(
        program.kinds.push_back({.action = Compute{.duration = Duration{1'000 + 37 * i}}}));
  }
  for (std::uint16_t lane = 0; lane < lane_count; ++lane) {
    Lane& made = script.lanes.emplace_back();
    for (std::uint32_t t = 0; t < tasks; ++t) {
      Task task{.kind = kinds[(t * 7 + lane * 5) % kinds.size()],
                .first_wait = static_cast<std::uint32_t>(script.waits.size())};
      if (lane > 0 || t > 0) {
        script.waits.push_back(
            {.position = lane > 0 ? t : t - 1,
             .lane = static_cast<std::uint16_t>(lane > 0 ? lane - 1 : lane_count - 1)});
        task.wait_count = 1;
      }
      made.tasks.push_back(task);
    }
  }
  return script;
}

/// The same lanes without waits.
Script free_lanes(Program& program, std::uint32_t tasks) {
  Script script = woven_lanes(program, tasks);
  for (Lane& lane : script.lanes) {
    for (Task& task : lane.tasks) task.wait_count = 0;
  }
  return script;
}

void run_tasks(benchmark::State& state, Script (*make_script)(Program&, std::uint32_t)) {
  constexpr std::uint32_t tasks = 2'000;
  Program program;
  const auto script = program.scripts.push_back(make_script(program, tasks));
  for (std::int64_t c = 0; c < state.range(0); ++c) {
    // Classes of different speeds, so that their events do not coincide.
    program.classes.push_back({.script = script, .slowdown = 1.0 + 1e-4 * static_cast<double>(c)});
  }
  const auto network = make_fair_share_network(program.resources);
  NullSink sink;
  std::uint64_t events = 0;
  for (auto _ : state) events += execute(program, *network, sink).task_events;
  CHECK(events ==
        static_cast<std::uint64_t>(state.iterations() * state.range(0)) * lane_count * tasks);
  state.SetItemsProcessed(static_cast<std::int64_t>(events));
}
BENCHMARK_CAPTURE(run_tasks, woven, woven_lanes)->Arg(1)->Arg(16)->Arg(256)->Arg(4'096);
BENCHMARK_CAPTURE(run_tasks, free, free_lanes)->Arg(16)->Arg(256);

struct Peer {
  Program (*make)(const peers::Workload&);
  Lowering lowering;
};

void run_peer(benchmark::State& state, const Peer& peer) {
  const Program program =
      peer.make({.hosts = static_cast<std::size_t>(state.range(0)), .lowering = peer.lowering});
  const double expected_us = static_cast<double>(state.range(1)) * 1e-3;
  const double tolerance = peer.lowering == Lowering::bundles ? 1e-2 : 1e-3;
  for (auto _ : state) expect_answer(peers::simulated_us(program), expected_us, tolerance);
}

constexpr Peer all_to_all{peers::all_to_all, Lowering::explicit_transfers};
constexpr Peer all_to_all_bundled{peers::all_to_all, Lowering::bundles};
constexpr Peer ring{peers::ring_all_reduce, Lowering::explicit_transfers};
constexpr Peer ring_bundled{peers::ring_all_reduce, Lowering::bundles};

/// Hosts, and nanoseconds of simulated time by SimGrid.
void all_to_all_sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({8, 147'801})->Args({64, 1'176'405})->Args({256, 1'302'234})->Args({512, 1'323'206});
  bench->Unit(benchmark::kMillisecond);
}
void ring_sizes(benchmark::internal::Benchmark* bench) {
  bench->Args({64, 2'894'412})->Args({256, 3'693'869})->Args({512, 4'723'112});
  bench->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(run_peer, all_to_all, all_to_all)->Apply(all_to_all_sizes);
BENCHMARK_CAPTURE(run_peer, all_to_all_bundled, all_to_all_bundled)->Apply(all_to_all_sizes);
BENCHMARK_CAPTURE(run_peer, ring, ring)->Apply(ring_sizes);
BENCHMARK_CAPTURE(run_peer, ring_bundled, ring_bundled)->Apply(ring_sizes);

}  // namespace
}  // namespace orrery
