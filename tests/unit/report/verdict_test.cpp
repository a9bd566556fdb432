#include "report/verdict.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<std::string> codes(const Summary& summary) {
  std::vector<std::string> all;
  for (const Verdict& verdict : summary.verdicts) all.push_back(verdict.code);
  return all;
}

Verdict verdict(const Summary& summary, std::string_view code) {
  for (const Verdict& found : summary.verdicts) {
    if (found.code == code) return found;
  }
  ADD_FAILURE() << "no verdict " << code;
  return {};
}

/// Every rank alike: 800 ms of computing in a step of a second.
Example even_example() {
  Example example;
  for (const ClassId id : {ClassId{0}, ClassId{1}, ClassId{2}}) {
    example.set_times(id, {.compute = 980});
  }
  return example;
}

TEST(Verdicts, AreNoneForAGoodRun) {
  Example example = even_example();
  example.scenario.cluster.gpu.peak.fill(FlopsPerSecond(1e12));

  EXPECT_THAT(codes(example.summary()), ElementsAre());
}

TEST(MemoryVerdicts, SayWhereByHowMuchAndWhatDominates) {
  Example example;
  example.set_memory(ClassId{2}, gb(8), gb(92));

  const Verdict found = verdict(example.summary(), "memory_exceeded");

  EXPECT_EQ(found.weight, Weight::error);
  EXPECT_EQ(
      found.message,
      "rank 3 (stage 1) needs 100.0 GB of 80.00 GB (125.0 %), 20.00 GB too many, at 250.0 ms, "
      "before ffn_up.forward of layer 1, micro-batch 2: optimizer 92.00 GB");
}

TEST(MemoryVerdicts, WarnWhenNearlyFull) {
  Example example;
  example.set_memory(ClassId{2}, gb(6), gb(70));

  EXPECT_EQ(verdict(example.summary(), "memory_nearly_full").weight, Weight::warning);
  EXPECT_TRUE(example.summary().feasible);
}

TEST(MemoryVerdicts, StaySilentBelowTheThreshold) {
  Example example;
  example.set_memory(ClassId{2}, gb(5), gb(70));

  EXPECT_THAT(codes(example.summary()), Not(Contains("memory_nearly_full")));
}

TEST(MemoryVerdicts, OfferWhatFreesMemory) {
  Example example;
  example.set_memory(ClassId{2}, gb(8), gb(92));

  EXPECT_THAT(verdict(example.summary(), "memory_exceeded").remedy,
              HasSubstr("strategy.zero 0 → 1 frees about"));
}

TEST(MemoryVerdicts, AdviseAgainstRecomputationThatIsNotNeeded) {
  Example example;
  example.scenario.strategy.recompute = Recompute::full;
  for (TimeUse& use : example.result.time) use.recomputed_flops = 1e13;

  EXPECT_THAT(verdict(example.summary(), "recompute_unneeded").remedy,
              HasSubstr("strategy.recompute = \"none\" takes about"));
}

TEST(PipelineVerdicts, NameTheClosedFormOfTheBubble) {
  Example example;
  for (const ClassId id : {ClassId{0}, ClassId{1}, ClassId{2}}) {
    example.set_times(id, {.compute = 800});
  }

  const Verdict found = verdict(example.summary(), "bubble_high");

  // 4 micro-batches, 2 stages: (2 − 1) ÷ (4 + 1); with 8: 1 ÷ 9 (Narayanan et al. 2021)
  EXPECT_EQ(found.message,
            "ranks idle 20 % of the step in the pipeline's bubble: 4 micro-batches "
            "through 2 stages leave 20 % at best");
  EXPECT_THAT(found.remedy, HasSubstr("workload.global_batch 12 → 24 makes 8 micro-batches: about "
                                      "11 %"));
}

TEST(PipelineVerdicts, OfferSmallerMicroBatches) {
  Example example;
  example.scenario.job.micro_batch = 2;

  EXPECT_THAT(verdict(example.summary(), "bubble_high").remedy,
              HasSubstr("workload.micro_batch 2 → 1: about 20 %"));
}

TEST(PipelineVerdicts, DoNotBlameThePipelineForWhatItDoesNotExplain) {
  Example example;
  example.scenario.job.global_batch = 3 * 64;

  EXPECT_THAT(codes(example.summary()), Not(Contains("bubble_high")));
}

TEST(PipelineVerdicts, SayWhichStageIsTooLong) {
  Example example;
  example.set_times(ClassId{0}, {.compute = 300});
  example.set_times(ClassId{1}, {.compute = 300});
  example.set_times(ClassId{2}, {.compute = 900});

  const Verdict found = verdict(example.summary(), "stages_uneven");

  EXPECT_THAT(found.message, HasSubstr("stage 1 computes 50 % longer than the average stage"));
  EXPECT_EQ(found.remedy, "strategy.stage_layers with 1 instead of 2 layers on stage 1");
}

TEST(PipelineVerdicts, LeaveStagesAloneThatALayerIsTooCoarseFor) {
  Example example;
  example.set_times(ClassId{0}, {.compute = 800});
  example.set_times(ClassId{1}, {.compute = 800});
  example.set_times(ClassId{2}, {.compute = 900});

  EXPECT_THAT(codes(example.summary()), Not(Contains("stages_uneven")));
}

TEST(PipelineVerdicts, NameTheSlowRank) {
  EXPECT_THAT(verdict(Example().summary(), "ranks_uneven").message,
              HasSubstr("rank 0 computes 9 % longer than the average rank of stage 0"));
}

TEST(ExchangeVerdicts, SayHowLongAndWhatHidesIt) {
  Example example = even_example();
  for (const ClassId id : {ClassId{0}, ClassId{1}, ClassId{2}}) {
    example.set_times(id, {.compute = 800, .exposed_dp = 150});
  }

  const Verdict found = verdict(example.summary(), "exposed_dp_high");

  EXPECT_THAT(found.message, HasSubstr("ranks wait 15 % of the step (150.0 ms)"));
  EXPECT_THAT(found.remedy, HasSubstr("strategy.overlap with \"gradients\""));
}

TEST(ExchangeVerdicts, DoNotOfferAnOverlapThatIsOn) {
  Example example = even_example();
  example.scenario.strategy.overlap = {"gradients"};
  for (const ClassId id : {ClassId{0}, ClassId{1}, ClassId{2}}) {
    example.set_times(id, {.compute = 800, .exposed_dp = 150});
  }

  EXPECT_THAT(verdict(example.summary(), "exposed_dp_high").remedy, Not(HasSubstr("gradients")));
}

/// One stage of tp 2 · dp 3 that waits for a fifth of the step in tensor-parallel exchanges.
Example tensor_example() {
  Example example;
  example.scenario.strategy.pp = 1;
  example.scenario.strategy.tp = 2;
  for (TimeUse& use : example.result.time) {
    use.by_component[static_cast<std::size_t>(Component::tp)] = ms(200);
  }
  return example;
}

TEST(ExchangeVerdicts, OfferASmallerDegreeThatFits) {
  EXPECT_THAT(verdict(tensor_example().summary(), "exposed_tp_high").remedy,
              testing::MatchesRegex("strategy.tp 2 → 1 takes about .* more and fits"));
}

TEST(ExchangeVerdicts, DoNotOfferWhatWouldNotFit) {
  Example example = tensor_example();
  example.set_memory(ClassId{0}, gb(0), gb(80));

  EXPECT_EQ(verdict(example.summary(), "exposed_tp_high").remedy, "");
}

TEST(ExchangeVerdicts, WarnOfASaturatedLink) {
  Example example;
  example.result.resources[ResourceId{2}].bytes = 45e9;

  EXPECT_EQ(verdict(example.summary(), "link_saturated").message,
            "nic[0] → leaf carries 90 % of its 50.00 GB/s over the whole step");
}

TEST(ComputeVerdicts, SayWhatKernelsReachOfThePeak) {
  Example example = even_example();
  example.scenario.cluster.gpu.peak.fill(FlopsPerSecond(1e15));

  EXPECT_THAT(codes(example.summary()), Contains("kernels_inefficient"));
}

TEST(Verdicts, PutMissingGpusFirstAndMakeTheRunInfeasible) {
  Example example;
  example.scenario.gpus = 4;
  example.scenario.findings = judge(example.scenario, RuleKind::feasibility);
  example.set_memory(ClassId{2}, gb(8), gb(92));

  const Summary summary = example.summary();

  ASSERT_FALSE(summary.verdicts.empty());
  EXPECT_EQ(summary.verdicts[0].code, "gpus_missing");
  EXPECT_EQ(summary.verdicts[1].code, "memory_exceeded");
  EXPECT_FALSE(summary.feasible);
  EXPECT_EQ(summary.run.gpus_available, 4);
}

TEST(Verdicts, StandInTheOrderOfTheirWeight) {
  Example example;
  example.set_memory(ClassId{2}, gb(8), gb(92));
  const Summary summary = example.summary();

  EXPECT_TRUE(std::ranges::is_sorted(summary.verdicts, {}, &Verdict::weight));
}

}  // namespace
}  // namespace orrery
