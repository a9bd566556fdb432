#include "collective/paths.hpp"

#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::ElementsAre;

TEST(LayOut, GathersMembersByDomainInTheirOrder) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 12);

  const GroupLayout layout = lay_out(std::vector{gpu(9), gpu(1), gpu(8), gpu(0)}, cluster);

  EXPECT_THAT(layout.domains,
              ElementsAre(ElementsAre(gpu(9), gpu(8)), ElementsAre(gpu(1), gpu(0))));
  EXPECT_TRUE(layout.even);
  EXPECT_EQ(layout.inside_pairs(), 4);
  EXPECT_EQ(layout.between_pairs(), 8);
}

TEST(TreeParents, MakeTwoTreesInWhichNobodyHasChildrenTwice) {
  for (const std::size_t count : {2, 3, 4, 7, 8, 13, 32}) {
    std::vector<std::set<std::size_t>> inner(2);
    for (const std::size_t which : {0, 1}) {
      const std::vector<std::size_t> parents = tree_parents(count, which);
      for (std::size_t i = 0; i < count; ++i) {
        std::size_t node = i;
        for (std::size_t hop = 0; parents[node] != node; ++hop) {
          ASSERT_LT(hop, count);
          node = parents[node];
        }
        const bool root = parents[i] == i;
        const bool below_root = parents[parents[i]] == parents[i];
        if (!root && !below_root) inner[which].insert(parents[i]);
      }
    }
    for (const std::size_t node : inner[0]) EXPECT_FALSE(inner[1].contains(node)) << count;
  }
}

TEST(Bottleneck, IsTheLeastCapacityPerTransfer) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 8);
  PathSum sum(cluster);
  sum.add(gpu(0), gpu(4), std::uint64_t{1} << 32);
  sum.add(gpu(0), gpu(4), std::uint64_t{1} << 31);

  EXPECT_DOUBLE_EQ(bottleneck(sum.take(), cluster), 50e9 / 1.5);
}

}  // namespace
}  // namespace orrery
