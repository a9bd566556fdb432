// Nodes of several kinds in one cluster: types of GPU and rates by group, and what cannot be.
#include "cluster/node_groups.hpp"

#include "cluster/repetition.hpp"
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::HasSubstr;

Gpu a100() {
  Gpu gpu = h100();
  gpu.name = "a100";
  gpu.architecture = "Ampere GA100";
  gpu.pcie_bandwidth = BytesPerSecond(31.5e9);
  gpu.price_per_hour = 2.0;
  return gpu;
}

SettingsNode grouped(std::vector<SettingsNode> groups, Value scale_out = rails(8)) {
  SettingsNode file = switched_nodes(4, std::move(scale_out));
  SettingsArray array;
  for (SettingsNode& group : groups) array.push_back(std::move(group));
  file.set("node_group", {std::move(array), file.position, {}});
  return file;
}

/// One node as the file has it, two with other GPUs, slower NVLinks and adapters.
SettingsNode three_nodes() {
  return grouped(
      {table({{"nodes", whole(1)}}), table({{"nodes", whole(2)},
                                            {"intra_node", sub({{"bandwidth", text("300 GB/s")}})},
                                            {"nic", sub({{"bandwidth", text("200 Gb/s")}})}})});
}

std::string findings(const SettingsNode& file, std::int64_t gpus) {
  const Built built = try_cluster(file, gpus);
  std::string all;
  for (const Diagnostic& finding : built.findings.all()) all += finding.message + "\n";
  return all;
}

/// Three nodes, the last two with other GPUs, as if their file had been read.
ClusterSpec with_a100(Diagnostics& findings) {
  ClusterSpec spec = read_cluster(Settings(three_nodes(), findings), h100());
  spec.groups[1].gpu = a100();
  spec.groups[1].own_gpu = true;
  return spec;
}

Cluster mixed() {
  Diagnostics findings;
  Cluster cluster = build_cluster(with_a100(findings), 12, {}, findings);
  findings.throw_if_errors();
  return cluster;
}

double first_hop(const Cluster& cluster, std::size_t from, std::size_t to) {
  return cluster.link(cluster.route(gpu(from), gpu(to)).crossings.front().link).capacity.value();
}

TEST(NodeGroups, AreAllTheNodesInOrder) {
  const Cluster cluster = mixed();

  EXPECT_EQ(cluster.node_count(), 3);
  EXPECT_EQ(cluster.gpu(gpu(3)).name, "h100-sxm");
  EXPECT_EQ(cluster.gpu(gpu(4)).name, "a100");
  EXPECT_EQ(cluster.gpu(gpu(11)).name, "a100");
  EXPECT_EQ(cluster.gpu_type(gpu(3)), 0);
  EXPECT_EQ(cluster.gpu_type(gpu(4)), 1);
}

TEST(NodeGroups, HaveRatesOfTheirOwn) {
  const Cluster cluster = mixed();

  EXPECT_DOUBLE_EQ(first_hop(cluster, 0, 1), 400e9);
  EXPECT_DOUBLE_EQ(first_hop(cluster, 4, 5), 300e9);
  const Route out = cluster.route(gpu(0), gpu(4));
  EXPECT_DOUBLE_EQ(cluster.link(out.crossings[1].link).capacity.value(), 50e9);
  EXPECT_DOUBLE_EQ(cluster.link(out.crossings[2].link).capacity.value(), 25e9);
}

TEST(NodeGroups, HaveThePcieOfTheirGpu) {
  const Cluster cluster = mixed();

  EXPECT_DOUBLE_EQ(first_hop(cluster, 0, 4), 63e9 * 256 / 280);
  EXPECT_DOUBLE_EQ(first_hop(cluster, 4, 0), 31.5e9 * 256 / 280);
}

TEST(NodeGroups, LeaveTheRestAsTheFileSays) {
  const Cluster plain = make_cluster(switched_nodes(4, rails(8)), 12);
  const Cluster cluster =
      make_cluster(grouped({table({{"nodes", whole(1)}}), table({{"nodes", whole(2)}})}), 12);

  ASSERT_EQ(cluster.link_count(), plain.link_count());
  for (std::size_t i = 0; i < plain.link_count(); ++i) {
    EXPECT_EQ(cluster.link(id_at<LinkId>(i)).capacity, plain.link(id_at<LinkId>(i)).capacity);
  }
}

TEST(NodeGroups, RepeatNothing) {
  EXPECT_EQ(make_cluster(three_nodes(), 12).repetition(), nullptr);
}

TEST(NodeGroups, CountTogether) {
  SettingsNode file = three_nodes();
  file.set("nodes", {whole(4), {}, {}});

  EXPECT_THAT(findings(file, 12), HasSubstr("nodes = 4, but the node groups have 3 together"));
}

TEST(NodeGroups, KeepNvlinkDomainsWhole) {
  SettingsNode file = grouped({table({{"nodes", whole(1)}}), table({{"nodes", whole(3)}})});
  file.set("intra_node.fabric", {text("nvlink_domain"), {}, {}});
  file.set("intra_node.domain_gpus", {whole(8), {}, {}});

  EXPECT_THAT(findings(file, 16), HasSubstr("the group ends with node 0, inside an NVLink domain "
                                            "of 2 nodes"));
}

TEST(NodeGroups, SayNothingOfLinksThatAreNotThere) {
  SettingsNode file = three_nodes();
  file.set("intra_node", {sub({{"fabric", text("none")}}), {}, {}});

  EXPECT_THAT(findings(file, 12), HasSubstr("do not meet over NVLink"));
}

TEST(NodeGroups, RefuseKeysThatNobodyKnows) {
  SettingsNode file = grouped({table({{"nodes", whole(1)}, {"gpus_per_node", whole(4)}})});

  EXPECT_THAT(findings(file, 4), HasSubstr("gpus_per_node"));
}

TEST(FirstGpus, AreSharesByTypeWithTheirPrices) {
  Diagnostics none;
  const ClusterSpec spec = with_a100(none);

  const std::vector<GpuShare> shares = spec.first_gpus(7);

  ASSERT_EQ(shares.size(), 2);
  EXPECT_EQ(shares[0].count, 4);
  EXPECT_EQ(shares[1].count, 3);
  EXPECT_EQ(shares[1].gpu->name, "a100");
  EXPECT_EQ(shares[1].price_per_hour, 2.0);
  EXPECT_EQ(spec.gpu_at(4).name, "a100");
}

}  // namespace
}  // namespace orrery
