#include "cluster/repetition.hpp"

#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

using namespace orrery::testing;

Value tiers(std::int64_t nodes_per_leaf, std::int64_t nodes_per_pod) {
  return sub({{"fabric", text("fat_tree")},
              {"nodes_per_leaf", whole(nodes_per_leaf)},
              {"nodes_per_pod", whole(nodes_per_pod)},
              {"hop_latency", text("0.2 us")}});
}

/// Every way from a GPU of the first period, moved, is the way between the GPUs as far on.
void expect_ways_to_move(const Cluster& cluster, std::int64_t periods) {
  const auto repetition = cluster.repetition();
  ASSERT_NE(repetition, nullptr);
  const auto offset = static_cast<std::size_t>(periods) * repetition->period();
  for (std::size_t a = 0; a < repetition->period(); ++a) {
    for (std::size_t b = 0; b + offset < cluster.gpu_count(); ++b) {
      if (!repetition->covers(gpu(b + offset))) continue;
      Route moved = cluster.route(gpu(a), gpu(b));
      for (LinkCrossing& c : moved.crossings) c.link = repetition->moved(c.link, periods);
      const Route there = cluster.route(gpu(a + offset), gpu(b + offset));
      ASSERT_EQ(moved.crossings, there.crossings) << a << " to " << b;
      ASSERT_EQ(moved.latency, there.latency);
    }
  }
}

TEST(Repetition, OfNodesUnderOneSwitchIsANode) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  EXPECT_EQ(cluster.repetition()->period(), 8);
  expect_ways_to_move(cluster, 3);
}

TEST(Repetition, OfTwoTiersIsWhatSharesALeaf) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(2)), 4 * 9);

  EXPECT_EQ(cluster.repetition()->period(), 8);
  EXPECT_TRUE(cluster.repetition()->covers(gpu(31)));
  EXPECT_FALSE(cluster.repetition()->covers(gpu(32))) << "the last leaf has one node only";
  expect_ways_to_move(cluster, 1);
  expect_ways_to_move(cluster, 3);
}

TEST(Repetition, OfThreeTiersIsAPod) {
  const Cluster cluster = make_cluster(switched_nodes(2, tiers(2, 4)), 2 * 16);

  EXPECT_EQ(cluster.repetition()->period(), 8);
  expect_ways_to_move(cluster, 2);
}

TEST(Repetition, NeedsTwoPeriods) {
  EXPECT_EQ(make_cluster(switched_nodes(8, rails(32)), 8).repetition(), nullptr);
}

TEST(Repetition, EndsWithASlowLink) {
  const std::vector<LinkFault> slow = {{"node[2].gpu[0] → node[2].nvswitch", 0.5}};

  EXPECT_EQ(make_cluster(switched_nodes(8, rails(32)), 32, slow).repetition(), nullptr);
}

TEST(Repetition, EndsWhereAHashPicksWays) {
  const auto hashed = sub({{"fabric", text("fat_tree")},
                           {"nodes_per_leaf", whole(2)},
                           {"hop_latency", text("0.2 us")},
                           {"routing", text("hash")}});

  EXPECT_EQ(make_cluster(switched_nodes(4, hashed), 32).repetition(), nullptr);
}

}  // namespace
}  // namespace orrery
