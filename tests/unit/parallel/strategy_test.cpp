#include "parallel/strategy.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

struct Reading {
  Strategy strategy;
  std::string findings;
};

Reading read(const SettingsNode& scenario) {
  Diagnostics diagnostics;
  Reading reading{.strategy = read_strategy(Settings(scenario, diagnostics)), .findings = {}};
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    reading.findings += to_string(diagnostic) + '\n';
  }
  return reading;
}

SettingsNode scenario() { return {SettingsTable{}, {"s.toml", 1, 1}, {}}; }

Reading read_text(std::string text) {
  SettingsNode node = scenario();
  node.set("strategy", {std::move(text), {"s.toml", 7, 12}, {}});
  return read(node);
}

/// A table of whole numbers and, last, a text.
Reading read_table(const std::vector<std::pair<std::string, std::int64_t>>& numbers,
                   const std::pair<std::string, std::string>& text = {"dispatcher", "alltoall"}) {
  SettingsNode node = scenario();
  for (const auto& [key, number] : numbers) {
    node.set("strategy." + key, {number, {"s.toml", 9, 6}, {}});
  }
  node.set("strategy." + text.first, {text.second, {"s.toml", 10, 6}, {}});
  return read(node);
}

TEST(StrategyText, MultipliesReplicasOfAnExpertGroup) {
  const Strategy s = read_text("EP16_TP1_PP1_DP4").strategy;

  EXPECT_EQ(s.ep, 16);
  EXPECT_EQ(s.dp, 64);
  EXPECT_EQ(s.world_size(), 64);
}

TEST(StrategyText, TakesPartsInAnyOrderAndCase) {
  const Reading reading = read_text("dp2-Pp4_tp8_CP2_vpp3_etp2");

  EXPECT_EQ(reading.findings, "");
  EXPECT_EQ(to_string(reading.strategy), "tp 8 · cp 2 · pp 4 · vpp 3 · etp 2 · dp 2 (128 GPUs)");
  EXPECT_EQ(reading.strategy.schedule, "interleaved");
}

TEST(StrategyText, LeavesDataParallelismToBeDerived) {
  EXPECT_FALSE(read_text("TP8_PP2").strategy.dp_given);
  EXPECT_TRUE(read_text("TP8_DP1").strategy.dp_given);
}

TEST(StrategyText, PointsAtThePartThatIsWrong) {
  EXPECT_THAT(read_text("EP16_XP2_DP4").findings, HasSubstr("s.toml:7:18: error: 'XP2'"));
  EXPECT_THAT(read_text("EP16_TPP2").findings, HasSubstr("did you mean 'tp'?"));
  EXPECT_THAT(read_text("EP16_TP").findings, HasSubstr("'TP' needs a whole number"));
  EXPECT_THAT(read_text("TP2_TP4").findings, HasSubstr("'TP4' says tp a second time"));
  EXPECT_THAT(read_text("TP2.5").findings, HasSubstr("whole number"));
  EXPECT_THAT(read_text("").findings, HasSubstr("strategy is empty; wanted parts"));
}

TEST(StrategyText, ComesBackAsItWasGiven) {
  EXPECT_EQ(deployment_text(read_text("EP16_TP1_PP1_DP4").strategy), "EP16_TP1_PP1_DP4");
  EXPECT_EQ(deployment_text(read_text("tp4_dp2_vpp2_pp2").strategy), "EP1_TP4_PP2_DP2_VPP2");
}

TEST(StrategyText, CannotSayExpertsFoldedIntoTensorRanks) {
  const Strategy s = read_table({{"tp", 8}, {"ep", 8}, {"dp", 1}}).strategy;

  EXPECT_EQ(deployment_text(s), "tp 8 · pp 1 · ep 8 · dp 1 (8 GPUs)");
}

TEST(StrategyTable, GivesTheRanksOfInterfaceExamples) {
  const Strategy s = read_table({{"tp", 2}, {"pp", 8}, {"ep", 8}, {"dp", 8}}).strategy;

  EXPECT_EQ(s.world_size(), 128);
  EXPECT_EQ(s.expert_dp(), 2);
  EXPECT_EQ(to_string(s), "tp 2 · pp 8 · ep 8 · dp 8 (128 GPUs)");
}

TEST(StrategyTable, GivesSchedulesInAVTheirTwoChunks) {
  EXPECT_EQ(read_table({{"pp", 4}}, {"schedule", "zb-v"}).strategy.vpp, 2);
  EXPECT_EQ(read_table({{"pp", 4}, {"vpp", 3}}, {"schedule", "zb-v"}).strategy.vpp, 3);
  EXPECT_EQ(read_table({{"pp", 4}}, {"schedule", "dualpipe"}).strategy.vpp, 1);
}

TEST(StrategyTable, CountsChunksFromALayout) {
  const Strategy s = read_table({{"pp", 2}}, {"layout", "Et|t|t|tL"}).strategy;

  EXPECT_EQ(s.vpp, 2);
  EXPECT_EQ(s.schedule, "interleaved");
  EXPECT_EQ(s.layout.size(), 4U);
}

TEST(StrategyTable, RefusesALayoutAtItsColumn) {
  EXPECT_THAT(read_table({{"pp", 2}}, {"layout", "Et|q|L"}).findings,
              HasSubstr("'q' is no part of a layout"));
}

TEST(StrategyTable, RecomputesCoreAttentionWhenSelectiveNamesNothing) {
  const Strategy s = read_table({}, {"recompute", "selective"}).strategy;

  EXPECT_EQ(s.recompute, Recompute::selective);
  EXPECT_TRUE(s.recomputes("attention_core"));
  EXPECT_FALSE(s.recomputes("norm"));
}

TEST(Strategy, RecomputesAPartWithItsModule) {
  Strategy s;
  s.recompute_modules = {"moe"};
  EXPECT_TRUE(s.recomputes("moe/moe_activation"));
  EXPECT_TRUE(s.recomputes("moe"));

  s.recompute_modules = {"moe_activation"};
  EXPECT_TRUE(s.recomputes("moe/moe_activation"));
  EXPECT_FALSE(s.recomputes("moe"));
}

TEST(StrategyTable, HasAnOrderOfAllFiveAxes) {
  EXPECT_EQ(read_table({}, {"order", "tp-dp-cp-ep-pp"}).strategy.order, "tp-dp-cp-ep-pp");
  EXPECT_THAT(read_table({}, {"order", "tp-dp-pp"}).findings, HasSubstr("once each"));
}

TEST(StrategyTable, NamesOnlyWhatThereIs) {
  EXPECT_THAT(read_table({}, {"recompute", "some"}).findings, HasSubstr("s.toml:10:6"));
  EXPECT_THAT(read_table({{"zero", 4}}).findings, HasSubstr("strategy.zero"));
  EXPECT_THAT(read_table({{"tp", 0}}).findings, HasSubstr("strategy.tp"));
}

TEST(StrategyTable, AsksForNoMoreGpusThanThereCanBe) {
  const Reading reading = read_table({{"tp", 1'000'000}, {"pp", 1'000'000}, {"dp", 1'000'000}});

  EXPECT_THAT(reading.findings, HasSubstr("more than 1048576 GPUs"));
}

TEST(Strategy, ExchangesTokensAmongNoMoreRanksThanPairsCanBeCountedOf) {
  EXPECT_THAT(read_table({{"ep", 65'536}}).findings, HasSubstr("s.toml:9:6: error: ep 65536"));
  EXPECT_THAT(read_text("EP65536").findings, HasSubstr("s.toml:7:12: error: ep 65536"));
}

TEST(Strategy, IsOneGpuWhenNothingIsSaid) {
  const Strategy s = read(scenario()).strategy;

  EXPECT_EQ(to_string(s), "tp 1 · pp 1 · dp 1 (1 GPU)");
  EXPECT_FALSE(s.dp_given);
}

}  // namespace
}  // namespace orrery
