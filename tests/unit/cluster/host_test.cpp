#include "cluster/host.hpp"

#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

Value host(const char* link = "pcie", std::int64_t gpus_per_port = 2) {
  return sub({{"memory", text("1 TB")},
              {"memory_bandwidth", text("400 GB/s")},
              {"memory_efficiency", Value(0.75)},
              {"link", text(link)},
              {"bandwidth", text("32 GB/s")},
              {"latency", text("1.5 us")},
              {"gpus_per_port", whole(gpus_per_port)}});
}

Cluster with_hosts(SettingsNode file, Value host, std::int64_t gpus) {
  file.set("host", SettingsNode{std::move(host), file.position, {}});
  Diagnostics findings;
  ClusterSpec spec = read_cluster(Settings(file, findings), h100());
  spec.shows_hosts = true;
  Cluster cluster = build_cluster(spec, gpus, {}, findings);
  EXPECT_EQ(findings.all().size(), 0U);
  return cluster;
}

std::vector<std::string> way(const Cluster& cluster, VertexId gpu, HostWay way) {
  std::vector<std::string> names;
  for (const LinkCrossing& crossing : cluster.host_way(gpu, way).crossings) {
    EXPECT_EQ(crossing.weight, std::uint64_t{1} << 32);
    names.push_back(cluster.name(crossing.link));
  }
  return names;
}

TEST(Host, IsReachedOverTheAdaptersPcieARootPortAndItsMemory) {
  const Cluster cluster = with_hosts(switched_nodes(8, rails(32)), host(), 16);

  EXPECT_THAT(way(cluster, gpu(11), HostWay::to_host),
              ElementsAre("node[1].gpu[3] → node[1].nic[3]", "node[1].root_port[1] → node[1].host",
                          "node[1].host → node[1].memory"));
  EXPECT_THAT(way(cluster, gpu(11), HostWay::from_host),
              ElementsAre("node[1].nic[3] → node[1].gpu[3]", "node[1].host → node[1].root_port[1]",
                          "node[1].host → node[1].memory"));
  EXPECT_THAT(way(cluster, gpu(11), HostWay::in_host),
              ElementsAre("node[1].host → node[1].memory"));
  EXPECT_EQ(way(cluster, gpu(10), HostWay::to_host)[1], way(cluster, gpu(11), HostWay::to_host)[1]);
}

TEST(Host, HasTheRatesOfItsTable) {
  const Cluster cluster = with_hosts(switched_nodes(8, rails(32)), host(), 8);
  const Route up = cluster.host_way(gpu(0), HostWay::to_host);

  EXPECT_EQ(cluster.link(up.crossings[1].link).capacity, BytesPerSecond(32e9));
  EXPECT_EQ(cluster.link(up.crossings[2].link).capacity, BytesPerSecond(300e9));
  EXPECT_EQ(up.latency, Duration{1'500'000});
}

TEST(Host, IsReachedPastTheAdaptersOverALinkOfItsOwn) {
  const Cluster cluster = with_hosts(switched_nodes(8, rails(32)), host("c2c", 1), 8);

  EXPECT_THAT(way(cluster, gpu(2), HostWay::to_host),
              ElementsAre("node[0].root_port[2] → node[0].host", "node[0].host → node[0].memory"));
}

TEST(Host, IsReachedUpTheTreeWhereTheFabricIsOne) {
  const SettingsNode file = table({{"name", text("test")},
                                   {"gpus_per_node", whole(4)},
                                   {"intra_node", sub({{"fabric", text("pcie")},
                                                       {"bandwidth", text("32 GB/s")},
                                                       {"latency", text("1 us")},
                                                       {"gpus_per_switch", whole(2)},
                                                       {"peer_to_peer", Value(true)}})}});
  const Cluster cluster = with_hosts(file, host(), 4);

  EXPECT_THAT(way(cluster, gpu(3), HostWay::to_host),
              ElementsAre("node[0].gpu[3] → node[0].pcie[1]", "node[0].pcie[1] → node[0].cpu[0]",
                          "node[0].host → node[0].memory"));
  EXPECT_THAT(way(cluster, gpu(3), HostWay::from_host),
              ElementsAre("node[0].pcie[1] → node[0].gpu[3]", "node[0].cpu[0] → node[0].pcie[1]",
                          "node[0].host → node[0].memory"));
}

TEST(Host, ChangesNoWayBetweenGpus) {
  const Cluster bare = make_cluster(switched_nodes(8, rails(32)), 32);
  const Cluster shown = with_hosts(switched_nodes(8, rails(32)), host(), 32);

  for (const std::size_t to : {1U, 9U, 31U}) {
    EXPECT_EQ(bare.route(gpu(0), gpu(to)).crossings, shown.route(gpu(0), gpu(to)).crossings);
  }
}

TEST(Host, MayHaveALinkThatIsDegradedButNoneThatHasFailed) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("host", SettingsNode{host(), file.position, {}});
  Diagnostics findings;
  ClusterSpec spec = read_cluster(Settings(file, findings), h100());
  spec.shows_hosts = true;
  const std::string link = "node[0].root_port[0] → node[0].host";
  const Cluster slow = build_cluster(spec, 8, {{link, 0.5, {}}}, findings);
  const LinkId port = slow.host_way(gpu(0), HostWay::to_host).crossings[1].link;

  EXPECT_EQ(slow.link(port).capacity, BytesPerSecond(16e9));
  EXPECT_FALSE(findings.has_errors());
  build_cluster(spec, 8, {{link, 0.0, {}}}, findings);
  EXPECT_THAT(findings.all().back().message, HasSubstr("what is offloaded cannot avoid the link"));
}

TEST(Host, NeedsItsKeys) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("host", SettingsNode{sub({{"link", text("usb")}}), file.position, {}});
  Diagnostics findings;
  read_cluster(Settings(file, findings), h100());
  std::string said;
  for (const Diagnostic& finding : findings.all()) said += to_string(finding) + "\n";

  for (const char* key : {"memory", "memory_bandwidth", "bandwidth", "gpus_per_port"}) {
    EXPECT_THAT(said, HasSubstr("host." + std::string(key)));
  }
  EXPECT_THAT(said, HasSubstr("host.link = 'usb' is unknown; wanted one of pcie and c2c"));
}

}  // namespace
}  // namespace orrery
