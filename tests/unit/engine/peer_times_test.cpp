// Simulated times of SimGrid 3.32 for the workloads of support/peer_workloads.hpp.
#include "support/peer_workloads.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using peers::Lowering;

TEST(PeerTimes, AllToAllOfEightHostsTakesWhatSimGridSays) {
  const auto program = peers::all_to_all({.hosts = 8});

  EXPECT_NEAR(peers::simulated_us(program), 147.801, 147.801e-3);
}

TEST(PeerTimes, AllToAllOfSixtyFourHostsTakesWhatSimGridSays) {
  const auto program = peers::all_to_all({.hosts = 64});

  EXPECT_NEAR(peers::simulated_us(program), 1176.405, 1176.405e-3);
}

TEST(PeerTimes, AllToAllInBundlesAgreesWithSingleTransfers) {
  const auto program = peers::all_to_all({.hosts = 64, .lowering = Lowering::bundles});

  EXPECT_NEAR(peers::simulated_us(program), 1176.405, 1176.405e-2);
}

TEST(PeerTimes, RingAllReduceOfSixtyFourHostsTakesWhatSimGridSays) {
  const auto program = peers::ring_all_reduce({.hosts = 64});

  EXPECT_NEAR(peers::simulated_us(program), 2894.412, 2894.412e-3);
}

TEST(PeerTimes, RingAllReduceInBundlesAgreesWithItsSteps) {
  const auto program = peers::ring_all_reduce({.hosts = 64, .lowering = Lowering::bundles});

  EXPECT_NEAR(peers::simulated_us(program), 2894.412, 2894.412e-2);
}

}  // namespace
}  // namespace orrery
