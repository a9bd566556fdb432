// Rings in two dimensions against their closed form: 2(r-1) + 2(c-1) latencies, 2(r-1)/r of the
// size along rows and 2(c-1)/c of a row's part along columns (Mikami et al., arXiv 1811.05233).
#include "support/alone.hpp"
#include "support/clusters.hpp"
#include "support/shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

/// One GPU a node, nodes on the routers of a torus whose links are slower than adapters.
Cluster torus(std::int64_t rows, std::int64_t columns) {
  SettingsNode file = switched_nodes(1, sub({{"fabric", text("torus")},
                                             {"link_bandwidth", text("10 GB/s")},
                                             {"nodes_per_leaf", whole(1)},
                                             {"hop_latency", text("0.2 us")}}));
  SettingsArray sizes;
  for (const std::int64_t extent : {rows, columns}) sizes.push_back({whole(extent), {}, {}});
  file.find("scale_out")->set("dimensions", {sizes, {}, {}});
  return make_cluster(file, rows * columns);
}

Operation all_reduce(std::size_t members, const char* algorithm) {
  return {CollectiveKind::all_reduce, 64_MiB, first_gpus(members), {"none", algorithm}};
}

TEST(Grid, TakesFewerStepsAndTheBytesOfARing) {
  const Cluster cluster = make_cluster(switched_nodes(1, sub({{"fabric", text("flat")}})), 24);

  // 4 x 6 has the fewest steps; an adapter carries 2(n-1)/n of the size in all.
  EXPECT_NEAR(alone(all_reduce(24, "grid"), cluster),
              2 * (3 + 5) * 2e-6 + 2.0 * 23 / 24 * 67108864.0 / 50e9, 1e-12);
}

TEST(Grid, StepByStepTakesAsLong) {
  const Cluster cluster = make_cluster(switched_nodes(1, sub({{"fabric", text("flat")}})), 24);
  for (const CollectiveKind kind :
       {CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter}) {
    Operation grid = all_reduce(24, "grid");
    grid.kind = kind;
    const double bundled = alone(grid, cluster);
    grid.steps = Steps::explicit_steps;

    EXPECT_NEAR(alone(grid, cluster), bundled, 1e-12) << to_string(kind);
  }
}

TEST(Grid, HasTheRowsOfATorus) {
  // Where rows are those of the torus, no link has more than the transfer of one neighbour.
  const Cluster cluster = torus(4, 8);
  const Shape shape = shape_of("grid", CollectiveKind::all_reduce, first_gpus(32), cluster);

  EXPECT_NEAR(shape.phases.front().bundles.front().volume, 7.0 / 8, 1e-12);
  EXPECT_NEAR(most_crossing(shape, LinkKind::torus, cluster), 2.0 * 7 / 8, 1e-12);
  EXPECT_LT(alone(all_reduce(32, "grid"), cluster), alone(all_reduce(32, "ring"), cluster));
}

TEST(Grid, NeedsMembersThatMakeOne) {
  const Cluster cluster = make_cluster(switched_nodes(1, sub({{"fabric", text("flat")}})), 24);
  const CollectiveAlgorithm& grid = *find_collective_algorithm("grid");

  EXPECT_TRUE(grid.applicable(CollectiveKind::all_reduce, first_gpus(4), cluster));
  EXPECT_FALSE(grid.applicable(CollectiveKind::all_reduce, first_gpus(7), cluster));
  EXPECT_FALSE(grid.applicable(CollectiveKind::all_to_all, first_gpus(4), cluster));
}

}  // namespace
}  // namespace orrery
