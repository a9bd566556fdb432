// Volumes and times of the algorithms against their formulas. Factors of operations: NVIDIA
// nccl-tests doc/PERFORMANCE.md (all-reduce 2(n-1)/n, all-gather, reduce-scatter, all-to-all
// (n-1)/n).
#include "collective/collective.hpp"
#include "support/alone.hpp"
#include "support/clusters.hpp"
#include "support/shapes.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

/// Bytes that all bundles send, per member and byte of size.
double sent(const Shape& shape, std::size_t members) {
  double bytes = 0.0;
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& b : phase.bundles) bytes += phase.repeat * b.volume * b.transfers;
  }
  return bytes / static_cast<double>(members);
}

LinkId out_of(const Cluster& cluster, std::size_t index, LinkKind kind) {
  for (const LinkId id : cluster.out_links(gpu(index))) {
    if (cluster.link(id).kind == kind) return id;
  }
  ADD_FAILURE() << "no link of that kind";
  return LinkId{};
}

TEST(Algorithms, SendWhatTheirOperationsFormulaSays) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 16);
  const std::vector<CollectiveKind> kinds{CollectiveKind::all_reduce, CollectiveKind::all_gather,
                                          CollectiveKind::reduce_scatter,
                                          CollectiveKind::all_to_all};
  for (const char* name : {"ring", "tree", "direct", "halving_doubling"}) {
    for (const CollectiveKind kind : kinds) {
      for (const std::size_t n : {2, 4, 8, 16}) {
        const CollectiveAlgorithm& algorithm = *find_collective_algorithm(name);
        if (!algorithm.applicable(kind, first_gpus(n), cluster)) continue;
        for (const Steps steps : {Steps::bundled, Steps::explicit_steps}) {
          const Shape shape = algorithm.shape(kind, first_gpus(n), cluster, steps);
          EXPECT_NEAR(sent(shape, n), bytes_sent_per_member(kind, n), 1e-12)
              << name << " " << to_string(kind) << " " << n;
          EXPECT_EQ(shape.sent_per_member, bytes_sent_per_member(kind, n));
        }
      }
    }
  }
}

TEST(Algorithms, SayHowMuchTheyReallySend) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 16);
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    for (const CollectiveKind kind : {CollectiveKind::all_reduce, CollectiveKind::all_to_all}) {
      if (!algorithm->applicable(kind, first_gpus(16), cluster)) continue;
      const Shape shape = algorithm->shape(kind, first_gpus(16), cluster, Steps::bundled);
      EXPECT_NEAR(sent(shape, 16), shape.sent_per_member, 1e-12) << algorithm->name;
    }
  }
}

TEST(Algorithms, HaveCrossingsAscendingByLink) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(2)), 16);
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    if (!algorithm->applicable(CollectiveKind::all_reduce, first_gpus(16), cluster)) continue;
    const Shape shape =
        algorithm->shape(CollectiveKind::all_reduce, first_gpus(16), cluster, Steps::bundled);
    for (const PhaseShape& phase : shape.phases) {
      for (const BundleShape& bundle : phase.bundles) {
        for (std::size_t i = 1; i < bundle.crossings.size(); ++i) {
          EXPECT_LT(bundle.crossings[i - 1].link, bundle.crossings[i].link) << algorithm->name;
        }
      }
    }
  }
}

TEST(Algorithms, DoNothingForAGroupOfOne) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 4);
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    const Shape shape =
        algorithm->shape(CollectiveKind::all_reduce, first_gpus(1), cluster, Steps::bundled);
    EXPECT_TRUE(shape.phases.empty()) << algorithm->name;
  }
}

TEST(Ring, GivesEveryAdapterOfANodeItsShare) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  const Shape shape = shape_of("ring", CollectiveKind::all_reduce, first_gpus(32), cluster);

  const double volume = 2.0 * 31 / 32;
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 5, LinkKind::nvlink)), volume);
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 5, LinkKind::pcie)), volume / 8);
}

TEST(Ring, OfOneMemberPerNodeStaysOnItsRail) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  const Shape shape =
      shape_of("ring", CollectiveKind::all_reduce, {gpu(3), gpu(11), gpu(19), gpu(27)}, cluster);

  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 11, LinkKind::pcie)), 1.5);
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 11, LinkKind::nvlink)), 0.0);
}

TEST(Ring, TakesTheOrderOfUnequalNodesAsItComes) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 16);

  const Shape shape =
      shape_of("ring", CollectiveKind::all_gather, {gpu(0), gpu(1), gpu(8)}, cluster);

  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 8, LinkKind::pcie)), 2.0 / 3.0);
}

TEST(Ring, UsesAllLinksOfAMeshAlike) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node", {sub({{"fabric", text("nvlink_mesh")},
                               {"bandwidth", text("448 GB/s")},
                               {"latency", text("0.5 us")}}),
                          {},
                          {}});
  const Cluster cluster = make_cluster(file, 8);

  // A Hamiltonian mixture of 7 links of 64 GB/s: bus bandwidth 448 GB/s, not that of one link.
  const double seconds = alone({CollectiveKind::all_reduce, 1_GiB, first_gpus(8)}, cluster);

  EXPECT_NEAR(seconds, 1.75 * 1073741824.0 / 448e9 + 14 * 0.5e-6, 1e-9);
}

TEST(Ring, TakesTheAlphaBetaTimeOfPatarasukAndYuan) {
  // 2(n-1) alpha + 2(n-1)/n S/B (Patarasuk, Yuan, JPDC 69, 2009), alpha 0.5 us, B 400 GB/s.
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  const double seconds = alone({CollectiveKind::all_reduce, 64_MiB, first_gpus(8)}, cluster);

  EXPECT_NEAR(seconds, 14 * 0.5e-6 + 1.75 * 67108864.0 / 400e9, 1e-12);
}

TEST(Ring, StepByStepTakesAsLongInsideANode) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);
  const Operation bundled{CollectiveKind::all_reduce, 64_MiB, first_gpus(8)};
  Operation stepped = bundled;
  stepped.steps = Steps::explicit_steps;

  EXPECT_NEAR(alone(bundled, cluster), alone(stepped, cluster), 1e-12);
}

/// Nodes of 8, 400 GB/s and 0.5 us at each end inside, 50 GB/s and 1 us at each end between.
Cluster simgrid_cluster(std::int64_t gpus) {
  SettingsNode file = switched_nodes(8, sub({{"fabric", text("flat")}}));
  file.set("intra_node.latency", {text("1 us"), {}, {}});
  return make_cluster(file, gpus);
}

TEST(Ring, StepByStepAgreesWithSimGrid) {
  // SimGrid 3.32, ring all-reduce of 64 MiB: 2894.412, 3693.869 and 4723.112 us of 64, 256 and 512
  // hosts.
  for (const auto& [hosts, expected] :
       {std::pair{64, 2894.412}, {256, 3693.869}, {512, 4723.112}}) {
    const Cluster cluster = simgrid_cluster(hosts);
    const Operation ring{CollectiveKind::all_reduce,
                         64_MiB,
                         first_gpus(static_cast<std::size_t>(hosts)),
                         {"none", ""},
                         Steps::explicit_steps};
    EXPECT_NEAR(alone(ring, cluster) * 1e6, expected, 0.001 * expected) << hosts;
  }
}

TEST(Direct, AgreesWithSimGridOnAllToAll) {
  // SimGrid 3.32, every ordered pair a flow of 64 MiB / N: 147.801, 1176.405, 1302.234 and
  // 1323.206 us.
  for (const auto& [hosts, expected] :
       {std::pair{8, 147.801}, {64, 1176.405}, {256, 1302.234}, {512, 1323.206}}) {
    const Cluster cluster = simgrid_cluster(hosts);
    const Operation all{CollectiveKind::all_to_all, 64_MiB,
                        first_gpus(static_cast<std::size_t>(hosts))};
    EXPECT_NEAR(alone(all, cluster) * 1e6, expected, 0.001) << hosts;
  }
}

TEST(Direct, SplitsIntoABundleInsideDomainsAndOneBetween) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  const Shape shape = shape_of("direct", CollectiveKind::all_to_all, first_gpus(32), cluster);

  ASSERT_EQ(shape.phases.front().bundles.size(), 2);
  EXPECT_EQ(shape.phases.front().bundles[0].transfers, 4 * 8 * 7);
  EXPECT_EQ(shape.phases.front().bundles[1].transfers, 32 * 24);
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 0, LinkKind::pcie)), 24.0 / 32);
}

TEST(Direct, PairByPairCrossesTheSameLinksAsOften) {
  const Cluster cluster = make_cluster(switched_nodes(4, rails(32)), 12);
  const Shape bundled = shape_of("direct", CollectiveKind::all_to_all, first_gpus(12), cluster);
  const Shape pairs = shape_of("direct", CollectiveKind::all_to_all, first_gpus(12), cluster,
                               Steps::explicit_steps);

  EXPECT_EQ(pairs.phases.front().bundles.size(), 12 * 11);
  for (std::size_t i = 0; i < cluster.link_count(); ++i) {
    EXPECT_NEAR(crossing(bundled, id_at<LinkId>(i)), crossing(pairs, id_at<LinkId>(i)), 1e-12);
  }
}

TEST(Tree, CrossesTheNetworkTwiceAtMostHoweverManyNodes) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 64);

  const Shape shape = shape_of("tree", CollectiveKind::all_reduce, first_gpus(64), cluster);

  for (std::size_t i = 0; i < 64; ++i) {
    EXPECT_LE(crossing(shape, out_of(cluster, i, LinkKind::pcie)), 2.0 / 8);
  }
  EXPECT_EQ(shape.phases.front().bundles.front().inter_hops, 2 * 3);
}

TEST(Nvls, SendsHalfOfWhatARingSends) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  const Shape shape = shape_of("nvls", CollectiveKind::all_reduce, first_gpus(8), cluster);

  // n+1 instead of 2(n-1) parts of the size (stas00/ml-engineering network/README.md).
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 2, LinkKind::nvlink)), 9.0 / 8);
}

TEST(Nvls, NeedsSwitchesThatAddUp) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node.in_network_reduction", {false, {}, {}});
  const Cluster cluster = make_cluster(file, 8);

  EXPECT_FALSE(find_collective_algorithm("nvls")->applicable(CollectiveKind::all_reduce,
                                                             first_gpus(8), cluster));
}

TEST(Hierarchical, PutsOneGthOfTheBytesOnTheNetwork) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  const Shape shape = shape_of("hierarchical", CollectiveKind::all_reduce, first_gpus(32), cluster);

  // 2(k-1)/k / g on an adapter, 2(g-1)/g on NVLink, for g members in each of k nodes.
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 9, LinkKind::pcie)), 2.0 * 3 / 4 / 8);
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 9, LinkKind::nvlink)), 2.0 * 7 / 8);
}

TEST(Hierarchical, AllToAllCrossesTheNetworkRailByRail) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);

  const Shape shape = shape_of("hierarchical", CollectiveKind::all_to_all, first_gpus(32), cluster);

  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 9, LinkKind::pcie)), 3.0 / 4);
  EXPECT_DOUBLE_EQ(crossing(shape, out_of(cluster, 9, LinkKind::nvlink)), 7.0 / 8);
}

TEST(HalvingDoubling, TakesTwiceLogManyPhases) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  const Shape shape =
      shape_of("halving_doubling", CollectiveKind::all_reduce, first_gpus(8), cluster);

  EXPECT_EQ(shape.phases.size(), 6);
  EXPECT_DOUBLE_EQ(shape.phases.front().bundles.front().volume, 0.5);
}

TEST(Send, IsOneTransferOfTheSize) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 16);

  // 2.2 us of adapters and switch, then 50 GB/s.
  EXPECT_NEAR(alone({CollectiveKind::send_recv, 1_GB, {gpu(0), gpu(8)}}, cluster), 2.2e-6 + 0.02,
              1e-12);
}

}  // namespace
}  // namespace orrery
