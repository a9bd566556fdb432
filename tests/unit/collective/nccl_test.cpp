#include "collective/nccl.hpp"

#include "support/alone.hpp"
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;
using nccl::Algorithm;
using nccl::Protocol;

/// 8 H100 with what NCCL can use of their NVLinks: 18 times 20.6 GB/s.
Cluster eight_h100(std::int64_t gpus = 8) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node.bandwidth", {text("370.8 GB/s"), {}, {}});
  file.set("nic.payload_efficiency", {0.97, {}, {}});
  return make_cluster(file, gpus);
}

TEST(Version, IsReadFromTheLibrarysName) {
  EXPECT_EQ(nccl::parse_version("nccl-2.21")->minor, 21);
  EXPECT_EQ(nccl::parse_version("nccl-2.29.2")->minor, 29);
  for (const char* name : {"nccl", "nccl-2", "nccl-3.1", "rccl-2.21", "nccl-2.x", "none"}) {
    EXPECT_FALSE(nccl::parse_version(name)) << name;
  }
  EXPECT_TRUE(is_collective_library("none"));
}

TEST(Survey, FindsTheChannelsOfEightH100) {
  const nccl::Communicator known = nccl::survey(first_gpus(8), eight_h100());

  EXPECT_EQ(known.channels, 12);
  EXPECT_EQ(known.speed, 30);
  EXPECT_EQ(known.nvls_channels, 8);
  EXPECT_EQ(known.nvls_speed, 40);
}

TEST(Survey, SeesTheAdaptersOfANode) {
  const nccl::Communicator known = nccl::survey(first_gpus(16), eight_h100(16));

  EXPECT_EQ(known.nodes, 2);
  EXPECT_NEAR(known.network, 8 * 48.5, 1e-9);
}

/// Times NCCL's model gives for 8 H100 with its public constants, microseconds, to the tenth.
TEST(Estimate, IsThatOfThePublicConstants) {
  const nccl::Communicator known = nccl::survey(first_gpus(8), eight_h100());
  const auto time = [&](CollectiveKind kind, double bytes, Algorithm algorithm, Protocol protocol) {
    return nccl::estimate(kind, bytes, known, {2, 29}, algorithm, protocol)->microseconds;
  };

  EXPECT_NEAR(time(CollectiveKind::all_reduce, 512, Algorithm::ring, Protocol::ll), 15.0, 0.05);
  EXPECT_NEAR(time(CollectiveKind::all_reduce, 1 << 20, Algorithm::ring, Protocol::ll), 28.0, 0.05);
  EXPECT_NEAR(time(CollectiveKind::all_reduce, 4 << 20, Algorithm::nvls, Protocol::simple), 40.4,
              0.05);
  EXPECT_NEAR(time(CollectiveKind::all_reduce, 512 << 20, Algorithm::nvls, Protocol::simple),
              1999.0, 0.5);
  EXPECT_NEAR(time(CollectiveKind::all_gather, 512 << 20, Algorithm::ring, Protocol::simple),
              1337.0, 0.5);
}

TEST(Choose, GoesFromLlToLl128ToSimple) {
  const Cluster cluster = eight_h100();
  const auto protocol = [&](Bytes size) {
    return choose(CollectiveKind::all_gather, size, first_gpus(8), cluster, {"nccl-2.29", ""})
        .protocol;
  };

  EXPECT_EQ(protocol(4_KiB), "ll");
  EXPECT_EQ(protocol(16_MiB), "ll128");
  EXPECT_EQ(protocol(512_MiB), "simple");
}

TEST(Choose, SwitchesToReductionInTheSwitchAtTwoMebibytes) {
  // Measured on 8 H200: ring LL to 1 MiB, NVLS from 2 MiB (stas00/ml-engineering).
  const Cluster cluster = eight_h100();
  const auto algorithm = [&](Bytes size) {
    return choose(CollectiveKind::all_reduce, size, first_gpus(8), cluster, {"nccl-2.29", ""})
        .algorithm->name;
  };

  EXPECT_EQ(algorithm(1_MiB), "ring");
  EXPECT_EQ(algorithm(2_MiB), "nvls");
}

TEST(Choose, TakesNoReductionInTheSwitchForFourGpus) {
  // "NVLS gain by group size on H200: 4 GPUs 1.00x, 5 1.14x" (stas00/ml-engineering).
  const Cluster cluster = eight_h100();
  const auto algorithm = [&](std::size_t gpus) {
    return choose(CollectiveKind::all_reduce, 8_GiB, first_gpus(gpus), cluster, {"nccl-2.27", ""})
        .algorithm->name;
  };

  EXPECT_EQ(algorithm(4), "ring");
  EXPECT_EQ(algorithm(5), "nvls");
}

TEST(Choose, PrefersTreesForSmallOperationsOverManyNodes) {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node.in_network_reduction", {false, {}, {}});
  const Cluster cluster = make_cluster(file, 512);

  EXPECT_EQ(
      choose(CollectiveKind::all_reduce, 64_KiB, first_gpus(512), cluster, {}).algorithm->name,
      "tree");
  EXPECT_EQ(
      choose(CollectiveKind::all_reduce, 64_GiB, first_gpus(512), cluster, {}).algorithm->name,
      "ring");
}

TEST(Choose, TakesRingsWhereNodesHoldUnequalNumbers) {
  const Cluster cluster = eight_h100(64);
  const std::vector<VertexId> members = first_gpus(60);
  for (const std::int64_t size : {4, 1 << 10, 1 << 20}) {
    const Choice choice =
        choose(CollectiveKind::all_reduce, Bytes(size), members, cluster, {"nccl-2.26", ""});

    EXPECT_EQ(choice.algorithm->name, "ring") << size;
    EXPECT_TRUE(choice.algorithm->applicable(CollectiveKind::all_reduce, members, cluster));
  }
}

TEST(Choose, ObeysTheScenario) {
  const Cluster cluster = eight_h100();

  const Choice choice =
      choose(CollectiveKind::all_reduce, 1_GiB, first_gpus(8), cluster, {"nccl-2.26", "tree"});

  EXPECT_EQ(choice.algorithm->name, "tree");
}

TEST(Choose, WithoutALibraryMovesBytesAndNothingElse) {
  const Choice choice =
      choose(CollectiveKind::all_to_all, 1_KiB, first_gpus(8), eight_h100(), {"none", ""});

  EXPECT_EQ(choice.algorithm->name, "direct");
  EXPECT_EQ(choice.base_latency, 0_ps);
  EXPECT_EQ(choice.payload_share, 1.0);
}

TEST(Choose, HoldsAsManySmsAsChannels) {
  const Choice small =
      choose(CollectiveKind::all_gather, 4_KiB, first_gpus(8), eight_h100(), {"nccl-2.29", ""});
  const Choice large =
      choose(CollectiveKind::all_gather, 1_GiB, first_gpus(8), eight_h100(), {"nccl-2.29", ""});

  EXPECT_FLOAT_EQ(small.sm_share, 1.0F / 132);
  EXPECT_FLOAT_EQ(large.sm_share, 24.0F / 132);
}

TEST(Choose, MovesMoreThroughMemoryWhereMembersAddUp) {
  const auto traffic = [](CollectiveKind kind) {
    return choose(kind, 1_MiB, first_gpus(8), eight_h100(), {"nccl-2.29", "ring"}).memory_traffic;
  };

  EXPECT_EQ(traffic(CollectiveKind::all_gather), 2.0);
  EXPECT_EQ(traffic(CollectiveKind::reduce_scatter), 3.0);
  EXPECT_EQ(traffic(CollectiveKind::all_reduce), 2.5);
}

TEST(Plan, TakesTheTimeOfTheModelOnOneNode) {
  const Cluster cluster = eight_h100();
  const Operation what{CollectiveKind::all_reduce, 1_MiB, first_gpus(8), {"nccl-2.29", ""}};

  EXPECT_NEAR(alone(what, cluster) * 1e6, 28.0, 0.05);
}

/// Eight H100 that reach other shares of the estimate.
Choice choice_with(const ReachedShares& ring, Bytes size, std::int64_t gpus = 8) {
  nccl::Communicator known = nccl::survey(first_gpus(gpus), eight_h100());
  known.reached.ring = ring;
  return nccl::choose(CollectiveKind::all_gather, size, known, {2, 29}, "ring");
}

TEST(Reached, StretchesBaseAndHopsByTheirOwnFactors) {
  const Choice estimated = choice_with({}, 1_GiB);
  const Choice reached = choice_with({.base = 2.0, .hop = 3.0}, 1_GiB);

  EXPECT_EQ(reached.base_latency, 2 * estimated.base_latency);
  EXPECT_GT(reached.intra_hop, 3 * estimated.intra_hop);  // the wire's own part is not stretched
  EXPECT_EQ(reached.rate_cap, estimated.rate_cap);
}

/// The first and the last of a ring's steps copy on one side only: one more step at ends = 1.
TEST(Reached, SharesTheRateWithTheEndStepsOfARing) {
  const double of_two = choice_with({.ends = 1.0}, 1_GiB, 2).rate_cap;
  const double of_eight = choice_with({.ends = 1.0}, 1_GiB, 8).rate_cap;

  EXPECT_DOUBLE_EQ(of_two, choice_with({}, 1_GiB, 2).rate_cap / 2.0);
  EXPECT_DOUBLE_EQ(of_eight, choice_with({}, 1_GiB, 8).rate_cap * 7.0 / 8.0);
}

TEST(Reached, FillsThePipelineBeforeBytesFlow) {
  const ReachedShares slow{.fill = 0.5, .fill_most = 64_MiB};
  const auto filling = [&](Bytes size) {
    return to_seconds(choice_with(slow, size).base_latency - choice_with({}, size).base_latency);
  };
  const double rate = choice_with({}, 1_GiB).rate_cap;

  EXPECT_NEAR(filling(64_MiB).value() * rate, 32.0 * (1 << 20), 1e3);
  EXPECT_NEAR(filling(1_GiB).value() * rate, 64.0 * (1 << 20), 1e3);
}

TEST(Plan, IsWithinAFifthOfWhatWasMeasured) {
  // aiconfigurator@095f58a, NCCL 2.29.2, 8 H100, all-gather, microseconds.
  const Cluster cluster = eight_h100();
  for (const auto& [size, measured] : {std::pair{512_B, 10.1},
                                       {256_KiB, 13.6},
                                       {1_MiB, 17.1},
                                       {4_MiB, 33.4},
                                       {16_MiB, 68.9},
                                       {64_MiB, 208.0},
                                       {512_MiB, 1402.0}}) {
    const Operation what{CollectiveKind::all_gather, size, first_gpus(8), {"nccl-2.29", ""}};
    EXPECT_NEAR(alone(what, cluster) * 1e6 / measured, 1.0, 0.2) << size.value();
  }
}

}  // namespace
}  // namespace orrery
