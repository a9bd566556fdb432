#include "search/division.hpp"

#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

Division division_of(const Scenario& scenario) {
  return divide({scenario.model, scenario.job, scenario.strategy});
}

const ModuleDivision& module(const Division& division, std::string_view what) {
  for (const ModuleDivision& module : division.modules) {
    if (module.what == what) return module;
  }
  throw std::out_of_range(std::string(what));
}

TEST(RankBlocks, TellEqualBlocksAtEqualDistancesInOne) {
  EXPECT_EQ(to_string(blocks_of({0, 1, 8, 9, 16, 17, 24, 25})), "0–1, 8–9, … 24–25");
  EXPECT_EQ(to_string(blocks_of({0, 1, 2, 3})), "0–3");
  EXPECT_EQ(to_string(blocks_of({3})), "3");
}

TEST(RankBlocks, ListBlocksThatAreNotAlike) {
  EXPECT_EQ(to_string(blocks_of({0, 1, 4})), "0–1, 4");
  EXPECT_EQ(to_string(blocks_of({0, 2, 3, 7, 9, 11, 12})), "0, 2–3, 7, 9 and 1 more blocks");
}

TEST(Division, GivesEachRankItsShareOfTheReportsModel) {
  const Division division = division_of(deployment("tp8-512-option-1"));

  EXPECT_EQ(division.hidden_columns, 256);
  EXPECT_EQ(division.experts_per_rank, 8);
  EXPECT_EQ(division.layers_per_rank, 4);
  EXPECT_EQ(division.sequences_per_replica, 32);
  EXPECT_EQ(division.sequences_per_rank, 4);
  EXPECT_EQ(division.expert_copies, 16);
}

TEST(Division, SaysWhichRanksHoldWhat) {
  const Division division = division_of(deployment("tp8-512-option-1"));

  const Share& last = module(division, "layers").shares.back();
  EXPECT_EQ(last.first, 12);
  EXPECT_EQ(last.last, 15);
  EXPECT_EQ(to_string(last.ranks), "384–511");
  EXPECT_EQ(to_string(module(division, "hidden columns").shares[1].ranks), "1, 5, … 509");
}

TEST(Division, HandsOutEveryExpertOnce) {
  const Division division = division_of(deployment("ep16-dp4-corrected"));

  std::int64_t next = 0;
  for (const Share& share : module(division, "experts").shares) {
    EXPECT_EQ(share.first, next);
    next = share.last + 1;
  }
  EXPECT_EQ(next, 64);
}

TEST(Division, CountsExpertsOfAllLayers) {
  EXPECT_EQ(division_of(deployment("ep64-corrected")).expert_instances, 16 * 64);
}

}  // namespace
}  // namespace orrery
