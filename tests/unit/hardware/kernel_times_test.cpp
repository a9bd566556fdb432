#include "hardware/kernel_times.hpp"

#include "unit/hardware/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace orrery {
namespace {

AttentionKernel attention(std::int64_t length) {
  return {.heads = 2, .kv_heads = 1, .query_length = length, .key_length = length};
}

TEST(ExecutedFlops, OfACausalMaskAreAFullTriangle) {
  AttentionKernel kernel = attention(4);
  const double per_pair = 2.0 * 2.0 * 256.0;  // heads · multiply and add · (128 + 128)

  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), 10.0 * per_pair);
  kernel.causal = false;
  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), 16.0 * per_pair);
}

TEST(ExecutedFlops, OfAWindowStopAtItsWidth) {
  AttentionKernel kernel = attention(5);
  kernel.window = 2;

  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), (1 + 2 + 2 + 2 + 2) * 2.0 * 2.0 * 256.0);
}

TEST(ExecutedFlops, OfTheLastQueriesReachBackToTheFirstKey) {
  AttentionKernel kernel = attention(8);
  kernel.query_length = 2;

  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), (7 + 8) * 2.0 * 2.0 * 256.0);
}

TEST(ExecutedFlops, OfBackwardAreFiveProductsToTwoOrFourWhereScoresWereKept) {
  AttentionKernel kernel = attention(64);
  const double forward = executed_flops(kernel).value();

  kernel.phase = AttentionKernel::Phase::backward;
  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), 2.5 * forward);
  kernel.form = AttentionKernel::Form::unfused;
  EXPECT_DOUBLE_EQ(executed_flops(kernel).value(), 2.0 * 64 * 64 * 2.0 * 2.0 * 256.0);
}

TEST(CompulsoryBytes, OfAProductThatAccumulatesReadItsOutputToo) {
  GemmKernel kernel{.m = 10, .n = 20, .k = 30, .output_type = NumberType::fp32};

  EXPECT_EQ(compulsory_bytes(kernel), Bytes((10 * 30 + 20 * 30) * 2 + 10 * 20 * 4));
  kernel.accumulate = GemmKernel::Accumulate::yes;
  EXPECT_EQ(compulsory_bytes(kernel), Bytes((10 * 30 + 20 * 30) * 2 + 10 * 20 * 8));
}

TEST(CompulsoryBytes, LeaveOutExpertsWithoutRows) {
  const GroupedGemmKernel kernel{.groups = 64, .rows_per_group = 0.125, .n = 100, .k = 100};

  EXPECT_EQ(compulsory_bytes(kernel), Bytes(8 * (100 * 100 + 100 + 100) * 2));
}

TEST(CompulsoryBytes, CountALatentCacheOnce) {
  AttentionKernel kernel{.heads = 128,
                         .kv_heads = 1,
                         .query_length = 1,
                         .key_length = 1000,
                         .qk_dim = 576,
                         .v_dim = 512};
  const Bytes separate = compulsory_bytes(kernel);

  kernel.cache = AttentionKernel::Cache::shared;

  EXPECT_EQ(separate - compulsory_bytes(kernel), Bytes(1000 * 512 * 2));
}

TEST(Roofline, TakesFlopsOverPeak) {
  const GemmKernel kernel{.m = 10'000, .n = 10'000, .k = 10'000};

  EXPECT_DOUBLE_EQ(seconds("roofline", round_gpu(), kernel), 2e12 / 1e15);
}

TEST(Roofline, TakesBytesOverBandwidthWhenTheyBind) {
  EXPECT_DOUBLE_EQ(seconds("roofline", round_gpu(), MemoryKernel{Bytes(3'000'000'000)}), 1e-3);
}

TEST(Tile, ChargesAPartlyFilledWaveInFull) {
  const Gpu gpu = round_gpu();  // 100 SMs: 10 · 10 tiles of 128 · 128 are one wave
  const GemmKernel full{.m = 2560, .n = 1280, .k = 8192};  // as 256 · 128
  const GemmKernel more{.m = 2560, .n = 1281, .k = 8192};

  EXPECT_DOUBLE_EQ(seconds("tile", gpu, full), 2.0 * 2560 * 1280 * 8192 / 1e15);
  EXPECT_GT(seconds("tile", gpu, more), 1.05 * seconds("tile", gpu, full));
}

TEST(Tile, StreamsTheWeightsOfASmallBatch) {
  const Gpu gpu = round_gpu();
  const GemmKernel kernel{.m = 1, .n = 30'000, .k = 10'000};

  EXPECT_NEAR(seconds("tile", gpu, kernel), 30'000.0 * 10'000.0 * 2.0 / 3e12, 1e-7);
}

TEST(Tile, CutsALongKWhenTilesAreFew) {
  const Gpu gpu = round_gpu();
  const GemmKernel kernel{.m = 256, .n = 128, .k = 1 << 20};
  const double one_sm = 2.0 * 256 * 128 * (1 << 20) / 1e13;  // one tile on one of 100 SMs

  EXPECT_LT(seconds("tile", gpu, kernel), one_sm / 7.0);
}

TEST(Tile, PutsTheTilesOfAllExpertsOnTheSameSms) {
  Gpu gpu = round_gpu();
  gpu.memory_bandwidth = BytesPerSecond(1e15);
  const GroupedGemmKernel experts{.groups = 10, .rows_per_group = 256, .n = 1280, .k = 4096};

  EXPECT_DOUBLE_EQ(seconds("tile", gpu, experts), 2.0 * 2560 * 1280 * 4096 / 1e15);
}

TEST(Tile, TakesProductsThatALoopLaunchesOneAfterAnother) {
  const Gpu gpu = round_gpu();
  const GemmKernel one{.m = 128, .n = 1280, .k = 4096};
  const double alone = seconds("tile", gpu, one);
  GroupedGemmKernel experts{.groups = 10, .rows_per_group = 127.5, .n = 1280, .k = 4096};

  experts.apart = Seconds(0.0);
  EXPECT_DOUBLE_EQ(seconds("tile", gpu, experts), 10.0 * alone);

  experts.apart = Seconds(2.0 * alone);
  EXPECT_DOUBLE_EQ(seconds("tile", gpu, experts), 20.0 * alone);
}

TEST(Tile, PaysForTheFullTileOfAnExpertWithFewRows) {
  Gpu gpu = round_gpu();
  gpu.memory_bandwidth = BytesPerSecond(1e15);
  GroupedGemmKernel experts{.groups = 100, .rows_per_group = 128, .n = 1280, .k = 65536};
  const double full = seconds("tile", gpu, experts);

  experts.rows_per_group = 100;

  EXPECT_DOUBLE_EQ(seconds("tile", gpu, experts), full);
}

TEST(Tile, SlowsWhatAddsToItsOutput) {
  Gpu gpu = round_gpu();
  gpu.kernels.accumulating = 0.8;
  GemmKernel kernel{.m = 2560, .n = 1280, .k = 65536};
  const double plain = seconds("tile", gpu, kernel);

  kernel.accumulate = GemmKernel::Accumulate::yes;

  EXPECT_DOUBLE_EQ(seconds("tile", gpu, kernel), plain / 0.8);
}

TEST(Tile, AddsToAnOutputInAsManySecondsWhateverTheOperands) {
  Gpu gpu = round_gpu();
  gpu.peak[static_cast<std::size_t>(NumberType::fp8)] = FlopsPerSecond(2e15);
  gpu.kernels.accumulating = 0.8;
  GemmKernel kernel{.m = 2560, .n = 1280, .k = 65536};
  const auto added = [&](NumberType type) {
    kernel.type = type;
    kernel.accumulate = GemmKernel::Accumulate::no;
    const double plain = seconds("tile", gpu, kernel);
    kernel.accumulate = GemmKernel::Accumulate::yes;
    return seconds("tile", gpu, kernel) - plain;
  };

  EXPECT_NEAR(added(NumberType::fp8) / added(NumberType::bf16), 1.0, 1e-9);
}

TEST(Tile, SlowsProductsOfEightBitsThatPromoteTheirSums) {
  Gpu gpu = round_gpu();
  gpu.kernels.promoted = 0.5;
  GemmKernel kernel{.m = 2560, .n = 1280, .k = 65536, .type = NumberType::fp8};
  const double fast = seconds("tile", gpu, kernel);

  kernel.sums = GemmKernel::Sums::promoted;
  EXPECT_DOUBLE_EQ(seconds("tile", gpu, kernel), 2.0 * fast);
  kernel.type = NumberType::mxfp8;  // sums are exact wherever there is this type
  EXPECT_DOUBLE_EQ(seconds("tile", gpu, kernel), fast);
}

TEST(Tile, QuantisesAtTheShareOfTheRecipe) {
  Gpu gpu = round_gpu();
  gpu.kernels.quantize = {.absmax = 0.5,
                          .cast = 1.0,
                          .cast_block = 0.25,
                          .absmax_launch = Seconds(1e-3),
                          .launch = Seconds(0.0)};
  const auto priced = [&](MemoryKernel::Access access) {
    return seconds("tile", gpu, MemoryKernel{Bytes(3'000'000'000), access});
  };

  EXPECT_DOUBLE_EQ(priced(MemoryKernel::Access::absmax), 3e-3);
  EXPECT_DOUBLE_EQ(priced(MemoryKernel::Access::cast), 1e-3);
  EXPECT_DOUBLE_EQ(priced(MemoryKernel::Access::cast_block), 4e-3);
}

TEST(Table, BringsTheModelOfTilesToWhatWasMeasured) {
  Gpu gpu = round_gpu();
  RatioTable& ratios = gpu.kernels.gemm[static_cast<std::size_t>(NumberType::bf16)].ratios;
  ratios = {.m = {100, 10000}, .rows = {{4096, 4096, {2.0, 1.0}}}};
  const auto ratio = [&](std::int64_t m, std::int64_t n) {
    const GemmKernel kernel{.m = m, .n = n, .k = 4096};
    return seconds("table", gpu, kernel) / seconds("tile", gpu, kernel);
  };

  EXPECT_NEAR(ratio(100, 4096), 2.0, 1e-6);
  EXPECT_NEAR(ratio(1000, 4096), std::sqrt(2.0), 1e-6);
  EXPECT_NEAR(ratio(100, 8192), std::sqrt(2.0), 1e-6);  // an octave away: half of its logarithm
  EXPECT_NEAR(ratio(100, 1'000'000), 1.0, 1e-2);
}

// The numbers are what tools/calibrate/gemm.py gives for the same shapes and constants.
TEST(Tile, PricesProductsAsTheCalibrationDoes) {
  Gpu gpu = round_gpu();
  GemmConstants& c = gpu.kernels.gemm[static_cast<std::size_t>(NumberType::bf16)];
  c.efficiency = 0.8;
  c.edge = 0.05;
  c.ramp = 100.0;
  c.launch = Seconds(3e-6);
  c.bandwidth = 0.8;
  c.split = Seconds(1e-6);

  const auto priced = [&gpu](std::int64_t m, std::int64_t n, std::int64_t k) {
    return seconds("tile", gpu, GemmKernel{.m = m, .n = n, .k = k});
  };

  EXPECT_DOUBLE_EQ(priced(16, 4096, 4096), 1.709024e-05);
  EXPECT_DOUBLE_EQ(priced(512, 4096, 4096), 3.3936268799999994e-05);
  EXPECT_DOUBLE_EQ(priced(8192, 8192, 8192), 0.0015347778432);
  EXPECT_DOUBLE_EQ(priced(256, 256, 65536), 3.2672e-05);
  EXPECT_DOUBLE_EQ(priced(1000, 3000, 5000), 4.840579839999999e-05);
}

TEST(Tile, RaisesTheEfficiencyOfAttentionWithItsLength) {
  const Gpu gpu = round_gpu();
  AttentionKernel brief = attention(1024);
  brief.batch = 64;
  AttentionKernel lengthy = attention(8192);
  lengthy.batch = 64;

  const double rate = executed_flops(brief).value() / seconds("tile", gpu, brief);

  EXPECT_GT(executed_flops(lengthy).value() / seconds("tile", gpu, lengthy), 1.3 * rate);
}

TEST(Tile, TakesLongerForTheFirstFlashAttentionThanForTheSecond) {
  const Gpu gpu = round_gpu();
  AttentionKernel kernel = attention(8192);
  kernel.batch = 64;
  kernel.form = AttentionKernel::Form::flash2;
  const double second = seconds("tile", gpu, kernel);
  kernel.form = AttentionKernel::Form::flash_triton;

  EXPECT_NEAR(seconds("tile", gpu, kernel) / second, 1.4, 0.01);

  kernel.phase = AttentionKernel::Phase::backward;
  const double first_back = seconds("tile", gpu, kernel);
  kernel.form = AttentionKernel::Form::flash2;
  EXPECT_NEAR(first_back / seconds("tile", gpu, kernel), 2.0, 0.01);
}

TEST(Tile, MakesAttentionSlowerWhenItsScoresTravelThroughMemory) {
  const Gpu gpu = round_gpu();
  AttentionKernel kernel = attention(2048);
  kernel.batch = 32;
  const double fused = seconds("tile", gpu, kernel);

  kernel.form = AttentionKernel::Form::unfused;

  EXPECT_GT(seconds("tile", gpu, kernel), 2.0 * fused);
}

TEST(Tile, DecodesAtTheSpeedOfTheCache) {
  Gpu gpu = round_gpu();
  gpu.kernels.decode = {.launch = Seconds(0.0), .bandwidth = 1.0};
  const AttentionKernel kernel{.batch = 64,
                               .heads = 32,
                               .kv_heads = 8,
                               .query_length = 1,
                               .key_length = 8192,
                               .phase = AttentionKernel::Phase::decode};

  EXPECT_NEAR(seconds("tile", gpu, kernel), 64.0 * 8 * 8192 * 256 * 2 / 3e12, 1e-6);
}

TEST(Tile, WalksThroughMemoryAtTheShareOfItsAccess) {
  Gpu gpu = round_gpu();
  gpu.kernels.memory = {.stream = 1.0, .gather = 0.5, .launch = Seconds(0.0)};
  const Bytes bytes(3'000'000'000);

  EXPECT_DOUBLE_EQ(seconds("tile", gpu, MemoryKernel{bytes}), 1e-3);
  EXPECT_DOUBLE_EQ(seconds("tile", gpu, MemoryKernel{bytes, MemoryKernel::Access::gather}), 2e-3);
}

TEST(Tile, SaysWhenAShapeLiesOutsideWhatWasMeasured) {
  Gpu gpu = round_gpu();
  GemmConstants& c = gpu.kernels.gemm[static_cast<std::size_t>(NumberType::bf16)];
  c.measured = true;
  c.m = c.n = c.k = {1000, 2000};
  const auto model = registered_kernel_times_models()[2]->make(gpu);

  EXPECT_FALSE(model->time(GemmKernel{.m = 1000, .n = 1500, .k = 2000}).extrapolated);
  EXPECT_TRUE(model->time(GemmKernel{.m = 999, .n = 1500, .k = 2000}).extrapolated);
}

TEST(Tile, TakesAGroupedProductForOneOfTheRowsOfAGroup) {
  Gpu gpu = round_gpu();
  GemmConstants& c = gpu.kernels.gemm[static_cast<std::size_t>(NumberType::bf16)];
  c.measured = true;
  c.m = c.n = c.k = {1000, 2000};
  const auto model = registered_kernel_times_models()[2]->make(gpu);
  const GroupedGemmKernel inside{.groups = 8, .rows_per_group = 1000, .n = 1500, .k = 2000};
  GroupedGemmKernel outside = inside;
  outside.rows_per_group = 100;

  EXPECT_FALSE(model->time(inside).extrapolated);
  EXPECT_TRUE(model->time(outside).extrapolated);
}

TEST(KernelTimesModels, AreRooflineTableAndTile) {
  std::vector<std::string_view> names;
  for (const KernelTimesModel* model : registered_kernel_times_models())
    names.push_back(model->name);

  EXPECT_THAT(names, testing::ElementsAre("roofline", "table", "tile"));
}

}  // namespace
}  // namespace orrery
