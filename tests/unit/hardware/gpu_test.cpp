#include "hardware/gpu.hpp"

#include "unit/hardware/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

Gpu read(const SettingsNode& tree, Diagnostics& diagnostics) {
  const Gpu gpu = read_gpu(Settings(tree, diagnostics));
  report_unread(tree, diagnostics);
  return gpu;
}

TEST(Gpu, ReadsPeaksByTypeAndKnowsWhatItLacks) {
  Diagnostics diagnostics;

  const Gpu gpu = read(gpu_tree(), diagnostics);

  EXPECT_TRUE(diagnostics.all().empty());
  EXPECT_DOUBLE_EQ(gpu.peak_rate(NumberType::bf16).value(), 1e15);
  EXPECT_TRUE(gpu.supports(NumberType::bf16));
  EXPECT_FALSE(gpu.supports(NumberType::fp8));
}

TEST(Gpu, ComputesAMissingTypeAtTheRateOfTheFastestWiderOne) {
  const Gpu gpu = round_gpu();

  EXPECT_DOUBLE_EQ(gpu.peak_rate(NumberType::fp8).value(), 1e15);
  EXPECT_DOUBLE_EQ(gpu.peak_rate(NumberType::fp16).value(), 1e14);
}

TEST(Gpu, OffersTheUsableMemoryAndNotThePhysical) {
  Diagnostics diagnostics;

  const Gpu gpu = read(gpu_tree({{"memory.usable", text_node("81559 MiB")}}), diagnostics);

  EXPECT_EQ(gpu.memory_capacity, Bytes(81'559LL << 20));
}

TEST(Gpu, FindsMoreUsableMemoryThanThereIs) {
  Diagnostics diagnostics;

  read(gpu_tree({{"memory.usable", text_node("81 GiB")}}), diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("more than memory.capacity"));
}

TEST(Gpu, SuggestsTheTypeOfAMisspeltPeak) {
  Diagnostics diagnostics;

  read(gpu_tree({{"peak.bf61", text_node("1 TFLOP/s")}}), diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("bf16"));
}

TEST(CollectiveConstants, AreThoseOfTheFileAndNothingWithoutATable) {
  Diagnostics diagnostics;

  const Gpu gpu = read(gpu_tree({{"collective.ring.ends", number_node(0.5)},
                                 {"collective.ring.fill_most", text_node("4 MB")},
                                 {"collective.pairs.relative", text_node("h100-sxm")}}),
                       diagnostics);

  EXPECT_TRUE(diagnostics.all().empty());
  EXPECT_DOUBLE_EQ(gpu.collectives.ring.ends, 0.5);
  EXPECT_EQ(gpu.collectives.ring.fill_most, Bytes(4'000'000));
  EXPECT_FALSE(gpu.collectives.pairs.measured);
  EXPECT_DOUBLE_EQ(gpu.collectives.nvls.base, 1.0);
}

TEST(CollectiveConstants, RefuseFactorsThatAreNone) {
  Diagnostics diagnostics;

  read(gpu_tree({{"collective.ring.base", number_node(0.0)}}), diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("collective.ring.base must lie"));
}

TEST(KernelConstants, TakesTypesThatNobodyMeasuredFromTheNearestThatSomebodyDid) {
  Diagnostics diagnostics;

  const Gpu gpu = read(gpu_tree({{"kernel.gemm.bf16.efficiency", number_node(0.9)}}), diagnostics);

  EXPECT_DOUBLE_EQ(gpu.kernels.product(NumberType::fp8).efficiency, 0.9);
  EXPECT_TRUE(gpu.kernels.product(NumberType::bf16).measured);
  EXPECT_FALSE(gpu.kernels.product(NumberType::fp8).measured);
}

TEST(KernelConstants, DoesNotCallBorrowedConstantsMeasured) {
  Diagnostics diagnostics;

  const Gpu gpu =
      read(gpu_tree({{"kernel.gemm.bf16.relative", text_node("h100-sxm")}}), diagnostics);

  EXPECT_TRUE(diagnostics.all().empty());
  EXPECT_FALSE(gpu.kernels.product(NumberType::bf16).measured);
}

TEST(KernelConstants, RefusesAShareAboveTwo) {
  Diagnostics diagnostics;

  read(gpu_tree({{"kernel.memory.stream", number_node(2.5)}}), diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("kernel.memory.stream"));
}

TEST(KernelConstants, SlowProductsUnderLoadByWhatThePowerLimitLeaves) {
  KernelConstants constants;
  constants.sustained = 0.5;
  const double alone = constants.product(NumberType::bf16).efficiency;

  const KernelConstants loaded = under_load(constants);

  EXPECT_DOUBLE_EQ(loaded.product(NumberType::bf16).efficiency, alone / 2.0);
  EXPECT_DOUBLE_EQ(under_load(loaded).product(NumberType::bf16).efficiency, alone / 2.0);
}

TEST(KernelConstants, KeepTheShareUnderLoadThatIsKnownOfAType) {
  KernelConstants constants;
  constants.sustained = 0.5;
  constants.gemm[static_cast<std::size_t>(NumberType::mxfp8)].sustained = 0.9;
  const double alone = constants.product(NumberType::mxfp8).efficiency;

  EXPECT_DOUBLE_EQ(under_load(constants).product(NumberType::mxfp8).efficiency, 0.9 * alone);
}

// Harter 1961, expected values of normal order statistics: 1.4236 of 8, 2.5076 of 100.
TEST(KernelConstants, TakeTheSlowestOfManyCards) {
  EXPECT_NEAR(expected_largest(1.0), 0.0, 1e-9);
  EXPECT_NEAR(expected_largest(8.0), 1.4236, 0.02);
  EXPECT_NEAR(expected_largest(100.0), 2.5076, 0.02);

  KernelConstants constants;
  constants.cards = 0.02;
  const double alone = constants.product(NumberType::bf16).efficiency;
  EXPECT_NEAR(under_load(constants, 8.0).product(NumberType::bf16).efficiency / alone, 0.9716,
              5e-4);
}

TEST(NumberType, CountsScalingFactorsOfNarrowTypes) {
  EXPECT_DOUBLE_EQ(bytes_per_element(NumberType::nvfp4), 0.5625);       // one byte for 16 elements
  EXPECT_DOUBLE_EQ(bytes_per_element(NumberType::fp8_block), 1.03125);  // a float for 128
  EXPECT_DOUBLE_EQ(bytes_per_element(NumberType::mxfp8), 1.03125);      // one byte for 32
}

TEST(NumberType, ReadsTheNamesItPrints) {
  for (const std::string& name : number_type_names()) {
    EXPECT_EQ(to_string(*parse_number_type(name)), name);
  }
  EXPECT_FALSE(parse_number_type("bf17").has_value());
}

TEST(Gpu, RefusesRatesThatAreASlipOfTheUnit) {
  Diagnostics diagnostics;

  read(gpu_tree({{"memory.bandwidth", text_node("3 kB/s")}, {"peak.bf16", text_node("1 FLOP/s")}}),
       diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 2U);
  EXPECT_EQ(diagnostics.all()[0].message, "memory.bandwidth must be from 1 MB/s to 1e6 TB/s");
  EXPECT_EQ(diagnostics.all()[1].message, "peak.bf16 must be from 1 GFLOP/s to 1e9 TFLOP/s");
}

}  // namespace
}  // namespace orrery
