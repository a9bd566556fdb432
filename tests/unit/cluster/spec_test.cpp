#include "cluster/spec.hpp"

#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> messages(const Built& built) {
  std::vector<std::string> all;
  for (const Diagnostic& finding : built.findings.all()) all.push_back(finding.message);
  return all;
}

TEST(ReadCluster, TakesNameNodesAndTheGpusPrice) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nodes", {whole(5), {}, {}});
  Diagnostics findings;
  Gpu gpu_type = h100();
  gpu_type.price_per_hour = 2.29;

  const ClusterSpec spec = read_cluster(Settings(file, findings), gpu_type);

  EXPECT_EQ(spec.name, "test");
  EXPECT_EQ(spec.gpus_per_node, 8);
  EXPECT_EQ(spec.nodes, 5);
  EXPECT_EQ(spec.price_per_gpu_hour, 2.29);
  EXPECT_TRUE(findings.all().empty());
}

TEST(BuildCluster, GrowsWholeNodesAsNeeded) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 17);

  EXPECT_EQ(cluster.node_count(), 3);
  EXPECT_EQ(cluster.gpu_count(), 24);
  EXPECT_EQ(cluster.node_of(gpu(17)), id_at<NodeId>(2));
  EXPECT_EQ(cluster.domain_of(gpu(17)), 2);
  EXPECT_TRUE(cluster.in_network_reduction(gpu(0)));
}

TEST(BuildCluster, BuildsAllNodesThatExist) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nodes", {whole(5), {}, {}});

  EXPECT_EQ(make_cluster(file, 8).node_count(), 5);
  EXPECT_THAT(messages(try_cluster(file, 41)),
              ElementsAre("cluster 'test' has 40 GPUs (5 nodes of 8); 41 are wanted"));
}

TEST(BuildCluster, RejectsAKeyThatNobodyReads) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("scale_out.oversubscripton", {whole(2), {}, {}});

  EXPECT_THAT(
      messages(try_cluster(file, 8)),
      ElementsAre("unknown key 'scale_out.oversubscripton'; did you mean 'oversubscription'?"));
}

TEST(BuildCluster, SuggestsAFabric) {
  const SettingsNode file = switched_nodes(8, sub({{"fabric", text("fat-tree")}}));

  EXPECT_THAT(messages(try_cluster(file, 8)), ElementsAre(HasSubstr("did you mean 'fat_tree'?")));
}

TEST(BuildCluster, RejectsAShareOfPayloadAboveOne) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nic.payload_efficiency", {1.2, {}, {}});

  EXPECT_THAT(messages(try_cluster(file, 8)),
              ElementsAre("nic.payload_efficiency = 1.2 must be above 0 and at most 1"));
}

TEST(BuildCluster, SaysWhenNodesAreNotJoined) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nic.per_node", {whole(0), {}, {}});

  EXPECT_THAT(messages(try_cluster(file, 16)),
              ElementsAre(HasSubstr("cluster 'test': node[1].gpu[0] is cut off")));
}

TEST(LinkFault, LowersTheCapacityOfTheNamedLinkAlone) {
  const Cluster cluster =
      make_cluster(switched_nodes(8, rails(32)), 16, {{"node[1].nic[3] -> pod[0].leaf[3]", 0.5}});

  EXPECT_EQ(cluster.link(cluster.route(gpu(11), gpu(3)).crossings[1].link).capacity.value(), 25e9);
  EXPECT_EQ(cluster.link(cluster.route(gpu(3), gpu(11)).crossings[1].link).capacity.value(), 50e9);
}

TEST(LinkFault, ThatNamesNoLinkGetsASuggestion) {
  const Built built =
      try_cluster(switched_nodes(8, rails(32)), 16, {{"node[1].nic[3] → pod[0].leav[3]", 0.5}});

  EXPECT_THAT(messages(built),
              ElementsAre("the cluster has no link 'node[1].nic[3] → pod[0].leav[3]'; did you mean "
                          "'node[1].nic[3] → pod[0].leaf[3]'?"));
}

TEST(LinkFault, ThatCutsAGpuOffIsReported) {
  const Built built =
      try_cluster(switched_nodes(1, rails(32)), 2, {{"node[1].gpu[0] → node[1].nic[0]", 0.0}});

  EXPECT_THAT(messages(built).back(), HasSubstr("is cut off"));
}

TEST(LinkFault, OfAnAdapterSendsTrafficOverTheOthers) {
  const Cluster cluster =
      make_cluster(switched_nodes(2, rails(32)), 4, {{"node[0].nic[0] → pod[0].leaf[0]", 0.0}});

  const Route route = cluster.route(gpu(0), gpu(2));

  for (const LinkCrossing& crossing : route.crossings) {
    EXPECT_GT(cluster.link(crossing.link).capacity.value(), 0.0) << cluster.name(crossing.link);
  }
  EXPECT_EQ(cluster.link(route.crossings.back().link).target, gpu(2));
}

}  // namespace
}  // namespace orrery
