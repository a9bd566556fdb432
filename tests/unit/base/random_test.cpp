#include "base/random.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery {
namespace {

constexpr Draw what{.seed = 7, .purpose = Purpose::jitter, .entity = 3};

TEST(Random, IsAFunctionOfItsArguments) { EXPECT_EQ(draw(what, 5), draw(what, 5)); }

TEST(Random, EveryArgumentMatters) {
  EXPECT_NE(draw(what, 5), draw(what, 6));
  EXPECT_NE(draw(what, 5), draw({8, Purpose::jitter, 3}, 5));
  EXPECT_NE(draw(what, 5), draw({7, Purpose::routing, 3}, 5));
  EXPECT_NE(draw(what, 5), draw({7, Purpose::jitter, 4}, 5));
}

TEST(Random, UnitDrawsFillTheInterval) {
  double sum = 0.0;
  for (std::uint64_t n = 0; n < 10'000; ++n) {
    const double x = draw_unit(what, n);
    ASSERT_GE(x, 0.0);
    ASSERT_LT(x, 1.0);
    sum += x;
  }
  EXPECT_NEAR(sum / 10'000, 0.5, 0.02);
}

TEST(Random, BoundedDrawsReachEveryValueAndNoOther) {
  std::array<int, 7> hits{};
  for (std::uint64_t n = 0; n < 7'000; ++n) ++hits.at(draw_below(what, n, 7));
  for (const int hit : hits) EXPECT_NEAR(hit, 1000, 150);
}

}  // namespace
}  // namespace orrery
