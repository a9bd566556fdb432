#include "search/remedies.hpp"

#include "search/feasibility.hpp"
#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

/// As if every plan took a second and held what arithmetic says.
Forecast one_second(const Scenario& scenario) {
  const Feasibility feasibility = judge_feasibility(scenario);
  Forecast forecast;
  forecast.step_time = Seconds(1.0);
  forecast.peak = tightest(feasibility.memory, memory_capacities(scenario)).total;
  return forecast;
}

TEST(Remedies, AreTheNearestPlanWhenAllAreEquallyFast) {
  const auto remedies = find_remedies(deployment("tp8-512"), one_second);

  ASSERT_THAT(remedies, Not(IsEmpty()));
  EXPECT_THAT(remedies.front().candidate.changes, ElementsAre("dp 64 → 16"));
}

TEST(Remedies, AllWork) {
  for (const Remedy& remedy : find_remedies(deployment("ep16-memory"), one_second)) {
    EXPECT_TRUE(judge_feasibility(remedy.scenario).feasible()) << remedy.strategy;
  }
}

TEST(Remedies, PreferAFarFasterPlanToASlightlyNearerOne) {
  const auto slow_with_tensor_groups = [](const Scenario& scenario) {
    Forecast forecast = one_second(scenario);
    if (scenario.strategy.tp > 1) forecast.step_time = Seconds(16.0);
    return forecast;
  };

  const auto remedies = find_remedies(deployment("ep64"), slow_with_tensor_groups);
  EXPECT_EQ(remedies.front().scenario.strategy.tp, 1);
}

TEST(Remedies, ShrinkTheModelOnlyWhenNothingElseFits) {
  const Scenario small = deployment("ep16-memory", {{"cluster.gpu.memory.usable", "\"40 GB\""}});
  const auto remedies = find_remedies(small, one_second);

  ASSERT_THAT(remedies, Not(IsEmpty()));
  const Experts& experts = *remedies.front().scenario.model.experts;
  EXPECT_LT(experts.experts * experts.expert_ffn, 64 * 16384);
}

TEST(Remedies, StayWithinTheirLimits) {
  std::size_t simulated = 0;
  const auto counting = [&](const Scenario& scenario) {
    ++simulated;
    return one_second(scenario);
  };

  const auto remedies =
      find_remedies(deployment("tp8-512"), counting, {.shown = 2, .simulated = 3});
  EXPECT_EQ(remedies.size(), 2u);
  EXPECT_EQ(simulated, 3u);
}

TEST(Remedies, AreChosenBySmallCopiesWhereThereAreTooManyRanksToSimulateAll) {
  std::vector<std::int64_t> sizes;
  const auto faster_in_wide_groups = [&](const Scenario& scenario) {
    sizes.push_back(scenario.strategy.world_size());
    Forecast forecast = one_second(scenario);
    forecast.step_time = Seconds(64.0 / static_cast<double>(scenario.strategy.tp));
    return forecast;
  };
  const Scenario scenario =
      load("scenarios/deployments/tp8-512.toml", {{"workload.global_batch", "1024"}});
  const auto all = find_remedies(scenario, faster_in_wide_groups);
  const std::size_t in_full = sizes.size();
  sizes.clear();
  const auto few = find_remedies(scenario, faster_in_wide_groups, {.ranks = 256});

  ASSERT_THAT(few, Not(IsEmpty()));
  EXPECT_EQ(few.front().strategy, all.front().strategy);
  EXPECT_EQ(sizes.size(), in_full + few.size());
  for (const Remedy& remedy : few) {
    EXPECT_THAT(sizes, testing::Contains(remedy.scenario.strategy.world_size()));
  }
}

TEST(Remedies, AreSimulatedInFullThoughChosenBySmallCopies) {
  std::vector<std::int64_t> sizes;
  const auto counting = [&](const Scenario& scenario) {
    sizes.push_back(scenario.strategy.world_size());
    return one_second(scenario);
  };
  const Scenario large = load("scenarios/quickstart.toml", {{"gpus", "512"},
                                                            {"workload.global_batch", "4096"},
                                                            {"strategy.recompute", "\"none\""},
                                                            {"strategy.zero", "0"}});
  ASSERT_FALSE(judge_feasibility(large).feasible());
  const auto remedies = find_remedies(large, counting, {.simulated = 4, .ranks = 512});

  ASSERT_EQ(remedies.size(), 1u);
  ASSERT_EQ(sizes.size(), 5u);
  EXPECT_EQ(sizes.back(), remedies.front().scenario.strategy.world_size());
  EXPECT_LT(*std::min_element(sizes.begin(), sizes.end()), sizes.back());
}

}  // namespace
}  // namespace orrery
