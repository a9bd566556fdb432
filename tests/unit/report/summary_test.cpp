#include "report/summary.hpp"

#include "unit/report/example.hpp"
#include "workload/flops.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::SizeIs;

TEST(Summary, WeighsClassesByTheirRanks) {
  const Summary summary = Example().summary();

  // (1·800 + 2·700 + 3·600) ÷ 6 ms
  EXPECT_NEAR(summary.time.compute.value(), 4.0 / 6.0, 1e-12);
  EXPECT_NEAR(summary.time.exposed_dp.value(), 0.050 / 6.0, 1e-12);
  EXPECT_NEAR(summary.speed.gpu_busy_fraction, 4.0 / 6.0, 1e-12);
}

TEST(Summary, PartsOfTheTimeSumToTheStep) {
  const Summary summary = Example().summary();

  EXPECT_EQ(summary.step_time.value(), 1.0);
  EXPECT_NEAR(summary.time.sum().value(), summary.step_time.value(), 1e-15);
}

TEST(Summary, PartsOfTheTimeAreThoseOfTheEngine) {
  Example example;
  for (const ClassId id : {ClassId{0}, ClassId{1}, ClassId{2}}) {
    TimeUse& use = example.result.time[id];
    for (std::size_t i = 0; i < component_count; ++i) {
      use.by_component[i] = ms(static_cast<std::int64_t>(10 * (i + 1)));
    }
  }

  const TimeShares time = example.summary().time;

  EXPECT_NEAR(time.compute.value(), 0.01, 1e-15);
  EXPECT_NEAR(time.exposed_tp.value(), 0.02, 1e-15);
  EXPECT_NEAR(time.exposed_cp.value(), 0.03, 1e-15);
  EXPECT_NEAR(time.exposed_ep.value(), 0.04, 1e-15);
  EXPECT_NEAR(time.exposed_pp.value(), 0.05, 1e-15);
  EXPECT_NEAR(time.optimizer.value(), 0.07, 1e-15);
  EXPECT_NEAR(time.other.value(), 0.08, 1e-15);
}

TEST(Summary, MfuIsTheModelsFlopsOverThePeakOfAllGpus) {
  const Example example;

  const Summary summary = example.summary();

  const double flops = example.plan().model_flops;
  EXPECT_DOUBLE_EQ(summary.speed.mfu, flops / (1.0 * 6 * 100e12));
  EXPECT_DOUBLE_EQ(summary.speed.model_tflops_per_gpu, flops / 6e12);
}

TEST(Summary, HfuAddsWhatEveryRankRecomputed) {
  const Summary summary = Example().summary();

  EXPECT_NEAR(summary.speed.hfu - summary.speed.mfu, 6 * 1e12 / (6 * 100e12), 1e-12);
}

TEST(Summary, CausalMfuCountsTheKeysThatAQueryMaySee) {
  const Example example;

  const Summary summary = example.summary();

  const double causal =
      model_flops(example.scenario.model, example.scenario.job, MfuConvention::causal);
  EXPECT_DOUBLE_EQ(summary.speed.mfu_causal, causal / (6 * 100e12));
  EXPECT_LT(summary.speed.mfu_causal, summary.speed.mfu);
}

TEST(Summary, CountsTokensAndSequencesPerSecond) {
  const Summary summary = Example().summary();

  EXPECT_DOUBLE_EQ(summary.speed.sequences_per_s, 12.0);
  EXPECT_DOUBLE_EQ(summary.speed.tokens_per_s, 12.0 * 512);
  EXPECT_DOUBLE_EQ(summary.speed.tokens_per_s_per_gpu, 2.0 * 512);
}

TEST(Summary, MemoryIsThatOfTheFullestRankAtItsFullestMoment) {
  const MemorySummary memory = Example().summary().memory;

  EXPECT_EQ(memory.peak, gb(40));
  EXPECT_EQ(memory.capacity, gb(80));
  EXPECT_EQ(memory.peak_rank, RankId{1});
  EXPECT_EQ(memory.stage, 0);
  EXPECT_EQ(memory.held[static_cast<std::size_t>(MemoryCategory::activations)], gb(10));
  EXPECT_EQ(memory.at.value(), 0.25);
}

TEST(Summary, MomentOfThePeakIsTheNextTaskThatTakesTime) {
  EXPECT_EQ(Example().summary().memory.during, "ffn_up.forward of layer 1, micro-batch 2");
}

TEST(Summary, CapacityIsTheShareThatTheSoftwareMayUse) {
  Example example;
  example.scenario.software.usable_memory = 0.9;

  EXPECT_EQ(example.summary().memory.capacity, gb(72));
}

TEST(Summary, LinksAreThoseOfAKindWithTheBusiestNamed) {
  const std::vector<LinkSummary> links = Example().summary().links;

  ASSERT_THAT(links, SizeIs(2));
  EXPECT_EQ(links[0].kind, "nic");
  EXPECT_EQ(links[1].kind, "nvlink");
  EXPECT_EQ(links[1].busiest, "gpu[0] → switch");
  EXPECT_DOUBLE_EQ(links[1].mean_utilization, 0.25);
  EXPECT_DOUBLE_EQ(links[1].peak_utilization, 1.0);
  EXPECT_DOUBLE_EQ(links[1].average_utilization, (0.25 + 3 * 0.05) / 4);
  EXPECT_EQ(links[1].links, 4);
}

TEST(Summary, LinksThatNothingCrossesAreLeftOut) {
  Example example;
  example.result.resources[ResourceId{2}] = {};

  EXPECT_THAT(example.summary().links, SizeIs(1));
}

TEST(Summary, StagesAverageTheirOwnRanks) {
  const std::vector<StageSummary> stages = Example().summary().stages;

  ASSERT_THAT(stages, SizeIs(2));
  EXPECT_EQ(stages[0].ranks, 3);
  EXPECT_EQ(stages[0].layers, 2);
  EXPECT_NEAR(stages[0].busy.value(), 2.2 / 3.0, 1e-12);
  EXPECT_NEAR(stages[0].busy_imbalance, 0.8 / (2.2 / 3.0) - 1.0, 1e-12);
  EXPECT_EQ(stages[0].peak, gb(40));
  EXPECT_EQ(stages[1].peak, gb(25));
  EXPECT_NEAR(stages[1].bubble.value(), 0.4, 1e-12);
}

TEST(Summary, ImbalanceIsTheLongestComputingOverTheMean) {
  EXPECT_NEAR(Example().summary().speed.busy_imbalance, 0.8 / (4.0 / 6.0) - 1.0, 1e-12);
}

TEST(Summary, DividesTheModelAsThePlanDoes) {
  Example example;
  example.scenario.strategy.tp = 2;
  const RankShare share = example.summary().share;

  EXPECT_EQ(share.layers, 2);
  EXPECT_EQ(share.heads, 4);
  EXPECT_EQ(share.hidden_columns, 512);
  EXPECT_EQ(share.ffn_columns, 2048);
  EXPECT_EQ(share.sequences, 4);
  EXPECT_EQ(share.experts, 0);
}

TEST(Summary, ExpertsOfARankAndOfTheModelAreCounted) {
  Example example;
  example.scenario.model.experts = Experts{.experts = 6, .top_k = 2, .expert_ffn = 512};
  example.scenario.strategy.ep = 3;
  const RankShare share = example.summary().share;

  EXPECT_EQ(share.experts, 2);
  EXPECT_EQ(share.expert_instances, 24);
  EXPECT_EQ(share.sequences_per_replica, 12);
}

TEST(Summary, PriceIsThatOfAllGpusForTheStep) {
  Example example;
  example.scenario.cluster.gpu.price_per_hour = 3.0;
  const Summary summary = example.summary();

  EXPECT_DOUBLE_EQ(summary.price.per_hour, 18.0);
  EXPECT_DOUBLE_EQ(summary.price.per_step, 18.0 / 3600);
  EXPECT_DOUBLE_EQ(summary.price.per_million_tokens, 18.0 / 3600 / (12 * 512) * 1e6);
}

TEST(Summary, PriceOfTheClusterGoesBeforeThatOfTheGpu) {
  Example example;
  example.scenario.cluster.gpu.price_per_hour = 3.0;
  example.scenario.cluster.price_per_gpu_hour = 2.0;

  EXPECT_DOUBLE_EQ(example.summary().price.per_hour, 12.0);
}

TEST(Summary, IsFeasibleUntilOneRankExceedsItsGpu) {
  Example example;
  EXPECT_TRUE(example.summary().feasible);

  example.set_memory(ClassId{2}, gb(1), gb(80));

  EXPECT_FALSE(example.summary().feasible);
  EXPECT_FALSE(passed(example.summary()));
}

TEST(Summary, ExactlyFullStillFits) {
  Example example;
  example.set_memory(ClassId{2}, gb(0), gb(80));

  EXPECT_TRUE(example.summary().feasible);
}

TEST(Summary, DoesNotPassWhenAClaimFails) {
  Example example;
  example.scenario.expectations = {expect("step_time_s", 2.0)};

  EXPECT_TRUE(example.summary().feasible);
  EXPECT_FALSE(passed(example.summary()));
}

TEST(Summary, CountsEventsClassesAndRanksOfTheSimulation) {
  const SimulationFacts facts = Example().summary().simulation;

  EXPECT_EQ(facts.events, 42U);
  EXPECT_EQ(facts.classes, 3);
  EXPECT_EQ(facts.ranks, 6);
  EXPECT_EQ(facts.cost.wall_s, 0.25);
}

}  // namespace
}  // namespace orrery
