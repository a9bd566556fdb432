// Parallel aggregated trees against their closed form: a latency for each of log2(n) levels and
// (n-1)/n of the size (Jeaugey, arXiv 2506.20252).
#include "support/alone.hpp"
#include "support/clusters.hpp"
#include "support/shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <set>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

/// One GPU a node on one switch: 50 GB/s, 2.2 us from GPU to GPU.
Cluster lonely(std::int64_t gpus) {
  SettingsNode file = switched_nodes(1, sub({{"fabric", text("flat")}}));
  file.set("scale_out.hop_latency", {text("0.2 us"), {}, {}});
  return make_cluster(file, gpus);
}

Operation operation(CollectiveKind kind, std::size_t members, const char* algorithm) {
  return {kind, 64_MiB, first_gpus(members), {"none", algorithm}};
}

TEST(Pat, TakesALatencyForEachLevelAndTheBytesOfARing) {
  for (const std::size_t n : {2U, 3U, 8U, 13U, 64U}) {
    const Cluster cluster = lonely(static_cast<std::int64_t>(n));
    for (const CollectiveKind kind : {CollectiveKind::all_gather, CollectiveKind::reduce_scatter}) {
      const auto levels = static_cast<double>(std::bit_width(n - 1));
      const double part = static_cast<double>(n - 1) / static_cast<double>(n);
      EXPECT_NEAR(alone(operation(kind, n, "pat"), cluster),
                  levels * 2.2e-6 + part * 67108864.0 / 50e9, 1e-12)
          << n;
    }
  }
}

TEST(Pat, LevelByLevelTakesAsLong) {
  for (const std::size_t n : {2U, 7U, 16U, 21U}) {
    const Cluster cluster = lonely(static_cast<std::int64_t>(n));
    Operation pat = operation(CollectiveKind::reduce_scatter, n, "pat");
    const double bundled = alone(pat, cluster);
    pat.steps = Steps::explicit_steps;

    EXPECT_NEAR(alone(pat, cluster), bundled, 1e-12) << n;
  }
}

TEST(Pat, SendsFewPartsFarAndManyNear) {
  const Cluster cluster = lonely(8);
  const Shape shape =
      shape_of("pat", CollectiveKind::all_gather, first_gpus(8), cluster, Steps::explicit_steps);

  ASSERT_EQ(shape.phases.size(), 3);
  EXPECT_DOUBLE_EQ(shape.phases[0].bundles[0].volume, 1.0 / 8);
  EXPECT_DOUBLE_EQ(shape.phases[1].bundles[0].volume, 2.0 / 8);
  EXPECT_DOUBLE_EQ(shape.phases[2].bundles[0].volume, 4.0 / 8);
}

TEST(Pat, BringsEveryPartToEveryMember) {
  for (const std::size_t n : {2U, 5U, 8U, 11U}) {
    std::vector<std::set<std::size_t>> held(n);  // offsets from the owner, by member
    for (std::size_t i = 0; i < n; ++i) held[i].insert(0);
    for (std::size_t d = std::bit_floor(n - 1); d > 0; d /= 2) {
      std::vector<std::set<std::size_t>> next = held;
      for (std::size_t i = 0; i < n; ++i) {
        std::size_t sent = 0;
        for (const std::size_t offset : held[i]) {  // how far the part has come
          const bool hangs_below = std::countr_zero(offset + d) == std::countr_zero(d);
          if (!hangs_below || offset + d >= n) continue;
          next[(i + d) % n].insert(offset + d);
          ++sent;
        }
        EXPECT_EQ(sent, ((n - 1) / d + 1) / 2) << n << " " << d;
      }
      held = next;
    }
    for (const auto& parts : held) EXPECT_EQ(parts.size(), n);
  }
}

TEST(Pat, IsForOneMemberOfANode) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);
  const CollectiveAlgorithm& pat = *find_collective_algorithm("pat");

  EXPECT_TRUE(pat.applicable(CollectiveKind::all_gather,
                             std::vector<VertexId>{gpu(1), gpu(9), gpu(17)}, cluster));
  EXPECT_FALSE(pat.applicable(CollectiveKind::all_gather, first_gpus(16), cluster));
  EXPECT_FALSE(pat.applicable(CollectiveKind::all_reduce,
                              std::vector<VertexId>{gpu(1), gpu(9), gpu(17)}, cluster));
}

TEST(Pat, IsPickedBySmallSizesFromTheVersionThatBroughtIt) {
  const Cluster cluster = lonely(64);
  const auto chosen = [&](Bytes size, const char* library) {
    return choose(CollectiveKind::all_gather, size, first_gpus(64), cluster, {library, ""})
        .algorithm->name;
  };

  EXPECT_EQ(chosen(4_MiB, "nccl-2.26"), "pat");
  EXPECT_EQ(chosen(4_GiB, "nccl-2.26"), "ring");
  EXPECT_EQ(chosen(4_MiB, "nccl-2.22"), "ring");
}

}  // namespace
}  // namespace orrery
