#include "cluster/routing.hpp"

#include "base/random.hpp"
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::ElementsAre;

constexpr std::uint64_t one = std::uint64_t{1} << 32;

TEST(CrossingSum, AddsUpByLink) {
  CrossingSum sum;
  sum.add(id_at<LinkId>(7), 2);
  sum.add(id_at<LinkId>(3), 1);
  sum.add(id_at<LinkId>(7), 5);

  EXPECT_THAT(sum.take(),
              ElementsAre(LinkCrossing{id_at<LinkId>(3), 1}, LinkCrossing{id_at<LinkId>(7), 7}));
}

TEST(CrossingSum, ForgetsWhatCancels) {
  CrossingSum sum;
  sum.add(id_at<LinkId>(1), one);
  sum.add(id_at<LinkId>(1), ~std::uint64_t{0} * one);

  EXPECT_TRUE(sum.take().empty());
}

TEST(CrossingSum, SortsThousandsAsItSortsFew) {
  std::vector<LinkCrossing> crossings;
  for (std::size_t i = 0; i < 20'000; ++i) {
    crossings.push_back({id_at<LinkId>(i * 7'919 % 5'000'011), i});
  }
  std::vector<LinkCrossing> expected = crossings;
  std::ranges::sort(expected, {}, &LinkCrossing::link);
  sort_by_link(crossings);

  EXPECT_EQ(crossings, expected);
}

TEST(Route, FromAGpuToItselfIsEmpty) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  EXPECT_TRUE(cluster.route(gpu(3), gpu(3)).crossings.empty());
}

/// Routes of all ordered pairs, one after the other.
Cluster::AllPairs pair_by_pair(const Cluster& cluster, const std::vector<VertexId>& members) {
  CrossingSum inside;
  CrossingSum between;
  Cluster::AllPairs all;
  for (const VertexId a : members) {
    for (const VertexId b : members) {
      const bool same = cluster.domain_of(a) == cluster.domain_of(b);
      const Route route = cluster.route(a, b);
      (same ? inside : between).add(route.crossings);
      Duration& latency = same ? all.inside_latency : all.between_latency;
      latency = std::max(latency, route.latency);
    }
  }
  all.inside = inside.take();
  all.between = between.take();
  return all;
}

void expect_same(const Cluster::AllPairs& got, const Cluster::AllPairs& expected) {
  EXPECT_EQ(got.inside, expected.inside);
  EXPECT_EQ(got.between, expected.between);
  EXPECT_EQ(got.inside_latency, expected.inside_latency);
  EXPECT_EQ(got.between_latency, expected.between_latency);
}

/// A random half of the first `gpus` GPUs.
std::vector<VertexId> some_of(std::size_t gpus, std::uint64_t seed) {
  std::vector<VertexId> members;
  for (std::size_t i = 0; i < gpus; ++i) {
    if (draw({.seed = seed, .entity = 0}, i) % 2 == 0) members.push_back(gpu(i));
  }
  return members;
}

SettingsNode trunked(const char* fabric, std::int64_t nics) {
  SettingsNode file = switched_nodes(4, sub({{"fabric", text(fabric)},
                                             {"nodes_per_leaf", whole(2)},
                                             {"nodes_per_pod", whole(4)},
                                             {"oversubscription", 2.0},
                                             {"hop_latency", text("0.2 us")}}));
  file.set("nic.per_node", {whole(nics), {}, {}});
  return file;
}

TEST(AllPairs, EqualsTheSumOfRoutesOnTrees) {
  for (const char* fabric : {"rail_optimized", "fat_tree"}) {
    for (const std::int64_t nics : {1, 2, 4}) {
      const Cluster cluster = make_cluster(trunked(fabric, nics), 48);
      for (std::uint64_t seed = 0; seed < 20; ++seed) {
        const std::vector<VertexId> members = some_of(48, seed);
        SCOPED_TRACE(fabric + std::to_string(nics) + " seed " + std::to_string(seed));
        expect_same(cluster.all_pairs(members), pair_by_pair(cluster, members));
      }
    }
  }
}

TEST(AllPairs, EqualsTheSumOfRoutesWithADomainOverSeveralLeaves) {
  SettingsNode file = trunked("fat_tree", 4);
  file.set("intra_node.fabric", {text("nvlink_domain"), {}, {}});
  file.set("intra_node.domain_gpus", {whole(12), {}, {}});
  const Cluster cluster = make_cluster(file, 48);

  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const std::vector<VertexId> members = some_of(48, seed);
    expect_same(cluster.all_pairs(members), pair_by_pair(cluster, members));
  }
}

TEST(AllPairs, EqualsTheSumOfRoutesWithHashes) {
  SettingsNode file = trunked("rail_optimized", 4);
  file.set("scale_out.routing", {text("hash"), {}, {}});
  const Cluster cluster = make_cluster(file, 48);

  expect_same(cluster.all_pairs(first_gpus(48)), pair_by_pair(cluster, first_gpus(48)));
}

TEST(AllPairs, EqualsTheSumOfRoutesAroundAFailedLink) {
  const Cluster cluster =
      make_cluster(trunked("rail_optimized", 4), 16, {{"node[0].nic[1] → pod[0].leaf[1]", 0.0}});

  expect_same(cluster.all_pairs(first_gpus(16)), pair_by_pair(cluster, first_gpus(16)));
}

TEST(AllPairs, SendsOverATorusAsMuchAsItsRoutes) {
  SettingsNode file =
      switched_nodes(2, sub({{"fabric", text("torus")}, {"link_bandwidth", text("100 GB/s")}}));
  SettingsArray sizes;
  for (const std::int64_t extent : {2, 4}) sizes.push_back({whole(extent), {}, {}});
  file.find("scale_out")->set("dimensions", {sizes, {}, {}});
  const Cluster cluster = make_cluster(file, 16);

  const Cluster::AllPairs got = cluster.all_pairs(first_gpus(16));
  const Cluster::AllPairs expected = pair_by_pair(cluster, first_gpus(16));

  ASSERT_EQ(got.between.size(), expected.between.size());
  for (std::size_t i = 0; i < got.between.size(); ++i) {  // thirds of a transfer round either way
    EXPECT_EQ(got.between[i].link, expected.between[i].link);
    EXPECT_NEAR(static_cast<double>(got.between[i].weight),
                static_cast<double>(expected.between[i].weight), 64.0);
  }
  EXPECT_EQ(got.between_latency, expected.between_latency);
}

TEST(AllPairs, OfSixteenThousandGpusTakesNoTimeToSpeakOf) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 16'384);

  const Cluster::AllPairs all = cluster.all_pairs(first_gpus(16'384));

  // Every adapter takes in what all other nodes send to its GPU.
  const LinkId in = cluster.route(gpu(8), gpu(0)).crossings[2].link;
  const auto found = std::ranges::find(all.between, in, &LinkCrossing::link);
  EXPECT_EQ(found->weight, (16'384 - 8) * one);
}

}  // namespace
}  // namespace orrery
