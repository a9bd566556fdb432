#include "base/difference.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::Optional;

TEST(Difference, SaysThatAFigureIsInGibibytes) {
  EXPECT_THAT(explain_difference(16.0e9, 17.179869184e9, FigureKind::bytes),
              Optional(HasSubstr("in GiB, written as GB")));
}

TEST(Difference, FindsTwoUnitsInOneRatio) {
  // 114.53 GB of 80 GB are 143.2 %; 114.53 GB are 106.66 GiB, and of 80 GiB those are 133.33 %.
  EXPECT_THAT(explain_difference(1.3333, 114.53 / 80.0, FigureKind::fraction),
              Optional(HasSubstr("one of the two numbers is in GB, the other in GiB")));
}

TEST(Difference, FindsTwoMixUpsTogether) {
  // 30e9 / 512 parameters are 117.19 MB at 2 bytes each, and 223.52 MiB at 4.
  const auto reason = explain_difference(223.52e6, 30e9 / 512 * 2, FigureKind::bytes);

  EXPECT_THAT(reason, Optional(HasSubstr("in MiB, written as MB")));
  EXPECT_THAT(reason, Optional(HasSubstr("4 for 2")));
}

TEST(Difference, TriesWhatTheCallerKnows) {
  const std::vector<MixUp> particular = {{64.0, "it is for all 64 GPUs, not for one"}};

  EXPECT_EQ(explain_difference(6400.0, 100.0, FigureKind::rate, particular),
            "it is for all 64 GPUs, not for one");
}

TEST(Difference, HasNothingToSayOfFiguresThatAgree) {
  EXPECT_EQ(explain_difference(100.5, 100.0, FigureKind::bytes), std::nullopt);
}

TEST(Difference, InventsNoReason) {
  EXPECT_EQ(explain_difference(5.3, 1.0, FigureKind::bytes), std::nullopt);
  EXPECT_EQ(explain_difference(0.0, 1.0, FigureKind::bytes), std::nullopt);
}

}  // namespace
}  // namespace orrery
