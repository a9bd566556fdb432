#include "workload/quantization.hpp"

#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Training by a recipe, on tensor cores that read 8-bit operands along k alone or either way.
Job by(Fp8Recipe recipe, NumberType type, bool transposes = false) {
  Job job = training(2048);
  job.precision = type;
  job.low_precision = {.recipe = recipe, .transposes = transposes};
  return job;
}

std::vector<Op> layer(const Job& job, const Software& software = fused_software()) {
  return layer_ops({llama(), software, 10, job});
}

std::string names(const std::vector<Op>& ops) {
  std::string all;
  for (const Op& op : ops) all += op.name + " ";
  return all;
}

/// 16-bit elements that a cast moves per element of its tensor.
double passes(const std::vector<Op>& ops, std::string_view name, double width) {
  const Op& op = op_named(ops, name);
  const auto& elements = op.forward_elements.empty() ? op.backward_elements : op.forward_elements;
  return elements.empty() ? 0.0 : elements.front().size / width;
}

TEST(Quantization, CastsInputsForwardGradientsBackwardAndWeightsOnceAStep) {
  const auto ops = layer(by(Fp8Recipe::delayed, NumberType::fp8));

  EXPECT_THAT(names(ops), HasSubstr("ffn_down_quantization ffn_down_weight_quantization ffn_down "
                                    "ffn_down_gradient_quantization "));
  EXPECT_TRUE(op_named(ops, "ffn_down_quantization").backward_elements.empty());
  EXPECT_TRUE(op_named(ops, "ffn_down_gradient_quantization").forward_elements.empty());
  EXPECT_TRUE(op_named(ops, "ffn_down_weight_quantization").once);
}

TEST(Quantization, WritesOneCopyWhereTensorCoresReadEitherWay) {
  const auto either = layer(by(Fp8Recipe::delayed, NumberType::fp8));
  const auto along_k = layer(by(Fp8Recipe::delayed, NumberType::fp8, true));

  EXPECT_DOUBLE_EQ(passes(either, "ffn_down_quantization", 28672.0), 1.5);   // 2 bytes in, 1 out
  EXPECT_DOUBLE_EQ(passes(along_k, "ffn_down_quantization", 28672.0), 2.0);  // and 1 turned round
}

TEST(Quantization, TurnsRoundAfterTheGatherWhatIsGatheredForAProduct) {
  const auto ops = layer(by(Fp8Recipe::delayed, NumberType::fp8, true));

  EXPECT_DOUBLE_EQ(passes(ops, "ffn_up_quantization", 8192.0), 1.5);
  EXPECT_EQ(op_named(ops, "ffn_up_quantization").region, Region::sequence);
  EXPECT_DOUBLE_EQ(passes(ops, "ffn_up_transpose", 8192.0), 1.0);
  EXPECT_EQ(op_named(ops, "ffn_up_transpose").region, Region::tensor);
}

TEST(Quantization, ReadsTwiceWhereTheScaleIsFoundFirst) {
  EXPECT_THAT(names(layer(by(Fp8Recipe::delayed, NumberType::fp8))), Not(HasSubstr("absmax")));
  const auto ops = layer(by(Fp8Recipe::tensorwise, NumberType::fp8));

  EXPECT_THAT(names(ops), HasSubstr("qkv_absmax qkv_quantization qkv_weight_absmax "));
  EXPECT_EQ(op_named(ops, "qkv_absmax").access, MemoryKernel::Access::absmax);
  EXPECT_DOUBLE_EQ(passes(ops, "qkv_absmax", 8192.0), 1.0);
}

TEST(Quantization, OfBlocksWritesBothWaysRoundWithTheirScales) {
  const auto blocks = layer(by(Fp8Recipe::blockwise, NumberType::fp8_block));
  const auto micro = layer(by(Fp8Recipe::mxfp8, NumberType::mxfp8));
  const auto four_bits = layer(by(Fp8Recipe::nvfp4, NumberType::nvfp4));

  EXPECT_DOUBLE_EQ(passes(blocks, "ffn_up_quantization", 8192.0), 1.0 + 1.0 + 4.0 / 128.0);
  EXPECT_DOUBLE_EQ(passes(micro, "ffn_up_quantization", 8192.0), 1.0 + 1.0 + 1.0 / 32.0);
  EXPECT_DOUBLE_EQ(passes(four_bits, "ffn_up_quantization", 8192.0), 1.0 + 0.5 + 1.0 / 16.0);
  EXPECT_EQ(op_named(blocks, "ffn_up_quantization").access, MemoryKernel::Access::cast_block);
  EXPECT_THAT(names(four_bits), HasSubstr("ffn_up_absmax"));
}

TEST(Quantization, HappensInTheNormWhereTheScaleIsKnownAndTheStackFusesIt) {
  Software software = fused_software();
  software.fused.emplace_back("norm_quantization");

  const auto delayed = names(layer(by(Fp8Recipe::delayed, NumberType::fp8), software));
  EXPECT_THAT(delayed, Not(HasSubstr("ffn_up_quantization")));
  EXPECT_THAT(delayed, HasSubstr("ffn_down_quantization"));
  EXPECT_THAT(names(layer(by(Fp8Recipe::tensorwise, NumberType::fp8), software)),
              HasSubstr("ffn_up_quantization"));
}

TEST(Quantization, CastsWeightsWithEveryMicroBatchWhereTheStackKeepsNone) {
  Software software = fused_software();
  software.types.fp8_weights_cached = false;

  EXPECT_FALSE(
      op_named(layer(by(Fp8Recipe::delayed, NumberType::fp8), software), "qkv_weight_quantization")
          .once);
}

TEST(Quantization, OfParametersKeptInEightBitsOnlyTurnsThemRound) {
  Job job = by(Fp8Recipe::delayed, NumberType::fp8, true);
  job.low_precision.param_gather = true;
  EXPECT_THAT(names(layer(job)), HasSubstr("qkv_weight_transpose qkv "));

  job.low_precision.transposes = false;
  EXPECT_THAT(names(layer(job)), Not(HasSubstr("weight")));
  // Scales along one direction: gathered in 16 bits, cast both ways.
  job = by(Fp8Recipe::mxfp8, NumberType::mxfp8);
  job.low_precision.param_gather = true;
  EXPECT_THAT(names(layer(job)), HasSubstr("qkv_weight_quantization"));
}

TEST(Quantization, LeavesTheFirstAndLastLayersInBf16WhereAsked) {
  Job job = by(Fp8Recipe::mxfp8, NumberType::mxfp8);
  job.low_precision.bf16_layers_at_start = 1;
  job.low_precision.bf16_layers_at_end = 2;
  const auto casts = [&](std::int64_t number) {
    return names(layer_ops({llama(), fused_software(), number, job})).find("quantization") !=
           std::string::npos;
  };

  EXPECT_FALSE(casts(0));
  EXPECT_TRUE(casts(1));
  EXPECT_TRUE(casts(77));
  EXPECT_FALSE(casts(78));
  EXPECT_FALSE(op_named(layer_ops({llama(), fused_software(), 79, job}), "qkv").narrow);
}

}  // namespace
}  // namespace orrery
