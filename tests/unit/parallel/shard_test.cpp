#include "parallel/shard.hpp"

#include "unit/workload/examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace orrery {
namespace {

struct Given {
  Model model = deepseek();
  Software software = fused_software();
  Job job = training(4096);
  Strategy strategy{};

  PlanInput input() const { return {model, software, job, strategy}; }
  LayerPlan layer(std::int64_t number) const {
    return plan_layer("layer", layer_ops({model, software, number, job}), Recomputable::yes,
                      input());
  }
};

const ShardedOp& op_of(const LayerPlan& layer, std::string_view name) {
  return *std::ranges::find_if(layer.ops, [&](const ShardedOp& op) { return op.op.name == name; });
}

TEST(Shard, SumsGradientsOverTensorRanksOnlyWithSequenceParallelism) {
  Given given;
  given.strategy.tp = 4;
  EXPECT_EQ(given.layer(0).summed_parameters, 0.0);

  given.strategy.sp = true;
  // Two norms, and the products onto latents with theirs.
  const double latents = 7168.0 * (1536.0 + 512.0 + 64.0) + 1536.0 + 512.0;
  EXPECT_DOUBLE_EQ(given.layer(0).summed_parameters, 2.0 * 7168.0 + latents);
}

TEST(Shard, RecomputesNoHead) {
  Given given;
  given.strategy.recompute = Recompute::full;
  const LayerPlan ahead = given.layer(61);

  EXPECT_TRUE(op_of(ahead, "mtp_projection").recomputed);
  EXPECT_FALSE(op_of(ahead, "output_projection").recomputed);
}

std::vector<std::string> names_of(const LayerPlan& layer, bool recomputed) {
  std::vector<std::string> names;
  for (const ShardedOp& op : layer.ops) {
    if (op.recomputed == recomputed) names.push_back(op.op.name);
  }
  return names;
}

/// torchtitan's selective op checkpointing: of wq wk wv wo w1 w3 w2 every second one runs again,
/// and all that is no product; attention does not.
TEST(Shard, RunsEverySecondProductAgainAndKeepsWhatAttentionMakes) {
  Given given{.model = llama(), .software = fused_software(), .job = training(4096)};
  given.software.separate = {"qkv", "gate_up"};
  given.strategy.recompute = Recompute::selective;
  given.strategy.recompute_modules = {"alternate_products"};
  const LayerPlan layer = given.layer(0);

  EXPECT_EQ(names_of(layer, false),
            (std::vector<std::string>{"q", "v", "attention_core", "ffn_gate", "ffn_down"}));
  // Kept per token: the layer's input, q, v, what attention makes, the gate; of two bytes each.
  EXPECT_EQ(layer.saved, Bytes(2LL * 4096 * (8192 + 8192 + 1024 + 8192 + 28672)));
}

TEST(Shard, AddsWhatTheAllocatorLoses) {
  Given given;
  const Bytes exact = given.layer(0).saved;
  given.software.allocator_overhead = 0.05;

  EXPECT_NEAR(given.layer(0).saved / exact, 1.05, 1e-6);
}

TEST(Shard, KeepsBothOperandsOfWeightGradientsFromOneHalfOfBackwardToTheOther) {
  // Of 34·s·b·h bytes of a GPT layer 32·s·b·h: Qi et al., ICLR 2024, table 1.
  Given given{.model = gpt3(), .software = {}, .job = training(2048)};
  const LayerPlan layer = given.layer(0);
  const double sbh = 2048.0 * static_cast<double>(given.model.hidden);

  EXPECT_DOUBLE_EQ(static_cast<double>(layer.until_weights.value()), 32.0 * sbh);
}

TEST(Shard, KeepsAShareOfAnInputThatIsGatheredAgain) {
  Given given{.model = gpt3(), .software = {}, .job = training(2048)};
  given.strategy.tp = 4;
  const double whole = static_cast<double>(given.layer(0).until_weights.value());
  given.strategy.sp = true;
  const double sbh = 2048.0 * static_cast<double>(given.model.hidden);

  // The inputs of qkv and of the first of the MLP, 2·s·b·h each, are divided by tp.
  EXPECT_DOUBLE_EQ(whole - static_cast<double>(given.layer(0).until_weights.value()),
                   2.0 * 2.0 * sbh * 3.0 / 4.0);
}

TEST(Plan, HoldsTheEmbeddingOnceInAVAndWithTwoDirections) {
  for (const auto& [schedule, vpp] : {std::pair{"zb-v", 2}, {"dualpipe", 1}}) {
    Given given;
    given.strategy.pp = 2;
    given.strategy.vpp = vpp;
    given.strategy.schedule = schedule;
    given.job.global_batch = 8;
    EXPECT_EQ(make_plan(given.input()).embedding_copy, 0.0) << schedule;
  }
}

TEST(Plan, HoldsEveryStageTwiceWithTwoDirections) {
  Given given;
  given.job.global_batch = 8;
  given.strategy.pp = 4;
  const Plan once = make_plan(given.input());
  given.strategy.schedule = "dualpipe";
  const Plan twice = make_plan(given.input());

  const double stages = once.stages[1].dense_parameters + once.stages[2].dense_parameters;
  EXPECT_DOUBLE_EQ(twice.stages[1].dense_parameters, stages);
  EXPECT_DOUBLE_EQ(twice.stages[2].dense_parameters, stages);
  EXPECT_EQ(twice.stages[2].chunks[1].virtual_stage, (VirtualStage{1, 1}));
}

TEST(Plan, PlacesLayersAsALayoutSays) {
  Given given;
  given.strategy.pp = 4;
  given.strategy.layout = {
      {.embedding = true, .layers = 30}, {.layers = 31}, {}, {.mtp_layers = 1, .loss = true}};
  const Plan plan = make_plan(given.input());

  EXPECT_EQ(plan.stages[0].chunks[0].layers.size(), 31U);
  EXPECT_TRUE(plan.stages[2].chunks[0].layers.empty());
  EXPECT_EQ(plan.layers[plan.stages[3].chunks[0].layers[0].plan].name, "head");
}

TEST(Plan, CopiesTheEmbeddingForLayersThatPredictAhead) {
  Given given;
  given.strategy.pp = 2;
  const Plan plan = make_plan(given.input());

  EXPECT_DOUBLE_EQ(plan.embedding_copy, 129280.0 * 7168.0);
}

}  // namespace
}  // namespace orrery
