#include "validation/statistics.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(Statistics, SumsUpErrorsByTheirDistanceFromZero) {
  const ErrorStatistics out = statistics({0.1, -0.3, 0.2, 0.0, -0.1});

  EXPECT_EQ(out.rows, 5U);
  EXPECT_NEAR(out.mean_absolute, 0.14, 1e-12);
  EXPECT_NEAR(out.median_absolute, 0.1, 1e-12);
  EXPECT_NEAR(out.worst, -0.3, 1e-12);
  EXPECT_NEAR(out.bias, -0.02, 1e-12);
}

TEST(Statistics, InterpolatesPercentilesBetweenRankedErrors) {
  // 0.9 of the way through eleven errors is the tenth; of two, nine tenths from one to the other.
  EXPECT_NEAR(statistics({0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0}).p90_absolute, 0.9,
              1e-12);
  EXPECT_NEAR(statistics({0.1, 0.2}).p90_absolute, 0.19, 1e-12);
}

TEST(Statistics, OfNothingIsNothing) {
  EXPECT_EQ(statistics({}).rows, 0U);
  EXPECT_EQ(statistics({}).mean_absolute, 0.0);
}

TEST(Statistics, WeighsGroupsTheSameWhateverTheirRows) {
  const ErrorStatistics few = statistics({0.3});
  const ErrorStatistics many = statistics({0.1, 0.1, 0.1, -0.1});

  const ErrorStatistics out = mean_over_groups({few, many});

  EXPECT_EQ(out.rows, 5U);
  EXPECT_NEAR(out.mean_absolute, 0.2, 1e-12);
  EXPECT_NEAR(out.bias, (0.3 + 0.05) / 2.0, 1e-12);
  EXPECT_NEAR(out.worst, 0.3, 1e-12);
}

}  // namespace
}  // namespace orrery
