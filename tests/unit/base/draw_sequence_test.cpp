#include "base/draw_sequence.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace orrery {
namespace {

struct Moments {
  double mean = 0.0;
  double variance = 0.0;
};

template <typename Sample>
Moments moments_of(std::size_t count, Sample sample) {
  double sum = 0.0;
  double squares = 0.0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(sample());
    sum += x;
    squares += x * x;
  }
  const auto n = static_cast<double>(count);
  return {sum / n, squares / n - sum / n * (sum / n)};
}

/// Both ways of drawing, on both sides of a half, and as many trials as a large job has tokens.
TEST(DrawSequence, DrawsBinomialsOfTheRightMeanAndVariance) {
  struct Case {
    std::int64_t trials;
    double chance;
  };
  for (const Case& c : {Case{20, 0.1}, Case{1000, 0.004}, Case{100, 0.3}, Case{64, 0.9},
                        Case{1'000'000'000, 0.03125}}) {
    DrawSequence numbers({.seed = 7, .purpose = Purpose::property_test, .entity = 1});
    const auto n = static_cast<double>(c.trials);
    const double variance = n * c.chance * (1.0 - c.chance);
    const Moments got = moments_of(40'000, [&] { return numbers.binomial(c.trials, c.chance); });

    EXPECT_NEAR(got.mean, n * c.chance, 5.0 * std::sqrt(variance / 40'000.0)) << c.trials;
    EXPECT_NEAR(got.variance / variance, 1.0, 0.05) << c.trials;
  }
}

/// Every value as often as the binomial law has it: a mistake in the rejection would show here.
TEST(DrawSequence, DrawsBinomialsInTheRightProportions) {
  constexpr std::int64_t trials = 40;
  constexpr double chance = 0.4;
  constexpr double draws = 200'000.0;
  std::vector<double> seen(trials + 1, 0.0);
  DrawSequence numbers({.seed = 3, .purpose = Purpose::property_test, .entity = 2});
  for (double i = 0.0; i < draws; i += 1.0) {
    seen[static_cast<std::size_t>(numbers.binomial(trials, chance))] += 1.0;
  }
  double distance = 0.0;
  double degrees = 0.0;
  for (std::size_t k = 0; k < seen.size(); ++k) {
    const auto successes = static_cast<double>(k);
    const double log_chance = std::lgamma(41.0) - std::lgamma(successes + 1.0) -
                              std::lgamma(41.0 - successes) + successes * std::log(chance) +
                              (40.0 - successes) * std::log1p(-chance);
    const double expected = draws * std::exp(log_chance);
    if (expected < 5.0) continue;
    distance += (seen[k] - expected) * (seen[k] - expected) / expected;
    degrees += 1.0;
  }
  EXPECT_LT(distance, degrees + 4.0 * std::sqrt(2.0 * degrees));  // chi-square
}

TEST(DrawSequence, DrawsNoneOfNothingAndAllOfWhatIsCertain) {
  DrawSequence numbers({.seed = 1});

  EXPECT_EQ(numbers.binomial(0, 0.5), 0);
  EXPECT_EQ(numbers.binomial(100, 0.0), 0);
  EXPECT_EQ(numbers.binomial(100, 1.0), 100);
}

TEST(DrawSequence, DrawsGammasOfTheRightMean) {
  for (const double shape : {0.3, 1.0, 5.0}) {
    DrawSequence numbers({.seed = 5, .purpose = Purpose::property_test, .entity = 3});
    const Moments got = moments_of(50'000, [&] { return std::exp(numbers.log_gamma(shape)); });

    EXPECT_NEAR(got.mean, shape, 5.0 * std::sqrt(shape / 50'000.0)) << shape;
    EXPECT_NEAR(got.variance / shape, 1.0, 0.1) << shape;
  }
}

TEST(DrawSequence, IsTheSameWheneverItIsAsked) {
  DrawSequence one({.seed = 9, .purpose = Purpose::routing, .entity = 4});
  DrawSequence other({.seed = 9, .purpose = Purpose::routing, .entity = 4});

  for (int i = 0; i < 100; ++i) EXPECT_EQ(one.binomial(5000, 0.1), other.binomial(5000, 0.1));
}

}  // namespace
}  // namespace orrery
