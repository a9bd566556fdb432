// Against the closed forms of drawing: without replacement, and for many experts with it.
#include "collective/token_spread.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery {
namespace {

TEST(TokenSpread, MeetsTheNodesOfTheClosedFormWhenExpertsAreMany) {
  // n (1 - (1 - 1/n)^k) distinct nodes of n.
  for (const std::size_t nodes : {2, 4, 8, 64}) {
    const TokenSpread spread{.top_k = 8};
    const auto n = static_cast<double>(nodes);

    EXPECT_NEAR(spread.members_met(nodes), n * (1.0 - std::pow(1.0 - 1.0 / n, 8)), 1e-12);
  }
}

TEST(TokenSpread, NeverPicksAnExpertTwice) {
  // One expert each: two picks are two members. Four of eight: C(4,2) / C(8,2) miss one half.
  const TokenSpread spread{.top_k = 2, .experts = 8};

  EXPECT_NEAR(spread.members_met(8), 2.0, 1e-12);
  EXPECT_NEAR(spread.members_met(2), 2.0 * (1.0 - 6.0 / 28.0), 1e-12);
}

TEST(TokenSpread, OfManyExpertsIsThatOfDrawingAnew) {
  const TokenSpread few{.top_k = 8, .experts = 256};
  const TokenSpread many{.top_k = 8, .experts = 1 << 20};

  EXPECT_NEAR(many.members_met(8), TokenSpread{.top_k = 8}.members_met(8), 1e-4);
  EXPECT_GT(few.members_met(8), many.members_met(8));
}

TEST(TokenSpread, MeetsNoMoreGroupsThanATokenMayPickFrom) {
  // DeepSeek-V3: 4 of 8 groups, so at most 4 of 8 nodes; with half a group on a node, of 16.
  const TokenSpread limited{.top_k = 8, .experts = 256, .groups = 8, .top_groups = 4};
  const TokenSpread free{.top_k = 8, .experts = 256};

  EXPECT_LT(limited.members_met(8), 4.0);
  EXPECT_GT(limited.members_met(8), 3.5);
  EXPECT_LT(limited.members_met(16), free.members_met(16));
  EXPECT_LT(limited.members_met(4), free.members_met(4));
  EXPECT_NEAR(limited.chance(1.0), 1.0, 1e-9);
}

TEST(TokenSpread, CountsTheSharesThatMembersHave) {
  const TokenSpread skewed{.top_k = 1, .experts = 0, .shares = {0.5, 0.3, 0.2}};

  EXPECT_DOUBLE_EQ(skewed.share(1, 3), 0.3);
  EXPECT_DOUBLE_EQ(skewed.members_met(3), 1.0);
}

}  // namespace
}  // namespace orrery
