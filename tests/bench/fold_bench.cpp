// Refinement of a large, almost symmetric graph; how many classes it has is known.
#include "base/check.hpp"
#include "fold/refine.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <vector>

namespace orrery {
namespace {

constexpr std::uint32_t pods = 200;
constexpr std::uint32_t width = 1'000;

/// 200 pods of 1,000 nodes in a ring of pods, five edges each way per node: two million edges.
std::vector<RefineEdge> ring_of_pods() {
  std::vector<RefineEdge> edges;
  for (std::uint32_t i = 0; i < pods * width; ++i) {
    for (std::uint32_t k = 0; k < 5; ++k) {
      edges.push_back({i, (i / width + 1) % pods * width + (i + k * 7) % width, k});
    }
  }
  return edges;
}

/// One pod is degraded, so that pods are told apart by their distance from it.
void refine_pods(benchmark::State& state) {
  std::vector<std::uint64_t> colours(pods * width, 1);
  std::fill_n(colours.begin(), width, 2);
  const std::vector<RefineEdge> edges = ring_of_pods();
  for (auto _ : state) {
    const std::vector<std::uint32_t> classes = refine(colours, edges, Ways::both);
    CHECK(*std::ranges::max_element(classes) == pods / 2);
  }
  state.SetItemsProcessed(state.iterations() * 2 * static_cast<std::int64_t>(edges.size()));
}
BENCHMARK(refine_pods)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery
