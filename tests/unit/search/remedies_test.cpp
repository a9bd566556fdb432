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
  forecast.peak = fullest(feasibility.memory).total;
  return forecast;
}

TEST(Remedies, AreTheNearestPlanWhenAllAreEquallyFast) {
  const auto remedies = find_remedies(deployment("tp8-512"), one_second);

  ASSERT_THAT(remedies, Not(IsEmpty()));
  EXPECT_THAT(remedies.front().changes, ElementsAre("dp 64 → 16"));
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

}  // namespace
}  // namespace orrery
