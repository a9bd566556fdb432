#include "base/time.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace literals;

TEST(Time, QuantizeRoundsUpToTheNextPicosecond) {
  EXPECT_EQ(quantize(Seconds(1e-12)), 1_ps);
  EXPECT_EQ(quantize(Seconds(1.2e-12)), 2_ps);
  EXPECT_EQ(quantize(Seconds(0.0)), 0_ps);
}

TEST(Time, ADurationSurvivesTheWayToSecondsAndBack) {
  EXPECT_EQ(quantize(to_seconds(1500_us)), 1500_us);
}

TEST(Time, PointsDifferByADuration) {
  const Instant later = simulation_start + 3_us;

  EXPECT_EQ(later - simulation_start, 3_us);
  EXPECT_LT(simulation_start, later);
}

TEST(TimeDeathTest, ANegativeTimeIsAFault) {
  EXPECT_EXIT(quantize(Seconds(-1.0)), testing::ExitedWithCode(3), "internal fault");
}

}  // namespace
}  // namespace orrery
