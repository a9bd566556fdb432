// Trees of switches that add up: every link once each way, whatever is below it.
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

/// Nodes of 4 whose network adds up; `scale_out` is the table of that name.
SettingsNode reducing(Value scale_out) {
  SettingsNode file = switched_nodes(4, std::move(scale_out));
  file.set("scale_out.in_network_reduction", {true, {}, {}});
  return file;
}

std::vector<std::string> names_of(const Cluster& cluster, const AggregationTree& tree,
                                  bool leads_up) {
  std::vector<std::string> names;
  for (const TreeLink& link : tree.links) {
    if (link.leads_up == leads_up) names.push_back(cluster.name(link.link));
  }
  return names;
}

/// What leaves members, or arrives at them, must pass every switch's links: below a switch as many
/// members as below all that hang from it.
void expect_spans(const Cluster& cluster, const AggregationTree& tree, std::uint32_t members) {
  std::map<VertexId, std::int64_t> open;
  std::map<LinkId, int> times;
  for (const TreeLink& link : tree.links) {
    EXPECT_EQ(times[link.link]++, 0) << cluster.name(link.link);
    if (!link.leads_up) continue;
    open[cluster.link(link.link).source] -= link.below;
    open[cluster.link(link.link).target] += link.below;
  }
  std::int64_t roots = 0;
  for (const auto& [vertex, below] : open) {
    if (cluster.kind(vertex) == VertexKind::gpu) {
      EXPECT_EQ(below, -1);
    } else if (below != 0) {
      EXPECT_EQ(below, members) << cluster.name(vertex);
      ++roots;
    }
  }
  EXPECT_EQ(roots, 1);
}

TEST(AggregationTree, CrossesTheLinkAboveALeafOnce) {
  const Cluster cluster = make_cluster(reducing(rails(2)), 16);

  const AggregationTree tree =
      cluster.aggregation_tree(std::vector<VertexId>{gpu(1), gpu(5), gpu(9), gpu(13)});

  EXPECT_THAT(
      names_of(cluster, tree, true),
      UnorderedElementsAre("node[0].gpu[1] → node[0].nic[1]", "node[1].gpu[1] → node[1].nic[1]",
                           "node[2].gpu[1] → node[2].nic[1]", "node[3].gpu[1] → node[3].nic[1]",
                           "node[0].nic[1] → pod[0].leaf[1]", "node[1].nic[1] → pod[0].leaf[1]",
                           "node[2].nic[1] → pod[1].leaf[1]", "node[3].nic[1] → pod[1].leaf[1]",
                           "pod[0].leaf[1] → spine", "pod[1].leaf[1] → spine"));
  EXPECT_EQ(tree.links.size(), 20);
  // Up: 1 us to the wire and a spine's 0.2; down: spine to leaf, leaf to adapter, to the GPU.
  EXPECT_EQ(tree.latency, cluster.route(gpu(1), gpu(9)).latency);
}

TEST(AggregationTree, EndsAtTheLeafWhereAllMeet) {
  const Cluster cluster = make_cluster(reducing(rails(4)), 16);

  const AggregationTree tree = cluster.aggregation_tree(std::vector<VertexId>{gpu(1), gpu(5)});

  EXPECT_EQ(tree.links.size(), 8);
  expect_spans(cluster, tree, 2);
}

TEST(AggregationTree, SpansMembersOfEveryKindOfNetwork) {
  const std::vector<VertexId> members{gpu(2), gpu(6), gpu(14), gpu(22), gpu(30)};
  SettingsNode hashed = reducing(rails(2));
  hashed.set("scale_out.routing", {text("hash"), {}, {}});
  SettingsNode tiers = hashed;
  tiers.set("scale_out.nodes_per_pod", {whole(4), {}, {}});
  const SettingsNode dragonfly = reducing(sub({{"fabric", text("dragonfly")},
                                               {"nodes_per_leaf", whole(1)},
                                               {"routers_per_group", whole(4)},
                                               {"global_links", whole(1)},
                                               {"link_bandwidth", text("100 GB/s")}}));
  const SettingsNode flat = reducing(sub({{"fabric", text("flat")}}));
  for (const SettingsNode& file : {hashed, tiers, dragonfly, flat}) {
    const Cluster cluster = make_cluster(file, 32);
    expect_spans(cluster, cluster.aggregation_tree(members), 5);
  }
}

TEST(AggregationTree, SpreadsRailsOverTheSpinesOfAHashedNetwork) {
  SettingsNode file = reducing(sub({{"fabric", text("fat_tree")},
                                    {"nodes_per_leaf", whole(1)},
                                    {"routing", text("hash")},
                                    {"spines", whole(4)}}));
  const Cluster cluster = make_cluster(file, 16);

  std::map<VertexId, int> roots;
  for (std::size_t rail = 0; rail < 4; ++rail) {
    const AggregationTree tree = cluster.aggregation_tree(
        std::vector<VertexId>{gpu(rail), gpu(4 + rail), gpu(8 + rail), gpu(12 + rail)});
    for (const TreeLink& link : tree.links) {
      const Link& ends = cluster.link(link.link);
      if (link.leads_up && ends.kind == LinkKind::leaf_spine) ++roots[ends.target];
    }
  }

  EXPECT_GT(roots.size(), 1);
}

TEST(AggregationTree, AvoidsALinkThatHasFailed) {
  SettingsNode file = reducing(sub({{"fabric", text("fat_tree")},
                                    {"nodes_per_leaf", whole(1)},
                                    {"routing", text("hash")},
                                    {"spines", whole(2)}}));
  const std::vector<VertexId> members{gpu(0), gpu(4), gpu(8)};
  for (const char* failed : {"leaf[1] → spine[0]", "leaf[1] → spine[1]"}) {
    const Cluster cluster = make_cluster(file, 12, {{failed, 0.0}});

    const AggregationTree tree = cluster.aggregation_tree(members);

    expect_spans(cluster, tree, 3);
    EXPECT_THAT(names_of(cluster, tree, true), ::testing::Not(::testing::Contains(failed)));
  }
}

TEST(NetworkReduction, IsOffUnlessTheFileSaysOtherwise) {
  EXPECT_FALSE(make_cluster(switched_nodes(4, rails(2)), 16).network_reduction());
  EXPECT_TRUE(make_cluster(reducing(rails(2)), 16).network_reduction());
}

TEST(NetworkReduction, IsNothingThatATorusOfNodesDoes) {
  SettingsNode file = reducing(sub({{"fabric", text("torus")},
                                    {"link_bandwidth", text("50 GB/s")},
                                    {"nodes_per_leaf", whole(1)}}));
  SettingsArray sizes;
  for (const std::int64_t extent : {2, 2}) sizes.push_back({whole(extent), {}, {}});
  file.find("scale_out")->set("dimensions", {sizes, {}, {}});

  const Built built = try_cluster(file, 16);

  ASSERT_TRUE(built.findings.has_errors());
  EXPECT_THAT(built.findings.all().front().message, HasSubstr("in_network_reduction"));
}

}  // namespace
}  // namespace orrery
