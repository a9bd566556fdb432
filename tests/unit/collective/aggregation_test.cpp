// Operations that the switches of the network add up (SHARP), against their closed forms: for g
// members in each of k domains an adapter carries 1/g of an all-reduce each way, not 2(k-1)/k of
// that (Graham et al., COM-HPC 2016).
#include "collective/aggregation.hpp"

#include "support/alone.hpp"
#include "support/clusters.hpp"
#include "support/shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

/// Nodes of `gpus_per_node`, two on a leaf, whose switches add up.
Cluster reducing(std::int64_t gpus_per_node, std::int64_t gpus) {
  SettingsNode file = switched_nodes(gpus_per_node, rails(2));
  file.set("scale_out.in_network_reduction", {true, {}, {}});
  return make_cluster(file, gpus);
}

const std::vector<const char*> reduced{"collnet_chain", "collnet_direct", "nvls_sharp"};

TEST(Aggregation, PutsEveryByteOnAnAdapterOnceEachWay) {
  const Cluster cluster = reducing(8, 64);
  for (const char* name : reduced) {
    const Shape shape = shape_of(name, CollectiveKind::all_reduce, first_gpus(64), cluster);

    EXPECT_DOUBLE_EQ(most_crossing(shape, LinkKind::nic, cluster), 1.0 / 8) << name;
    EXPECT_DOUBLE_EQ(most_crossing(shape, LinkKind::leaf_spine, cluster), 1.0 / 8) << name;
  }
}

TEST(Aggregation, TakesHalfOfARingsTimeOverManyNodes) {
  // One GPU a node: S/B and a way to the root and back, where a ring takes 2(n-1)/n S/B.
  const Cluster cluster = reducing(1, 64);
  const Operation sharp{
      CollectiveKind::all_reduce, 64_MiB, first_gpus(64), {"none", "collnet_chain"}};
  Operation ring = sharp;
  ring.tuning.algorithm = "ring";

  EXPECT_NEAR(alone(sharp, cluster), 67108864.0 / 50e9 + 2.6e-6, 1e-12);
  EXPECT_NEAR(alone(ring, cluster), 2.0 * 63 / 64 * 67108864.0 / 50e9 + 126 * 2.6e-6, 1e-12);
}

TEST(Aggregation, OfWholeNodesIsBoundByTheirNvlinks) {
  const Cluster cluster = reducing(8, 32);
  const auto seconds = [&](const char* name) {
    return alone({CollectiveKind::all_reduce, 1_GiB, first_gpus(32), {"none", name}}, cluster);
  };
  const double size = 1073741824.0;

  EXPECT_NEAR(seconds("collnet_direct"), 2.0 * 7 / 8 * size / 400e9, 1e-5);
  EXPECT_NEAR(seconds("collnet_chain"), 2.0 * 7 / 8 * size / 400e9, 1e-5);
  EXPECT_NEAR(seconds("nvls_sharp"), 9.0 / 8 * size / 400e9, 1e-5);
}

TEST(Aggregation, GathersByMultiplyingAndScattersByAddingUp) {
  const Cluster cluster = reducing(8, 32);
  const std::vector<VertexId> all = first_gpus(32);
  for (const CollectiveKind kind : {CollectiveKind::all_gather, CollectiveKind::reduce_scatter}) {
    const Shape shape = shape_of("collnet_direct", kind, all, cluster);
    const bool gathers = kind == CollectiveKind::all_gather;
    double out = 0.0;
    double in = 0.0;
    for (const LinkId link : cluster.out_links(gpu(3))) {
      if (cluster.link(link).kind == LinkKind::pcie) out = crossing(shape, link);
    }
    for (std::size_t i = 0; i < cluster.link_count(); ++i) {
      const Link& link = cluster.link(id_at<LinkId>(i));
      if (link.target == gpu(3) && link.kind == LinkKind::pcie)
        in = crossing(shape, id_at<LinkId>(i));
    }
    EXPECT_DOUBLE_EQ(gathers ? out : in, 1.0 / 32);
    EXPECT_DOUBLE_EQ(gathers ? in : out, 3.0 / 32);
    // Two nodes on a leaf: their parts go up, those of the other two come down, or the reverse.
    EXPECT_DOUBLE_EQ(most_crossing(shape, LinkKind::leaf_spine, cluster), 2.0 / 32);
    EXPECT_DOUBLE_EQ(shape.sent_per_member, 7.0 / 8 + (gathers ? 1.0 : 3.0) / 32);
  }
}

TEST(Aggregation, RailByRailTakesAsLongAsInOneBundle) {
  const Cluster cluster = reducing(8, 32);
  for (const char* name : reduced) {
    const Operation bundled{CollectiveKind::all_reduce, 64_MiB, first_gpus(32), {"none", name}};
    Operation by_rail = bundled;
    by_rail.steps = Steps::explicit_steps;

    EXPECT_NEAR(alone(bundled, cluster), alone(by_rail, cluster), 1e-12) << name;
    const Shape shape =
        shape_of(name, CollectiveKind::all_reduce, first_gpus(32), cluster, Steps::explicit_steps);
    EXPECT_EQ(shape.phases.front().bundles.size(), 9) << name;
  }
}

TEST(Aggregation, NeedsSwitchesThatAddUpAndSeveralEvenNodes) {
  const Cluster plain = make_cluster(switched_nodes(8, rails(2)), 32);
  const Cluster cluster = reducing(8, 32);
  for (const char* name : reduced) {
    const CollectiveAlgorithm& algorithm = *find_collective_algorithm(name);
    const auto kind = CollectiveKind::all_reduce;
    EXPECT_TRUE(algorithm.applicable(kind, first_gpus(32), cluster)) << name;
    EXPECT_FALSE(algorithm.applicable(kind, first_gpus(32), plain)) << name;
    EXPECT_FALSE(algorithm.applicable(kind, first_gpus(8), cluster)) << name;
    EXPECT_FALSE(algorithm.applicable(kind, first_gpus(12), cluster)) << name;
    EXPECT_FALSE(algorithm.applicable(CollectiveKind::all_to_all, first_gpus(32), cluster)) << name;
  }
}

TEST(Aggregation, IsWhatNcclPicksForLargeAllReducesWhereItCan) {
  const Cluster cluster = reducing(8, 64);
  const auto chosen = [&](CollectiveKind kind, Bytes size, const char* library) {
    return choose(kind, size, first_gpus(64), cluster, {library, ""}).algorithm->name;
  };

  EXPECT_EQ(chosen(CollectiveKind::all_reduce, 1_GiB, "nccl-2.26"), "nvls_sharp");
  EXPECT_EQ(chosen(CollectiveKind::all_reduce, 1_GiB, "nccl-2.12"), "ring");
  const Cluster plain = make_cluster(switched_nodes(8, rails(2)), 64);
  EXPECT_NE(choose(CollectiveKind::all_reduce, 1_GiB, first_gpus(64), plain, {}).algorithm->name,
            "nvls_sharp");
}

}  // namespace
}  // namespace orrery
