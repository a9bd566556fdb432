#include "unit/workload/examples.hpp"
#include "workload/op_parts.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

using ::testing::HasSubstr;

std::string names(const std::vector<Op>& ops) {
  std::string all;
  for (const Op& op : ops) all += (all.empty() ? "" : " ") + op.name;
  return all;
}

/// "qkv> attention_core attention_projection<": ops of a region, entering and leaving it.
std::string borders(const std::vector<Op>& ops, Region region) {
  std::string all;
  for (const Op& op : ops) {
    if (op.region != region) continue;
    all += (all.empty() ? "" : " ") + op.name + (op.enters ? ">" : "") + (op.leaves ? "<" : "");
  }
  return all;
}

std::vector<Op> layer(const Model& model, std::int64_t number) {
  return layer_ops({model, fused_software(), number, training(2048)});
}

double parameters(const std::vector<Op>& ops) {
  double sum = 0.0;
  for (const Op& op : ops) {
    for (const Extent& extent : op.parameters) sum += extent.size;
  }
  return sum;
}

TEST(Layers, OfGptAreAttentionAndMlp) {
  EXPECT_EQ(names(layer(gpt3(), 0)),
            "attention_norm qkv attention_core attention_projection attention_residual "
            "ffn_norm ffn_up activation ffn_down ffn_residual");
}

TEST(Layers, EnterAndLeaveTheTensorRegionOncePerBlock) {
  EXPECT_EQ(borders(layer(llama(), 0), Region::tensor),
            "qkv> rotary attention_projection< ffn_up> activation ffn_down<");
  EXPECT_EQ(borders(layer(llama(), 0), Region::attention), "attention_core");
}

TEST(Layers, OfExpertsTravelBetweenDispatchAndCombine) {
  EXPECT_EQ(borders(layer(deepseek(), 10), Region::expert),
            "dispatch> expert_up expert_activation expert_down combine<");
  EXPECT_THAT(borders(layer(deepseek(), 10), Region::tensor),
              HasSubstr("shared_up> shared_activation shared_down<"));
}

TEST(Layers, KeepLatentProductsWholeAndEnterWithThoseToHeads) {
  const auto ops = layer(deepseek(), 0);

  EXPECT_THAT(borders(ops, Region::sequence),
              HasSubstr("attention_norm q_down kv_down latent_norm attention_residual"));
  EXPECT_THAT(borders(ops, Region::tensor), HasSubstr("q_up> kv_up> rotary attention_projection<"));
}

TEST(Layers, AbsorbTheExpansionOfLatentsWhenDecoding) {
  Job job = training(1);
  job.kind = JobKind::decode;

  const auto ops = layer_ops({deepseek(), fused_software(), 0, job});

  const Op& core = op_named(ops, "attention_core");
  EXPECT_EQ(core.qk_dim, 576);
  EXPECT_EQ(core.v_dim, 512);
  EXPECT_EQ(core.kv_heads.size, 1.0);
  EXPECT_DOUBLE_EQ(parameters(ops), parameters(layer(deepseek(), 0)));
}

TEST(Layers, ThatPredictAheadEndInTheSharedHead) {
  const auto ops = layer(deepseek(), 61);

  EXPECT_EQ(ops.front().name, "mtp_embedding");
  EXPECT_EQ(ops.back().name, "cross_entropy");
  EXPECT_TRUE(op_named(ops, "output_projection").parameters.empty());
}

TEST(Layers, HaveTheParametersOfGpt) {
  // 12·h² + 13·h of a layer: four biases of 3h, h, 4h, h and two norms of 2h.
  const double h = 12288.0;

  EXPECT_DOUBLE_EQ(parameters(layer(gpt3(), 0)), 12.0 * h * h + 13.0 * h);
}

/// Of embedding, layers and head, without those that predict ahead.
double all_parameters(const Model& model) {
  double sum = parameters(embedding_ops({model, fused_software(), 0, training(1)})) +
               parameters(head_ops({model, fused_software(), 0, training(1)}));
  for (std::int64_t i = 0; i < model.layers; ++i) sum += parameters(layer(model, i));
  return sum;
}

TEST(Layers, HaveTheParametersThatArePublished) {
  EXPECT_NEAR(all_parameters(gpt3()) / 175e9, 1.0, 0.005);    // Brown et al. 2020
  EXPECT_NEAR(all_parameters(llama()) / 70.55e9, 1.0, 1e-4);  // Llama 3 model card
  EXPECT_NEAR(all_parameters(deepseek()) / 671.03e9, 1.0,
              1e-4);  // DeepSeek-V3 without its MTP layer
}

TEST(Layers, HaveTheParametersThatTheModelCounts) {
  for (const Model& model : {gpt3(), llama(), deepseek()}) {
    EXPECT_DOUBLE_EQ(all_parameters(model), count_parameters(model).total);
  }
}

TEST(Layers, PutTheWeightsOfExpertsOnTwoAxes) {
  const auto ops = layer(deepseek(), 10);
  const Op& up = op_named(ops, "expert_up");

  ASSERT_EQ(up.parameters.size(), 1U);
  EXPECT_EQ(up.parameters[0].axis, Axis::experts);
  EXPECT_EQ(up.parameters[0].second, Axis::expert_ffn);
  EXPECT_DOUBLE_EQ(up.parameters[0].size, 256.0 * 7168.0 * 2.0 * 2048.0);
}

TEST(Layers, LoseTheResidualAddToTheNextNorm) {
  Software software = fused_software();
  software.fused.emplace_back("residual_norm");

  const auto ops = layer_ops({llama(), software, 0, training(2048)});

  EXPECT_TRUE(op_named(ops, "ffn_residual").forward_elements.empty());
  EXPECT_DOUBLE_EQ(op_named(ops, "ffn_norm").forward_elements[0].size, 4.0 * 8192.0);
}

TEST(Layers, CastTheInputsOfNarrowProducts) {
  Job job = training(2048);
  job.precision = NumberType::fp8;
  job.low_precision.recipe = Fp8Recipe::delayed;
  Software software = fused_software();

  EXPECT_THAT(names(layer_ops({llama(), software, 0, job})),
              HasSubstr("qkv_quantization qkv_weight_quantization qkv "));
  software.fused.emplace_back("quantization");
  EXPECT_EQ(names(layer_ops({llama(), software, 0, job})), names(layer(llama(), 0)));
}

TEST(Layers, KeepTheRouterAndTheHeadInSixteenBits) {
  Job job = training(2048);
  job.precision = NumberType::fp8;
  job.low_precision.recipe = Fp8Recipe::delayed;

  const auto experts = names(layer_ops({deepseek(), fused_software(), 10, job}));

  EXPECT_THAT(experts, ::testing::Not(HasSubstr("router_quantization")));
  EXPECT_THAT(experts, HasSubstr("expert_up_quantization expert_up"));
  EXPECT_THAT(experts, HasSubstr("expert_up_weight_quantization expert_up "));
  EXPECT_FALSE(op_named(head_ops({llama(), Software{}, 79, job}), "output_projection").narrow);
}

TEST(Layers, HaveNoLossOutsideTraining) {
  Job job = training(2048);
  job.kind = JobKind::forward;

  EXPECT_EQ(names(head_ops({llama(), fused_software(), 79, job})), "final_norm output_projection");
}

TEST(Layers, AreRegisteredUnderTheNamesOfTheirFiles) {
  std::string all;
  for (const Layer* layer : registered_layers()) all += std::string(layer->name) + ' ';

  EXPECT_EQ(all, "attention embedding head latent_attention mlp moe mtp ");
}

}  // namespace
}  // namespace orrery
