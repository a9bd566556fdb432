// The estimate walks the steps that a simulation executes, so both find the same bytes.
#include "search/memory_estimate.hpp"

#include "cli/forecast.hpp"
#include "search/feasibility.hpp"
#include "unit/search/examples.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

void expect_same_peak(const Scenario& scenario) {
  const Feasibility feasibility = judge_feasibility(scenario);
  ASSERT_TRUE(feasibility.plan.has_value());
  const StageMemory& estimated = tightest(feasibility.memory, memory_capacities(scenario));
  const Forecast simulated = simulate_scenario(scenario);

  EXPECT_EQ(estimated.total.value(), simulated.peak.value());
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    EXPECT_EQ(estimated.held[i].value(), simulated.held[i].value())
        << to_string(static_cast<MemoryCategory>(i));
  }
}

TEST(MemoryEstimate, FindsThePeakOfAForwardPass) { expect_same_peak(deployment("single-t4")); }

TEST(MemoryEstimate, FindsThePeakOfAPipeline) { expect_same_peak(deployment("tp8-512-option-1")); }

TEST(MemoryEstimate, FindsThePeakUnderFullRecomputation) {
  expect_same_peak(deployment("ep16-memory"));
}

TEST(MemoryEstimate, FindsThePeakUnderSelectiveRecomputation) {
  expect_same_peak(load("scenarios/quickstart.toml",
                        {{"strategy.recompute", "\"selective\""},
                         {"strategy.recompute_modules", "[\"norm\", \"moe_activation\"]"}}));
}

TEST(MemoryEstimate, FindsThePeakOfInterleavedStages) {
  expect_same_peak(load("scenarios/quickstart.toml",
                        {{"strategy.vpp", "4"}, {"strategy.schedule", "\"interleaved\""}}));
}

/// Two stages of eight ranks, four replicas of every expert.
Scenario sharded(const std::string& zero, const Overrides& more) {
  Overrides keys{{"strategy.ep", "2"}, {"strategy.zero", zero}};
  keys.insert(keys.end(), more.begin(), more.end());
  return load("scenarios/quickstart.toml", keys);
}

TEST(MemoryEstimate, FindsThePeakOfGradientsReducedByEveryMicroBatch) {
  expect_same_peak(sharded("2", {}));
  expect_same_peak(sharded("2", {{"strategy.no_sync", "true"}}));
  expect_same_peak(sharded("2", {{"strategy.overlap", "[]"}}));
}

TEST(MemoryEstimate, FindsThePeakOfGatheredUnits) {
  expect_same_peak(sharded("3", {}));
  expect_same_peak(sharded("3", {{"strategy.reshard_after_forward", "true"}}));
  expect_same_peak(
      sharded("3", {{"strategy.no_sync", "false"}, {"strategy.recompute", "\"full\""}}));
  expect_same_peak(sharded("3", {{"strategy.fsdp_unit_layers", "3"}, {"strategy.pp", "1"}}));
}

TEST(MemoryEstimate, FindsThePeakOfSplitBackwards) {
  for (const std::string schedule : {"zb-h1", "zb-v", "v-half", "dualpipe"}) {
    SCOPED_TRACE(schedule);
    expect_same_peak(
        load("scenarios/quickstart.toml", {{"strategy.schedule", "\"" + schedule + "\""}}));
  }
}

TEST(MemoryEstimate, FindsThePeakOfWhatIsOffloaded) {
  const Overrides keys = {{"strategy.offload", "[\"optimizer\", \"activations\"]"},
                          {"workload.routing.kind", "\"forced\""},
                          {"strategy.overlap", "[\"gradients\"]"}};
  const auto with = [&](Overrides more) {
    more.insert(more.end(), keys.begin(), keys.end());
    expect_same_peak(load("scenarios/quickstart.toml", more));
  };
  with({});
  with({{"strategy.offload_layers", "3"}, {"strategy.recompute", "\"full\""}});
  with({{"strategy.vpp", "4"}, {"strategy.schedule", "\"interleaved\""}});
  with({{"strategy.zero", "3"}, {"strategy.ep", "2"}});
}

TEST(MemoryEstimate, FindsThePeakOfTheFullestOfTheRanksThatShareExperts) {
  for (const std::string recompute : {"none", "full"}) {
    SCOPED_TRACE(recompute);
    expect_same_peak(load(
        "scenarios/quickstart.toml",
        {{"workload.routing.kind", "\"zipf\""}, {"strategy.recompute", "\"" + recompute + "\""}}));
  }
}

TEST(MemoryEstimate, CountsTheMicroBatchesUnderWay) {
  // 1F1B: p micro-batches on the first stage, one on the last (Narayanan 2019).
  const Feasibility feasibility = judge_feasibility(deployment("tp8-512-option-1"));

  EXPECT_EQ(feasibility.memory.front().live, 4);
  EXPECT_EQ(feasibility.memory.back().live, 1);
}

}  // namespace
}  // namespace orrery
