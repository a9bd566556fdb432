#include "cluster/spec.hpp"
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <map>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::ElementsAre;

constexpr std::uint64_t one = std::uint64_t{1} << 32;

std::vector<std::string> names(const Cluster& cluster, const Route& route) {
  std::vector<std::string> all;
  for (const LinkCrossing& crossing : route.crossings) all.push_back(cluster.name(crossing.link));
  return all;
}

double capacity(const Cluster& cluster, const Route& route, std::size_t crossing) {
  return cluster.link(route.crossings[crossing].link).capacity.value();
}

TEST(Nvswitch, JoinsTheGpusOfANodeAtTheRateThatPayloadCanUse) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node.payload_efficiency", {0.8, {}, {}});
  const Cluster cluster = make_cluster(file, 8);

  const Route route = cluster.route(gpu(1), gpu(6));

  EXPECT_THAT(names(cluster, route), ElementsAre("node[0].gpu[1] → node[0].nvswitch",
                                                 "node[0].nvswitch → node[0].gpu[6]"));
  EXPECT_EQ(capacity(cluster, route, 0), 320e9);
  EXPECT_EQ(route.latency, Duration(500'000));
}

TEST(NvlinkDomain, ReachesOverNodes) {
  SettingsNode file = switched_nodes(4, rails(18));
  file.set("intra_node.fabric", {text("nvlink_domain"), {}, {}});
  file.set("intra_node.domain_gpus", {whole(72), {}, {}});
  const Cluster cluster = make_cluster(file, 144);

  EXPECT_THAT(
      names(cluster, cluster.route(gpu(0), gpu(71))),
      ElementsAre("node[0].gpu[0] → domain[0].nvswitch", "domain[0].nvswitch → node[17].gpu[3]"));
  EXPECT_EQ(cluster.domain_of(gpu(71)), 0);
  EXPECT_EQ(cluster.domain_of(gpu(72)), 1);
}

/// Jobs of 72 GPUs have a domain to themselves; larger ones take 16 of its 18 nodes, so that groups
/// of powers of two do not straddle domains.
TEST(NvlinkDomain, GivesLargeJobsASegmentOfEachDomain) {
  SettingsNode file = switched_nodes(4, rails(18));
  file.set("intra_node.fabric", {text("nvlink_domain"), {}, {}});
  file.set("intra_node.domain_gpus", {whole(72), {}, {}});
  file.set("intra_node.segment_nodes", {whole(16), {}, {}});
  const Cluster small = make_cluster(file, 72);
  const Cluster large = make_cluster(file, 256);

  EXPECT_EQ(small.domain_of(gpu(71)), 0);
  EXPECT_EQ(large.domain_of(gpu(63)), 0);
  EXPECT_EQ(large.domain_of(gpu(64)), 1);
  EXPECT_EQ(large.domain_of(gpu(255)), 3);
}

TEST(NvlinkMesh, GivesEveryPairALinkOfItsOwn) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node", {sub({{"fabric", text("nvlink_mesh")},
                               {"bandwidth", text("448 GB/s")},
                               {"pair_bandwidth", text("64 GB/s")},
                               {"latency", text("0.5 us")}}),
                          {},
                          {}});
  const Cluster cluster = make_cluster(file, 8);

  const Route route = cluster.route(gpu(2), gpu(5));

  EXPECT_THAT(names(cluster, route), ElementsAre("node[0].gpu[2] → node[0].gpu[5]"));
  EXPECT_EQ(capacity(cluster, route, 0), 64e9);
}

SettingsNode pcie_file(std::int64_t gpus_per_switch, bool peer_to_peer) {
  SettingsNode file = switched_nodes(4, sub({{"fabric", text("flat")}}));
  file.set("intra_node", {sub({{"fabric", text("pcie")},
                               {"bandwidth", text("32 GB/s")},
                               {"latency", text("1 us")},
                               {"gpus_per_switch", whole(gpus_per_switch)},
                               {"socket_bandwidth", text("10 GB/s")},
                               {"peer_to_peer", Value(peer_to_peer)}}),
                          {},
                          {}});
  file.set("cpu_sockets", {whole(2), {}, {}});
  file.set("nic.per_node", {whole(1), {}, {}});
  return file;
}

TEST(Pcie, TurnsAtTheSwitchThatTwoGpusShare) {
  const Cluster cluster = make_cluster(pcie_file(2, true), 4);

  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(1))),
              ElementsAre("node[0].gpu[0] → node[0].pcie[0]", "node[0].pcie[0] → node[0].gpu[1]"));
}

TEST(Pcie, CrossesSocketsToTheOtherHalfOfTheNode) {
  const Cluster cluster = make_cluster(pcie_file(2, true), 4);

  const Route route = cluster.route(gpu(3), gpu(0));

  EXPECT_THAT(names(cluster, route),
              ElementsAre("node[0].gpu[3] → node[0].pcie[1]", "node[0].pcie[1] → node[0].cpu[1]",
                          "node[0].cpu[1] → node[0].cpu[0]", "node[0].cpu[0] → node[0].pcie[0]",
                          "node[0].pcie[0] → node[0].gpu[0]"));
  EXPECT_EQ(capacity(cluster, route, 2), 10e9);
}

TEST(Pcie, PassesTheHostWithoutPeerToPeer) {
  const Cluster cluster = make_cluster(pcie_file(2, false), 4);

  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(1))),
              ElementsAre("node[0].gpu[0] → node[0].pcie[0]", "node[0].pcie[0] → node[0].cpu[0]",
                          "node[0].cpu[0] → node[0].pcie[0]", "node[0].pcie[0] → node[0].gpu[1]"));
}

TEST(Pcie, LeavesTheNodeOverItsOneAdapter) {
  const Cluster cluster = make_cluster(pcie_file(0, true), 8);

  EXPECT_THAT(names(cluster, cluster.route(gpu(1), gpu(4))),
              ElementsAre("node[0].gpu[1] → node[0].cpu[0]", "node[0].cpu[0] → node[0].nic[0]",
                          "node[0].nic[0] → switch", "switch → node[1].nic[0]",
                          "node[1].nic[0] → node[1].cpu[0]", "node[1].cpu[0] → node[1].gpu[0]"));
}

SettingsNode dgx1() {
  SettingsNode file = switched_nodes(8, sub({{"fabric", text("flat")}}));
  SettingsNode intra{sub({{"fabric", text("cube_mesh")},
                          {"link_bandwidth", text("25 GB/s")},
                          {"latency", text("0.4 us")},
                          {"pcie_bandwidth", text("16 GB/s")}}),
                     {},
                     {}};
  SettingsArray pairs;
  for (const char* pair : {"0-1", "0-3 x2"}) pairs.push_back({text(pair), {}, {}});
  intra.set("pairs", {pairs, {}, {}});
  file.set("intra_node", intra);
  return file;
}

TEST(CubeMesh, GivesPairsTheLinksTheyHaveAndOthersPcie) {
  const Cluster cluster = make_cluster(dgx1(), 8);

  EXPECT_EQ(capacity(cluster, cluster.route(gpu(0), gpu(1)), 0), 25e9);
  EXPECT_EQ(capacity(cluster, cluster.route(gpu(3), gpu(0)), 0), 50e9);
  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(2))).front(),
              "node[0].gpu[0] → node[0].pcie[0]");
}

TEST(CubeMesh, RejectsAPairOfAGpuThatIsNotThere) {
  SettingsNode file = dgx1();
  std::get<SettingsArray>(file.find("intra_node")->find("pairs")->value)
      .push_back({text("0-8"), {}, {}});

  EXPECT_THROW(make_cluster(file, 8), InvalidScenario);
}

TEST(RailOptimized, KeepsARailOnItsLeaf) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 64);

  const Route route = cluster.route(gpu(3), gpu(8 * 7 + 3));

  EXPECT_THAT(names(cluster, route),
              ElementsAre("node[0].gpu[3] → node[0].nic[3]", "node[0].nic[3] → pod[0].leaf[3]",
                          "pod[0].leaf[3] → node[7].nic[3]", "node[7].nic[3] → node[7].gpu[3]"));
  EXPECT_EQ(route.latency, Duration(2'200'000));  // twice 1 us to the wire, 0.2 us for the switch
}

TEST(RailOptimized, HandsWhatIsBoundForAnotherRailToTheGpuOnIt) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 16);

  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(13))),
              ElementsAre("node[0].gpu[0] → node[0].nvswitch", "node[0].nvswitch → node[0].gpu[5]",
                          "node[0].gpu[5] → node[0].nic[5]", "node[0].nic[5] → pod[0].leaf[5]",
                          "pod[0].leaf[5] → node[1].nic[5]", "node[1].nic[5] → node[1].gpu[5]"));
}

TEST(RailOptimized, CrossesTheSpineBetweenPods) {
  SettingsNode file = switched_nodes(8, rails(2));
  file.set("scale_out.oversubscription", {whole(2), {}, {}});
  const Cluster cluster = make_cluster(file, 48);

  const Route route = cluster.route(gpu(1), gpu(8 * 5 + 1));

  EXPECT_THAT(names(cluster, route)[2], "pod[0].leaf[1] → spine");
  EXPECT_EQ(capacity(cluster, route, 2), 50e9);  // two adapters of 50 GB/s, oversubscribed 2 to 1
}

TEST(RailOptimized, LetsGpusShareAdapters) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nic.per_node", {whole(4), {}, {}});
  const Cluster cluster = make_cluster(file, 16);

  EXPECT_THAT(names(cluster, cluster.route(gpu(1), gpu(8)))[1], "node[0].nic[0] → pod[0].leaf[0]");
  EXPECT_THAT(names(cluster, cluster.route(gpu(6), gpu(8)))[1],
              "node[0].nvswitch → node[0].gpu[0]");
}

TEST(RailOptimized, BundlesSeveralAdaptersOfOneGpu) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("nic.per_node", {whole(32), {}, {}});
  file.set("nic.bandwidth", {text("100 Gb/s"), {}, {}});
  const Cluster cluster = make_cluster(file, 16);

  EXPECT_EQ(capacity(cluster, cluster.route(gpu(0), gpu(8)), 1), 50e9);
}

SettingsNode roce() {
  return switched_nodes(8, sub({{"fabric", text("fat_tree")},
                                {"nodes_per_leaf", whole(2)},
                                {"nodes_per_pod", whole(4)},
                                {"pod_oversubscription", 7.0},
                                {"hop_latency", text("0.8 us")}}));
}

TEST(FatTree, PutsAllAdaptersOfANodeOnOneLeaf) {
  const Cluster cluster = make_cluster(roce(), 64);

  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(15))),
              ElementsAre("node[0].gpu[0] → node[0].nic[0]", "node[0].nic[0] → pod[0].leaf[0]",
                          "pod[0].leaf[0] → node[1].nic[7]", "node[1].nic[7] → node[1].gpu[7]"));
}

TEST(FatTree, OversubscribesAboveItsPods) {
  const Cluster cluster = make_cluster(roce(), 64);

  const Route route = cluster.route(gpu(0), gpu(63));

  EXPECT_THAT(names(cluster, route)[2], "pod[0].leaf[0] → pod[0].spine");
  EXPECT_THAT(names(cluster, route)[3], "pod[0].spine → core");
  EXPECT_DOUBLE_EQ(capacity(cluster, route, 2), 16 * 50e9);
  EXPECT_DOUBLE_EQ(capacity(cluster, route, 3), 32 * 50e9 / 7);
  EXPECT_EQ(route.latency, Duration(2'000'000 + 5 * 800'000));
}

TEST(FatTree, HashesOnceForAPairAndDifferentlyForPairs) {
  SettingsNode file = roce();
  file.set("scale_out.routing", {text("hash"), {}, {}});
  const Cluster cluster = make_cluster(file, 64);

  std::map<std::string, int> spines;
  for (std::size_t target = 32; target < 64; ++target) {
    const std::vector<std::string> path = names(cluster, cluster.route(gpu(0), gpu(target)));
    EXPECT_EQ(path, names(cluster, cluster.route(gpu(0), gpu(target))));
    EXPECT_EQ(path.size(), 8);
    ++spines[path[3]];
  }

  EXPECT_GT(spines.size(), 8);
}

TEST(Torus, SpreadsOverAllShortestPathsEvenly) {
  SettingsNode file =
      switched_nodes(1, sub({{"fabric", text("torus")}, {"link_bandwidth", text("100 GB/s")}}));
  SettingsArray sizes;
  for (const std::int64_t extent : {4, 4}) sizes.push_back({whole(extent), {}, {}});
  file.find("scale_out")->set("dimensions", {sizes, {}, {}});
  const Cluster cluster = make_cluster(file, 16);

  const Route route = cluster.route(gpu(0), gpu(5));  // one step in each of two dimensions

  EXPECT_EQ(route.crossings.size(), 2 + 2 + 4);
  EXPECT_EQ(route.crossings[2].weight, one / 2);
  EXPECT_THAT(names(cluster, cluster.route(gpu(0), gpu(3)))[2], "router[0,0] → router[0,3]");
}

TEST(Dragonfly, ReachesEveryGroupOverAtMostFourRouters) {
  const SettingsNode file = switched_nodes(1, sub({{"fabric", text("dragonfly")},
                                                   {"nodes_per_leaf", whole(2)},
                                                   {"routers_per_group", whole(4)},
                                                   {"global_links", whole(2)},
                                                   {"hop_latency", text("1 us")},
                                                   {"link_bandwidth", text("25 GB/s")}}));
  const Cluster cluster = make_cluster(file, 72);  // nine groups: as many as there may be

  for (std::size_t target = 8; target < 72; ++target) {
    // Twice 1 us to the wire, 1 us for each of at most four routers.
    EXPECT_LE(cluster.route(gpu(0), gpu(target)).latency, Duration(6'000'000)) << target;
  }
}

TEST(Custom, DrawsWhatTheFileDraws) {
  SettingsNode file =
      table({{"name", text("drawn")},
             {"gpus_per_node", whole(3)},
             {"nodes", whole(1)},
             {"scale_out", sub({{"fabric", text("custom")}, {"gpus_forward", Value(true)}})}});
  SettingsArray links;
  for (const auto& [a, b] : {std::pair{"node[0].gpu[0]", "hub"},
                             {"hub", "node[0].gpu[1]"},
                             {"node[0].gpu[1]", "node[0].gpu[2]"}}) {
    links.push_back(
        table({{"source", text(a)}, {"target", text(b)}, {"bandwidth", text("10 GB/s")}}));
  }
  file.set("vertex", {SettingsArray{table({{"name", text("hub")}})}, {}, {}});
  file.set("link", {links, {}, {}});
  const Cluster cluster = make_cluster(file, 3);

  EXPECT_THAT(names(cluster, cluster.route(gpu(2), gpu(0))),
              ElementsAre("node[0].gpu[2] → node[0].gpu[1]", "node[0].gpu[1] → hub",
                          "hub → node[0].gpu[0]"));
}

TEST(RailOptimized, GrowsTo131072GpusInASecondOrTwo) {
  const auto begin = std::chrono::steady_clock::now();
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 131'072);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;

  EXPECT_EQ(cluster.gpu_count(), 131'072);
  EXPECT_EQ(cluster.name(gpu(131'071)), "node[16383].gpu[7]");
  EXPECT_LT(took.count(), 15.0) << "an optimised build takes a tenth of that";
  RecordProperty("seconds", std::to_string(took.count()));
}

}  // namespace
}  // namespace orrery
