// Solver and networks; what they must answer is in closed form.
#include "network/network.hpp"

#include "base/random.hpp"
#include "bench/bench_answer.hpp"
#include "network/max_min.hpp"

#include <benchmark/benchmark.h>

#include <limits>
#include <vector>

namespace orrery {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Every ordered pair of hosts crosses four resources: up and down of both its ends' NIC and
/// switch.
MaxMinSystem all_pairs(std::uint32_t hosts) {
  MaxMinSystem system;
  for (std::uint32_t r = 0; r < 4 * hosts; ++r) system.add_resource(r % 2 == 0 ? 400e9 : 50e9);
  for (std::uint32_t source = 0; source < hosts; ++source) {
    for (std::uint32_t target = 0; target < hosts; ++target) {
      if (source == target) continue;
      system.add_variable(infinity);
      for (const std::uint32_t r : {4 * source, 4 * source + 1, 4 * target + 2, 4 * target + 3}) {
        system.cross(r, std::uint64_t{1} << 32);
      }
    }
  }
  return system;
}

void solve_all_pairs(benchmark::State& state) {
  const auto hosts = static_cast<std::uint32_t>(state.range(0));
  const MaxMinSystem system = all_pairs(hosts);
  MaxMinSolver solver;
  for (auto _ : state) {
    expect_answer(solver.solve(system).rates[0], 50e9 / (hosts - 1.0), 1e-12);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(system.variable_count()));
}
BENCHMARK(solve_all_pairs)->Arg(64)->Arg(256)->Arg(512)->Unit(benchmark::kMillisecond);

/// Resources of different capacities, variables across four at random: as many rounds as resources.
MaxMinSystem irregular(std::uint32_t variables) {
  const std::uint32_t resources = variables / 10;
  MaxMinSystem system;
  auto random = [n = std::uint64_t{0}](std::uint64_t bound) mutable {
    return draw({.seed = 1}, n++) % bound;
  };
  for (std::uint32_t r = 0; r < resources; ++r) {
    system.add_resource(1e9 * static_cast<double>(1 + random(1000)));
  }
  for (std::uint32_t v = 0; v < variables; ++v) {
    system.add_variable(infinity);
    const auto first = static_cast<std::uint32_t>(random(resources));
    for (std::uint32_t i = 0; i < 4; ++i) {
      system.cross((first + i * i * 7 + 1) % resources, (1 + random(8)) << 32);
    }
  }
  return system;
}

void solve_irregular(benchmark::State& state) {
  const MaxMinSystem system = irregular(static_cast<std::uint32_t>(state.range(0)));
  MaxMinSolver solver;
  for (auto _ : state) {
    const MaxMinRates& solution = solver.solve(system);
    for (std::size_t r = 0; r < system.resource_count(); ++r) {
      CHECK(solution.loads[r] <= system.capacity(r) * (1 + 1e-9), r);
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(solve_irregular)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond);

/// Pairs that share nothing with others: each start and each end touches one component of two.
void small_components(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  IdVector<ResourceId, Resource> resources(count, {.capacity = BytesPerSecond(1e9)});
  std::vector<Pattern> patterns;
  for (std::size_t i = 0; i < count; ++i) patterns.push_back({{.resource = id_at<ResourceId>(i)}});
  for (auto _ : state) {
    const auto network = make_fair_share_network(resources);
    std::vector<std::uint32_t> completed;
    for (std::size_t i = 0; i < 2 * count; ++i) {
      network->start(simulation_start, {.crossings = patterns[i / 2],
                                        .bytes = 1e6 + 1e3 * static_cast<double>(i),
                                        .rate_cap = infinity});
    }
    Instant now;
    while (completed.size() < 2 * count) now = network->advance(end_of_time, completed);
    const auto pairs = static_cast<double>(count);
    expect_answer(to_seconds(now).value(), (2e6 + 1e3 * (4 * pairs - 3)) / 1e9, 1e-9);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * 2);
}
BENCHMARK(small_components)->Arg(1'000)->Arg(10'000)->Unit(benchmark::kMillisecond);

/// One resource, shared by transfers of as many sizes: every end changes the rate of all that are
/// left.
void one_crowd(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const IdVector<ResourceId, Resource> resources(1, {.capacity = BytesPerSecond(1e9)});
  const Pattern pattern{{.resource = ResourceId{0}}};
  for (auto _ : state) {
    const auto network = make_fair_share_network(resources);
    std::vector<std::uint32_t> completed;
    double bytes = 0.0;
    for (std::size_t i = 0; i < count; ++i) {
      const double size = 1e6 * static_cast<double>(i + 1);
      bytes += size;
      network->start(simulation_start, {.crossings = pattern, .bytes = size, .rate_cap = infinity});
    }
    Instant now;
    while (completed.size() < count) now = network->advance(end_of_time, completed);
    expect_answer(to_seconds(now).value(), bytes / 1e9, 1e-9);
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(one_crowd)->Arg(100)->Arg(1'000)->Arg(4'000)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery
