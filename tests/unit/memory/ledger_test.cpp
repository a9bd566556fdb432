#include "memory/ledger.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;

constexpr auto activations = MemoryCategory::activations;
constexpr auto workspace = MemoryCategory::workspace;

Bytes held(const BytesByCategory& bytes, MemoryCategory category) {
  return bytes[static_cast<std::size_t>(category)];
}

BytesByCategory parameters_of(Bytes bytes) {
  BytesByCategory resident{};
  resident[static_cast<std::size_t>(MemoryCategory::parameters)] = bytes;
  return resident;
}

TEST(MemoryLedger, HoldsWhatIsResidentFromTheStart) {
  const MemoryLedger ledger(parameters_of(5_GB));

  EXPECT_EQ(ledger.total(), 5_GB);
  EXPECT_EQ(ledger.peak().bytes, 5_GB);
  EXPECT_EQ(ledger.peak().at, simulation_start);
}

TEST(MemoryLedger, SaysWhatACategoryHoldsAfterEachChange) {
  MemoryLedger ledger(parameters_of(5_GB));

  EXPECT_EQ(ledger.allocate(activations, 2_GB, {}), 2_GB);
  EXPECT_EQ(ledger.allocate(activations, 1_GB, {}), 3_GB);
  EXPECT_EQ(ledger.release(activations, 2_GB), 1_GB);
  EXPECT_EQ(ledger.total(), 6_GB);
}

TEST(MemoryLedger, RemembersWhoHeldWhatAtThePeak) {
  MemoryLedger ledger(parameters_of(5_GB));
  ledger.allocate(activations, 2_GB, {});
  ledger.allocate(workspace, 1_GB, {.at = simulation_start + 9_us, .lane = 2, .position = 40});
  ledger.release(workspace, 1_GB);
  ledger.release(activations, 2_GB);

  EXPECT_EQ(ledger.peak().bytes, 8_GB);
  EXPECT_EQ(ledger.peak().at, simulation_start + 9_us);
  EXPECT_EQ(ledger.peak().lane, 2);
  EXPECT_EQ(ledger.peak().position, 40U);
  EXPECT_EQ(held(ledger.peak().held, workspace), 1_GB);
}

TEST(MemoryLedger, KeepsTheFirstOfEqualPeaks) {
  MemoryLedger ledger;
  ledger.allocate(activations, 2_GB, {.at = simulation_start + 1_us});
  ledger.release(activations, 2_GB);
  ledger.allocate(workspace, 2_GB, {.at = simulation_start + 2_us});

  EXPECT_EQ(ledger.peak().at, simulation_start + 1_us);
}

TEST(MemoryLedgerDeathTest, RefusesToReleaseMoreThanIsHeld) {
  MemoryLedger ledger(parameters_of(5_GB));

  EXPECT_EXIT(ledger.release(activations, 1_B), testing::ExitedWithCode(3), "bytes <= held");
}

}  // namespace
}  // namespace orrery
