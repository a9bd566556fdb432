#include "parallel/expert_placement.hpp"

#include "support/seeds.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace orrery {
namespace {

using ::testing::ElementsAre;

using Experts = std::vector<std::int64_t>;

TEST(ExpertPlacement, InOrderGivesEachSlotTheNextExpert) {
  const std::vector<double> expected{5.0, 1.0, 1.0, 1.0};

  EXPECT_THAT(place_experts(ExpertPlacement::in_order, expected, 4, 2), ElementsAre(0, 1, 2, 3));
}

TEST(ExpertPlacement, PutsTheHeaviestWithTheLightest) {
  const std::vector<double> expected{8.0, 7.0, 2.0, 1.0};

  EXPECT_THAT(place_experts(ExpertPlacement::balanced, expected, 4, 2), ElementsAre(0, 3, 1, 2));
}

/// The example of the balancer's own page (deepseek-ai/EPLB README), first layer: 12 experts and 4
/// replicas on 8 GPUs. Which experts it replicates is the same without groups and nodes.
TEST(ExpertPlacement, ReplicatesWhatTheBalancerReplicates) {
  const std::vector<double> expected{90, 132, 40, 61, 104, 165, 39, 4, 73, 56, 183, 86};
  const Experts slots = place_experts(ExpertPlacement::balanced, expected, 16, 8);

  for (std::int64_t expert = 0; expert < 12; ++expert) {
    const bool hot = expert == 1 || expert == 4 || expert == 5 || expert == 10;
    EXPECT_EQ(std::ranges::count(slots, expert), hot ? 2 : 1) << expert;
  }
}

/// Weights of ranks when replicas take equal parts.
std::vector<double> weights(const Experts& slots, const std::vector<double>& expected,
                            std::size_t ranks) {
  std::vector<double> sums(ranks, 0.0);
  const std::size_t each = slots.size() / ranks;
  for (std::size_t s = 0; s < slots.size(); ++s) {
    const auto replicas = static_cast<double>(std::ranges::count(slots, slots[s]));
    sums[s / each] += expected[static_cast<std::size_t>(slots[s])] / replicas;
  }
  return sums;
}

/// Greedy packing leaves no rank above the mean by more than its last slot weighs, and that is at
/// most the heaviest one; every expert has a slot, and no weight is lost.
TEST(ExpertPlacement, LeavesNoRankAboveTheMeanByMoreThanTheHeaviestSlot) {
  for_each_seed(300, [](std::uint64_t seed) {
    Dice dice(seed);
    const auto ranks = static_cast<std::int64_t>(dice.between(1, 16));
    const auto each = static_cast<std::int64_t>(dice.between(1, 8));
    const std::int64_t all = ranks * each;
    const auto experts = static_cast<std::int64_t>(
        dice.between(static_cast<std::uint64_t>((all + 1) / 2), static_cast<std::uint64_t>(all)));
    std::vector<double> expected;
    for (std::int64_t e = 0; e < experts; ++e) expected.push_back(dice.real(0.0, 100.0));
    const Experts slots = place_experts(ExpertPlacement::balanced, expected, all, ranks);
    const std::vector<double> sums = weights(slots, expected, static_cast<std::size_t>(ranks));

    const double total = std::accumulate(expected.begin(), expected.end(), 0.0);
    double heaviest = 0.0;
    for (std::size_t e = 0; e < expected.size(); ++e) {
      const auto replicas = std::ranges::count(slots, static_cast<std::int64_t>(e));
      ASSERT_GE(replicas, 1);
      heaviest = std::max(heaviest, expected[e] / static_cast<double>(replicas));
    }
    EXPECT_NEAR(std::accumulate(sums.begin(), sums.end(), 0.0), total, 1e-9 * (1.0 + total));
    EXPECT_LE(*std::ranges::max_element(sums),
              total / static_cast<double>(ranks) + heaviest + 1e-9);
  });
}

}  // namespace
}  // namespace orrery
