#include "report/levers.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

using testing::Contains;
using testing::Not;

std::vector<Lever> levers(const Scenario& scenario) {
  return memory_levers(
      scenario, make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy}));
}

std::vector<std::string> changes(const std::vector<Lever>& levers) {
  std::vector<std::string> all;
  for (const Lever& lever : levers) all.push_back(lever.change);
  return all;
}

TEST(MemoryLevers, DivideTheOptimizerStateOverTheReplicas) {
  Scenario scenario = small_scenario();
  scenario.strategy.pp = 1;

  const std::vector<Lever> all = levers(scenario);

  const auto zero = std::ranges::find(all, "strategy.zero 0 → 1", &Lever::change);
  ASSERT_NE(zero, all.end());
  // 12 bytes per parameter (Adam's two states and an fp32 copy), of which dp = 3 keep a third
  // (Rajbhandari et al. 2020).
  const double parameters = count_parameters(scenario.model).total;
  EXPECT_NEAR(static_cast<double>(zero->frees.value()), 12.0 * parameters * 2.0 / 3.0,
              0.01 * parameters);
}

TEST(MemoryLevers, StandStrongestFirst) {
  const std::vector<Lever> all = levers(small_scenario());

  ASSERT_FALSE(all.empty());
  EXPECT_TRUE(std::ranges::is_sorted(all, std::greater<>{},
                                     [](const Lever& lever) { return lever.frees.value(); }));
}

TEST(MemoryLevers, NeverNeedMoreGpusOrBreakARule) {
  Scenario scenario = small_scenario();  // dp = 3 cannot be halved for tp = 2 or pp = 4

  EXPECT_THAT(changes(levers(scenario)), Not(Contains("strategy.tp 1 → 2")));
  EXPECT_THAT(changes(levers(scenario)), Not(Contains("strategy.pp 2 → 4")));
  scenario.strategy.dp = 4;
  scenario.gpus = 8;
  EXPECT_THAT(changes(levers(scenario)), Contains("strategy.tp 1 → 2"));
}

TEST(MemoryLevers, OfferWhatIsNotInUseYet) {
  Scenario scenario = small_scenario();
  scenario.strategy.zero = 1;
  scenario.strategy.recompute = Recompute::full;

  EXPECT_THAT(changes(levers(scenario)), Not(Contains("strategy.zero 0 → 1")));
  EXPECT_THAT(changes(levers(scenario)), Not(Contains("strategy.recompute = \"full\"")));
}

TEST(MemoryLevers, SayHowMuchMoreAChangeNeeds) {
  const Scenario scenario = small_scenario();
  Scenario unpiped = scenario;
  unpiped.strategy.pp = 1;
  unpiped.strategy.dp = 6;

  const auto freed =
      frees(unpiped, scenario,
            make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy}));

  ASSERT_TRUE(freed);
  EXPECT_LT(*freed, Bytes{});
}

TEST(MemoryLevers, RefuseAChangeThatBreaksARule) {
  const Scenario scenario = small_scenario();
  Scenario changed = scenario;
  changed.strategy.tp = 3;  // eight heads

  EXPECT_FALSE(
      frees(changed, scenario,
            make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy})));
}

TEST(MemoryLevers, HalveTheMicroBatch) {
  Scenario scenario = small_scenario();
  scenario.job.micro_batch = 4;
  scenario.job.sequence_length = 8192;

  EXPECT_THAT(changes(levers(scenario)), Contains("workload.micro_batch 4 → 2"));
}

}  // namespace
}  // namespace orrery
