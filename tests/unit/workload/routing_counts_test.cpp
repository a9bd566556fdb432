#include "workload/routing_counts.hpp"

#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery {
namespace {

std::int64_t sum_of(const std::vector<std::int64_t>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
}

Routing routing_of(RoutingKind kind, std::uint64_t seed = 1) {
  Routing routing;
  routing.kind = kind;
  routing.seed = seed;
  return routing;
}

/// Whatever the law: a token picks as many experts as it should, and none of them twice.
TEST(RoutingCounts, AddUpAndGiveNoExpertATokenTwice) {
  for_each_seed(200, [](std::uint64_t seed) {
    Dice dice(seed);
    Routing routing = routing_of(static_cast<RoutingKind>(dice.between(0, 3)), seed);
    routing.exponent = dice.real(0.0, 4.0);
    routing.concentration = std::exp(dice.real(-6.0, 6.0));
    RoutingDemand demand;
    demand.experts = static_cast<std::int64_t>(dice.between(1, 300));
    const auto most = static_cast<std::uint64_t>(std::min<std::int64_t>(demand.experts, 12));
    demand.top_k = static_cast<std::int64_t>(dice.between(1, most));
    demand.tokens = static_cast<std::int64_t>(dice.between(0, 1'000'000));
    const std::vector<std::int64_t> counts = routed_counts(routing, demand);

    EXPECT_EQ(std::ssize(counts), demand.experts);
    EXPECT_EQ(sum_of(counts), demand.tokens * demand.top_k);
    EXPECT_GE(*std::ranges::min_element(counts), 0);
    if (routing.kind != RoutingKind::forced) {
      EXPECT_LE(*std::ranges::max_element(counts), demand.tokens);
    }
    const std::vector<double> expected = expected_counts(routing, demand);
    EXPECT_NEAR(std::accumulate(expected.begin(), expected.end(), 0.0),
                static_cast<double>(demand.tokens * demand.top_k),
                1e-6 * static_cast<double>(demand.tokens + 1));
  });
}

/// The mean of the fullest over many draws.
double mean_fullest(std::int64_t experts, std::int64_t top_k, std::int64_t tokens) {
  constexpr std::uint64_t draws = 20'000;
  double sum = 0.0;
  for (std::uint64_t seed = 0; seed < draws; ++seed) {
    const auto counts =
        routed_counts(routing_of(RoutingKind::uniform, seed),
                      {.layer = 0, .experts = experts, .top_k = top_k, .tokens = tokens});
    sum += static_cast<double>(*std::ranges::max_element(counts));
  }
  return sum / static_cast<double>(draws);
}

TEST(RoutingCounts, OfUniformRoutingHaveTheExpectedMaximum) {
  // One pick of two experts by four tokens: max(X, 4 - X) of a binomial is 4, 3 or 2 in 2, 8 and 6
  // of 16 cases, 2.75 on average, where the mean is 2.
  EXPECT_NEAR(mean_fullest(2, 1, 4), 2.75, 0.02);
  // Two of three by two tokens: both leave out the same one in 1 of 3 cases (2, 2, 0), else
  // (2, 1, 1): the fullest has 2 in any case.
  EXPECT_DOUBLE_EQ(mean_fullest(3, 2, 2), 2.0);
  // One of three by two tokens: the same in 1 of 3 cases.
  EXPECT_NEAR(mean_fullest(3, 1, 2), 1.0 + 1.0 / 3.0, 0.02);
}

TEST(RoutingCounts, OfUniformRoutingSpreadAsDistinctPicksDo) {
  // Picks of an expert by N tokens are binomial with k/E, less spread than N·k separate picks.
  constexpr std::int64_t tokens = 1000;
  double squares = 0.0;
  constexpr double draws = 5000.0;
  for (std::uint64_t seed = 0; seed < 5000; ++seed) {
    const auto counts = routed_counts(routing_of(RoutingKind::uniform, seed),
                                      {.layer = 2, .experts = 4, .top_k = 2, .tokens = tokens});
    squares += std::pow(static_cast<double>(counts[3]) - 500.0, 2);
  }
  EXPECT_NEAR(squares / draws, 250.0, 15.0);
}

TEST(RoutingCounts, OfZipfFollowItsPopularities) {
  Routing routing = routing_of(RoutingKind::zipf);
  routing.exponent = 1.0;
  std::vector<double> expected =
      expected_counts(routing, {.layer = 0, .experts = 4, .top_k = 1, .tokens = 1200});
  std::ranges::sort(expected, std::greater<>{});

  // 1, 1/2, 1/3, 1/4 of 25/12.
  EXPECT_NEAR(expected[0], 576.0, 1e-9);
  EXPECT_NEAR(expected[1], 288.0, 1e-9);
  EXPECT_NEAR(expected[3], 144.0, 1e-9);
}

/// Sets of two of popularities 1, 1/2, 1/3 have weights 1/2, 1/3 and 1/6.
TEST(RoutingCounts, OfSeveralPicksAreThoseOfSetsByTheProductOfPopularities) {
  Routing routing = routing_of(RoutingKind::zipf);
  std::vector<double> expected =
      expected_counts(routing, {.layer = 0, .experts = 3, .top_k = 2, .tokens = 600});
  std::ranges::sort(expected, std::greater<>{});

  EXPECT_NEAR(expected[0], 500.0, 1e-9);
  EXPECT_NEAR(expected[1], 400.0, 1e-9);
  EXPECT_NEAR(expected[2], 300.0, 1e-9);
}

TEST(RoutingCounts, AreWithinTheirSpreadOfWhatIsExpected) {
  for (const RoutingKind kind : {RoutingKind::zipf, RoutingKind::dirichlet}) {
    const RoutingDemand demand{.layer = 5, .experts = 64, .top_k = 6, .tokens = 100'000};
    const auto drawn = routed_counts(routing_of(kind), demand);
    const auto expected = expected_counts(routing_of(kind), demand);

    for (std::size_t e = 0; e < drawn.size(); ++e) {
      EXPECT_NEAR(static_cast<double>(drawn[e]), expected[e], 6.0 * std::sqrt(expected[e]) + 6.0);
    }
  }
}

TEST(RoutingCounts, OfLayersAndSeedsDiffer) {
  const Routing routing = routing_of(RoutingKind::zipf);
  RoutingDemand demand{.layer = 0, .experts = 16, .top_k = 2, .tokens = 4096};
  const auto first = routed_counts(routing, demand);
  demand.layer = 1;

  EXPECT_NE(routed_counts(routing, demand), first);
  demand.layer = 0;
  EXPECT_NE(routed_counts(routing_of(RoutingKind::zipf, 2), demand), first);
  EXPECT_EQ(routed_counts(routing, demand), first);
}

TEST(RoutingCounts, OfATraceAreScaledToTheTokensAtHand) {
  Routing routing = routing_of(RoutingKind::trace);
  routing.trace[3] = {30, 20, 10, 0};

  EXPECT_EQ(routed_counts(routing, {.layer = 3, .experts = 4, .top_k = 2, .tokens = 6}),
            (std::vector<std::int64_t>{6, 4, 2, 0}));
  // 5 of 60 parts each: 2.5, 1.67, 0.83; what is left goes to the largest fractions.
  EXPECT_EQ(routed_counts(routing, {.layer = 3, .experts = 4, .top_k = 1, .tokens = 5}),
            (std::vector<std::int64_t>{2, 2, 1, 0}));
}

}  // namespace
}  // namespace orrery
