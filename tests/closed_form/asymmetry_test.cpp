// Two types of GPU in one job, and replicas with unequal shares of a step, against what each type
// does in a job of its own: kernels take the time of the GPU they run on, a step that of the rank
// that needs longest, and the sum of all work is the model's whatever the shares.
#include "cli/simulate.hpp"
#include "search/feasibility.hpp"
#include "support/scenarios.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

/// A node of H100 and one of A100.
const Keys both_kinds = {{"cluster", "dgx-h100"},
                         {"cluster.node_group",
                          "[{nodes = 1}, {nodes = 1, gpu = \"a100-sxm-40g\", "
                          "intra_node = {bandwidth = \"300 GB/s\"}}]"},
                         {"gpus", "16"}};
/// As many of one kind: the slowest of as many cards sets the pace.
const Keys h100_alone = {{"cluster", "dgx-h100"}, {"gpus", "16"}};
const Keys a100_alone = {{"cluster", "dgx-h100"},
                         {"cluster.node_group",
                          "[{nodes = 2, gpu = \"a100-sxm-40g\", "
                          "intra_node = {bandwidth = \"300 GB/s\"}}]"},
                         {"gpus", "16"}};

/// A replica in each node; nothing interferes, so that work takes what it takes alone.
const Keys replicas = {{"model", "llama3-8b"},
                       {"workload.sequence_length", "1024"},
                       {"strategy.tp", "8"},
                       {"strategy.zero", "0"},
                       {"strategy.overlap", "[]"},
                       {"strategy.recompute", "\"full\""},
                       {"strategy.order", "tp-cp-ep-pp-dp"},
                       {"fidelity.interference", "\"off\""}};

Duration busy(const Simulation& run, std::size_t rank) {
  return run.result.time[run.class_of(rank)]
      .by_component[static_cast<std::size_t>(Component::compute)];
}

TEST(TwoTypes, ComputeEachAsLongAsInAJobOfTheirOwn) {
  const Simulation mixed(both_kinds + replicas + Keys{{"workload.global_batch", "8"}});
  const Simulation h100(h100_alone + replicas + Keys{{"workload.global_batch", "8"}});
  const Simulation a100(a100_alone + replicas + Keys{{"workload.global_batch", "8"}});

  EXPECT_EQ(busy(mixed, 0), busy(h100, 0));
  EXPECT_EQ(busy(mixed, 8), busy(a100, 0));
  EXPECT_GT(busy(mixed, 8), busy(mixed, 0) * 3 / 2);
}

TEST(TwoTypes, AreNeverOneClass) {
  const Simulation mixed(both_kinds + replicas + Keys{{"workload.global_batch", "8"}});

  ASSERT_EQ(mixed.program().classes.size(), 2);
  EXPECT_NE(mixed.class_of(0), mixed.class_of(8));
  EXPECT_EQ(mixed.class_of(0), mixed.class_of(7));
}

TEST(TwoTypes, TakeAsLongAsTheSlower) {
  const Simulation mixed(both_kinds + replicas + Keys{{"workload.global_batch", "8"}});
  const Simulation a100(a100_alone + replicas + Keys{{"workload.global_batch", "8"}});

  EXPECT_NEAR(mixed.seconds(), a100.seconds(), 0.001 * a100.seconds());
}

TEST(UnevenShares, AreRunByTheReplicasThatTheyAreFor) {
  const Simulation run(both_kinds + replicas +
                       Keys{{"workload.global_batch", "8"}, {"strategy.replica_batch", "[6, 2]"}});
  const Simulation even(both_kinds + replicas + Keys{{"workload.global_batch", "8"}});

  EXPECT_EQ(run.plan().micro_batches, 6);
  EXPECT_EQ(busy(run, 0) * 4, busy(even, 0) * 6);
  EXPECT_EQ(busy(run, 8) * 4, busy(even, 8) * 2);
  EXPECT_LT(run.result.end, even.result.end);
}

TEST(UnevenShares, OfOneSizeAreNoShares) {
  const Keys batch{{"workload.global_batch", "8"}};
  const Simulation plain(both_kinds + replicas + batch);
  const Simulation stated(both_kinds + replicas + batch +
                          Keys{{"strategy.replica_batch", "[4, 4]"}});

  EXPECT_EQ(plain.program(), stated.program());
}

TEST(UnevenShares, StandForNeighboursWhereThereAreFewerOfThem) {
  const Keys job =
      both_kinds + replicas + Keys{{"strategy.tp", "2"}, {"workload.global_batch", "32"}};
  const Simulation few(job + Keys{{"strategy.replica_batch", "[6, 2]"}});
  const Simulation all(job + Keys{{"strategy.replica_batch", "[6, 6, 6, 6, 2, 2, 2, 2]"}});

  EXPECT_EQ(few.program(), all.program());
}

TEST(UnevenShares, WithRecomputationBookEveryMicroBatchOnce) {
  // run() holds FLOPs, and those done again, against the plan's formulas.
  const Simulation run(both_kinds + replicas +
                       Keys{{"strategy.tp", "4"},
                            {"strategy.pp", "2"},
                            {"workload.global_batch", "12"},
                            {"strategy.replica_batch", "[9, 3]"}});

  EXPECT_GT(run.seconds(), 0.0);
}

TEST(StagesOnTwoTypes, HaveTheMemoryOfTheirOwnGpu) {
  const Scenario scenario = scenario_of(both_kinds + replicas +
                                        Keys{{"strategy.tp", "8"},
                                             {"strategy.pp", "2"},
                                             {"strategy.order", "tp-cp-ep-dp-pp"},
                                             {"workload.global_batch", "8"}});
  const std::vector<Bytes> capacities = memory_capacities(scenario);
  const Simulation run(scenario);

  ASSERT_EQ(capacities.size(), 2);
  EXPECT_GT(capacities[0].value(), 80'000'000'000);
  EXPECT_LT(capacities[1].value(), 43'000'000'000);
  for (const std::size_t rank : {0U, 8U}) {
    const RankClass& ranks = run.program().classes[run.class_of(rank)];
    EXPECT_EQ(run.program().scripts[ranks.script].memory_capacity,
              run.prepared.cluster.gpu(id_at<VertexId>(rank)).memory_capacity);
  }
}

TEST(StagesOnTwoTypes, ComputeEachAsLongAsOnThatTypeAlone) {
  const Keys job = replicas + Keys{{"strategy.tp", "4"},
                                   {"strategy.pp", "2"},
                                   {"strategy.order", "tp-cp-ep-dp-pp"},
                                   {"workload.global_batch", "8"}};
  const Simulation mixed(both_kinds + job);
  const Simulation h100(h100_alone + job);
  const Simulation a100(a100_alone + job);

  EXPECT_EQ(busy(mixed, 0), busy(h100, 0));  // the first stage, of replicas on H100
  EXPECT_EQ(busy(mixed, 8), busy(a100, 8));  // the second, all on A100
}

TEST(TwoTypes, CountTheirPeaksForUtilisation) {
  const Scenario scenario =
      scenario_of(both_kinds + replicas + Keys{{"workload.global_batch", "8"}});
  const ClusterSpec& cluster = scenario.cluster;

  const double h100 = cluster.gpu_at(0).peak_rate(NumberType::bf16).value();
  const double a100 = cluster.gpu_at(8).peak_rate(NumberType::bf16).value();
  EXPECT_DOUBLE_EQ(cluster.peak_of(16, NumberType::bf16).value(), 8 * h100 + 8 * a100);
}

// --- What cannot be ------------------------------------------------------------------------------

std::string refusal(const Keys& keys) {
  try {
    scenario_of(keys);
  } catch (const InvalidScenario& refused) {
    return refused.what();
  }
  return "";
}

TEST(UnevenShares, MustAddUp) {
  const Keys job = both_kinds + replicas + Keys{{"workload.global_batch", "8"}};
  using ::testing::HasSubstr;

  EXPECT_THAT(refusal(job + Keys{{"strategy.replica_batch", "[6, 3]"}}),
              HasSubstr("gives 9 sequences to 2 replicas, but workload.global_batch = 8"));
  EXPECT_THAT(refusal(job + Keys{{"strategy.replica_batch", "[4, 2, 2]"}}),
              HasSubstr("has 3 entries for dp = 2 replicas"));
  EXPECT_THAT(
      refusal(job + Keys{{"strategy.replica_batch", "[5, 3]"}, {"workload.micro_batch", "2"}}),
      HasSubstr("no multiple of workload.micro_batch = 2"));
}

TEST(UnevenShares, MeetOnceAStepOrAreRefused) {
  const Keys job = both_kinds + replicas +
                   Keys{{"workload.global_batch", "8"}, {"strategy.replica_batch", "[6, 2]"}};
  using ::testing::HasSubstr;

  EXPECT_THAT(refusal(job + Keys{{"strategy.zero", "3"}}),
              HasSubstr("zero = 3, which reduces or gathers in every micro-batch"));
  EXPECT_THAT(refusal(job + Keys{{"model", "mixtral-8x7b"}, {"strategy.ep", "2"}}),
              HasSubstr("ep = 2, whose ranks exchange tokens in every micro-batch"));
  EXPECT_THAT(refusal(job + Keys{{"workload.kind", "\"forward\""}}),
              HasSubstr("a workload that does not train"));
}

TEST(TwoTypes, MustBothKnowThePrecision) {
  EXPECT_THAT(refusal(both_kinds + replicas +
                      Keys{{"workload.global_batch", "8"}, {"workload.precision", "\"fp8\""}}),
              ::testing::HasSubstr("does not compute in it"));
}

}  // namespace
}  // namespace orrery
