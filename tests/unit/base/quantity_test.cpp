#include "base/quantity.hpp"

#include <gtest/gtest.h>

#include <type_traits>

namespace orrery {
namespace {

using namespace literals;

TEST(Quantity, BytesOverARateIsATime) {
  const auto time = 100_GB / 50_GBps;

  static_assert(std::is_same_v<decltype(time), const Seconds>);
  EXPECT_DOUBLE_EQ(time.value(), 2.0);
}

TEST(Quantity, ARateTimesATimeIsWhatWasMoved) {
  const auto moved = 50_GBps * Seconds(2.0);

  EXPECT_DOUBLE_EQ(moved.value(), 100e9);
}

TEST(Quantity, TheRatioOfTwoSizesIsABareNumber) { EXPECT_DOUBLE_EQ(3_GiB / 2_GiB, 1.5); }

TEST(Quantity, AGibibyteIsSevenPercentMoreThanAGigabyte) {
  EXPECT_NEAR(1_GiB / 1_GB, 1.0737, 1e-4);
}

TEST(Quantity, NetworksAreSoldInBitsAndHeldInBytes) { EXPECT_EQ(400_Gbps, 50_GBps); }

TEST(Quantity, BytesStayExactWhereDoublesWouldNot) {
  const Bytes odd = Bytes((std::int64_t{1} << 60) + 1);

  EXPECT_EQ((odd + 1_B).value(), (std::int64_t{1} << 60) + 2);
}

TEST(Quantity, ASharedSizeIsRoundedUpToTheFullestShare) {
  EXPECT_EQ(ceil_divide(10_B, 4), 3_B);
  EXPECT_EQ(ceil_divide(8_B, 4), 2_B);
}

template <typename A, typename B>
concept Addable = requires(A a, B b) {
  a + b;
};

TEST(Quantity, UnlikeThingsDoNotAdd) {
  static_assert(!Addable<Bytes, Seconds>);
  static_assert(!Addable<Bytes, Flops>);
  static_assert(Addable<Bytes, Bytes>);
}

}  // namespace
}  // namespace orrery
