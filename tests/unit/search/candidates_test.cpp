#include "search/candidates.hpp"

#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::ElementsAre;

TEST(Candidates, BeginWithFewerReplicas) {
  const auto all = candidates(deployment("tp8-512"), ModelSize::kept);

  EXPECT_THAT(all.front().changes, ElementsAre("dp 64 → 16"));
}

TEST(Candidates, DivideLongSequencesFurther) {
  Scenario scenario = deployment("tp8-512");
  const auto widest = [&] {
    std::int64_t cp = 1;
    for (const Candidate& candidate : candidates(scenario, ModelSize::kept)) {
      cp = std::max(cp, candidate.knobs.cp);
    }
    return cp;
  };
  EXPECT_EQ(widest(), 1);

  scenario.job.sequence_length = 65536;
  EXPECT_EQ(widest(), 8);
}

TEST(Candidates, ComeNearestFirst) {
  const auto all = candidates(deployment("ep16-memory"), ModelSize::kept);

  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &Candidate::cost));
}

TEST(Candidates, UseNoMoreGpusThanThereAre) {
  const Scenario scenario = deployment("ep64");
  for (const Candidate& candidate : candidates(scenario, ModelSize::kept)) {
    EXPECT_LE(with_knobs(scenario, candidate.knobs).strategy.world_size(), 64);
  }
}

TEST(Candidates, ChangeTheModelLastOfAll) {
  const Scenario scenario = deployment("ep16-memory");
  const int farthest = candidates(scenario, ModelSize::kept).back().cost;

  const auto smaller = candidates(scenario, ModelSize::smaller);
  EXPECT_GT(smaller.front().cost, farthest);
}

TEST(Candidates, TakeTheirTypesFromThePrecision) {
  const Scenario scenario = deployment("ep16-dp4-corrected");
  Knobs knobs = knobs_of(scenario);
  knobs.precision = NumberType::bf16;

  const Job job = with_knobs(scenario, knobs).job;
  EXPECT_EQ(job.parameter_type, NumberType::bf16);
  EXPECT_EQ(job.gradient_type, NumberType::fp32);
  EXPECT_TRUE(job.master_weights);
}

TEST(Candidates, OfTheCurrentKnobsAreTheScenarioItself) {
  const Scenario scenario = deployment("ep16-memory");
  const Scenario same = with_knobs(scenario, knobs_of(scenario));

  EXPECT_EQ(to_string(same.strategy), to_string(scenario.strategy));
  EXPECT_EQ(same.job.gradient_type, scenario.job.gradient_type);
}

}  // namespace
}  // namespace orrery
