#include "memory/pool.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;

const AllocatorModel& caching() { return *find_allocator("caching"); }

TEST(MemoryPool, CountsWhatIsNoAllocatorsAsItIs) {
  BytesByCategory resident{};
  resident[static_cast<std::size_t>(MemoryCategory::overhead)] = 3_B;
  resident[static_cast<std::size_t>(MemoryCategory::parameters)] = 11_MiB;
  const MemoryPool pool(caching(), resident, 1_GiB);

  EXPECT_EQ(pool.reserved_peak(), 12_MiB + 3_B);
}

TEST(MemoryPool, ReleasesTheNewestBlocksOfTheSameOwner) {
  MemoryPool pool(caching(), {}, 1_GiB);
  const Task layer{.micro_batch = 0, .layer = 3};
  pool.allocate(MemoryCategory::activations, 40_MiB, layer);
  pool.allocate(MemoryCategory::activations, 20_MiB, layer);
  pool.release(MemoryCategory::activations, 60_MiB, layer);
  pool.allocate(MemoryCategory::activations, 40_MiB, layer);

  EXPECT_EQ(pool.reserved_peak(), 60_MiB);
}

TEST(MemoryPool, KeepsABlockUntilTheLastOfItsBytesGoes) {
  MemoryPool pool(caching(), {}, 1_GiB);
  const Task layer{.micro_batch = 0, .layer = 3};
  pool.allocate(MemoryCategory::activations, 40_MiB, layer);
  pool.release(MemoryCategory::activations, 30_MiB, layer);
  pool.allocate(MemoryCategory::workspace, 20_MiB, layer);

  EXPECT_EQ(pool.reserved_peak(), 60_MiB);
}

TEST(MemoryPool, ReleasesAnothersBlocksOnlyWhenItsOwnAreGone) {
  MemoryPool pool(caching(), {}, 1_GiB);
  const Task layer{.micro_batch = 0, .layer = 3};
  pool.allocate(MemoryCategory::activations, 60_MiB, layer);
  pool.allocate(MemoryCategory::activations, 40_MiB, {.micro_batch = 1, .layer = 3});
  pool.release(MemoryCategory::activations, 60_MiB, layer);
  pool.allocate(MemoryCategory::activations, 60_MiB, layer);

  EXPECT_EQ(pool.reserved_peak(), 100_MiB);
}

TEST(MemoryPoolDeathTest, ReleasesNothingThatNobodyHolds) {
  MemoryPool pool(caching(), {}, 1_GiB);
  pool.allocate(MemoryCategory::activations, 40_MiB, {.layer = 3});

  EXPECT_DEATH(pool.release(MemoryCategory::activations, 41_MiB, {.layer = 3}), "activations");
}

}  // namespace
}  // namespace orrery
