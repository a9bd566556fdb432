#include "hardware/kernel_evidence.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(EvidenceBook, TellsKernelsOfOneNameApartByWhatTheyCompute) {
  EvidenceBook book;
  book.note("attention_core.forward", 1e9, {.alone = Seconds(1.0), .extrapolated = true});
  book.note("attention_core.forward", 2e9, {.alone = Seconds(2.0)});

  ASSERT_NE(book.find("attention_core.forward", 1e9), nullptr);
  EXPECT_TRUE(book.find("attention_core.forward", 1e9)->extrapolated);
  EXPECT_FALSE(book.find("attention_core.forward", 2e9)->extrapolated);
}

TEST(EvidenceBook, KnowsNothingOfAKernelThatNobodyNoted) {
  EXPECT_EQ(EvidenceBook().find("attention_core.forward", 1e9), nullptr);
}

TEST(KernelSort, IsThatOfTheKernel) {
  EXPECT_EQ(sort_of(GemmKernel{}), KernelSort::product);
  EXPECT_EQ(sort_of(GroupedGemmKernel{}), KernelSort::grouped_product);
  EXPECT_EQ(sort_of(AttentionKernel{}), KernelSort::attention);
  EXPECT_EQ(sort_of(MemoryKernel{}), KernelSort::memory_bound);
}

}  // namespace
}  // namespace orrery
