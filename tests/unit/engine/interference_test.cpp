#include "engine/interference.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;

TransferPlan holding(float sm, float memory) { return {.sm = sm, .memory = memory}; }

TEST(HeldShares, StretchesByWhatBindsTheKernelMost) {
  HeldShares held;
  held.take(holding(0.5F, 0.75F));

  EXPECT_EQ(held.stretch({.sm = 1.0F, .memory = 0.125F}), 2.0);
  EXPECT_EQ(held.stretch({.sm = 1.0F, .memory = 1.0F}), 4.0);
}

TEST(HeldShares, NeverMakeAKernelFaster) {
  HeldShares held;
  held.take(holding(0.25F, 0.0F));

  EXPECT_EQ(held.stretch({.sm = 0.1F, .memory = 0.1F}), 1.0);
}

TEST(HeldShares, ReturnToExactlyNothingInAnyOrder) {
  HeldShares held;
  const auto a = holding(0.1F, 0.3F);
  const auto b = holding(0.7F, 0.2F);
  held.take(a);
  held.take(b);
  held.give_back(a);
  held.give_back(b);

  EXPECT_TRUE(held.nothing());
}

TEST(HeldShares, LeaveALittleHoweverMuchIsClaimed) {
  HeldShares held;
  held.take(holding(0.9F, 0.0F));
  held.take(holding(0.9F, 0.0F));

  EXPECT_EQ(held.stretch({.sm = 1.0F}), 1.0 / least_share_left);
}

TEST(Pace, DoesAtTheNewStretchWhatTheOldOneLeft) {
  Pace pace{.left = 100_ns};
  pace.change(simulation_start + 40_ns, 2.0);
  EXPECT_EQ(pace.finish(), simulation_start + 160_ns);

  pace.change(simulation_start + 60_ns, 1.0);
  EXPECT_EQ(pace.finish(), simulation_start + 110_ns);
}

TEST(Lengthen, RoundsUpAndKeepsDurationsThatDoNotChange) {
  EXPECT_EQ(lengthen(10_ps, 1.01), 11_ps);
  EXPECT_EQ(lengthen(Duration{(1LL << 60) + 1}, 1.0), Duration{(1LL << 60) + 1});
}

}  // namespace
}  // namespace orrery
