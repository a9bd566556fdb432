// The published rules of PyTorch's caching allocator, one by one.
#include "memory/allocator.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace orrery {
namespace {

using namespace orrery::literals;

std::unique_ptr<Allocator> caching(Bytes room = 80_GiB) {
  return find_allocator("caching")->make(room);
}

Bytes reserved_for(Bytes bytes) {
  const auto allocator = caching();
  allocator->allocate(bytes);
  return allocator->reserved();
}

TEST(CachingAllocator, CutsSmallRequestsFromSegmentsOfTwoMebibytes) {
  EXPECT_EQ(reserved_for(1_B), 2_MiB);
  EXPECT_EQ(reserved_for(1_MiB), 2_MiB);
}

TEST(CachingAllocator, CutsMiddlingRequestsFromSegmentsOfTwenty) {
  EXPECT_EQ(reserved_for(1_MiB + 1_B), 20_MiB);
  EXPECT_EQ(reserved_for(10_MiB - 512_B), 20_MiB);
}

TEST(CachingAllocator, RoundsLargeRequestsUpToTwoMebibytes) {
  EXPECT_EQ(reserved_for(10_MiB), 10_MiB);
  EXPECT_EQ(reserved_for(11_MiB + 1_B), 12_MiB);
}

TEST(CachingAllocator, RoundsToFiveHundredAndTwelveBytes) {
  const auto allocator = caching();
  for (int i = 0; i < 4096; ++i) allocator->allocate(1_B);
  EXPECT_EQ(allocator->reserved(), 2_MiB);

  allocator->allocate(1_B);
  EXPECT_EQ(allocator->reserved(), 4_MiB);
}

TEST(CachingAllocator, KeepsWhatWasReleasedForTheNextOfItsSize) {
  const auto allocator = caching();
  for (int i = 0; i < 3; ++i) allocator->release(allocator->allocate(100_MiB));

  EXPECT_EQ(allocator->reserved(), 100_MiB);
}

TEST(CachingAllocator, CutsALargerBlockAndMergesItsPiecesAgain) {
  const auto allocator = caching();
  allocator->release(allocator->allocate(100_MiB));
  const auto a = allocator->allocate(40_MiB);
  const auto b = allocator->allocate(60_MiB);
  EXPECT_EQ(allocator->reserved(), 100_MiB);

  allocator->release(a);
  allocator->release(b);
  allocator->allocate(100_MiB);
  EXPECT_EQ(allocator->reserved(), 100_MiB);
}

TEST(CachingAllocator, DoesNotCutOffALargeBlocksLastMebibyte) {
  const auto allocator = caching();
  allocator->release(allocator->allocate(100_MiB));
  allocator->allocate(99_MiB);
  allocator->allocate(1_MiB + 512_B);

  EXPECT_EQ(allocator->reserved(), 120_MiB);
}

TEST(CachingAllocator, TakesTheSmallestBlockThatHolds) {
  const auto allocator = caching();
  const auto a = allocator->allocate(200_MiB);
  const auto b = allocator->allocate(60_MiB);
  allocator->release(a);
  allocator->release(b);
  allocator->allocate(50_MiB);
  allocator->allocate(200_MiB);

  EXPECT_EQ(allocator->reserved(), 260_MiB);
}

TEST(CachingAllocator, FragmentsWhenEverySecondBlockStays) {
  const auto allocator = caching();
  allocator->release(allocator->allocate(160_MiB));
  std::vector<Allocator::Block> blocks;
  for (int i = 0; i < 8; ++i) blocks.push_back(allocator->allocate(20_MiB));
  for (std::size_t i = 0; i < 8; i += 2) allocator->release(blocks[i]);
  allocator->allocate(40_MiB);  // 80 are free, but no two of them lie together

  EXPECT_EQ(allocator->reserved(), 200_MiB);
}

TEST(CachingAllocator, ReturnsFreeSegmentsOnlyWhenTheGpuIsFull) {
  const auto allocator = caching(100_MiB);
  allocator->release(allocator->allocate(40_MiB));
  allocator->release(allocator->allocate(60_MiB));
  EXPECT_EQ(allocator->reserved(), 100_MiB);

  allocator->allocate(80_MiB);
  EXPECT_EQ(allocator->reserved(), 80_MiB);
}

TEST(ExactAllocator, ReservesWhatIsAskedFor) {
  const auto allocator = find_allocator("exact")->make(80_GiB);
  const auto block = allocator->allocate(3_B);
  allocator->allocate(4_B);
  allocator->release(block);

  EXPECT_EQ(allocator->reserved(), 4_B);
}

TEST(FindAllocator, KnowsNoOthers) { EXPECT_EQ(find_allocator("buddy"), nullptr); }

}  // namespace
}  // namespace orrery
