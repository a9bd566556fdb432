// Memory against published closed forms, through the executed ledger: bytes per parameter
// (Megatron-LM docs, dist_optimizer.md), kept activations (Korthikanti et al. 2022, arXiv
// 2205.05198, table 2 and section 4.2), micro-batches under way (1F1B: Narayanan 2019; interleaved:
// Megatron-LM, theoretical_memory_usage.py), the cache of keys and values.
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

double held(const Simulation& run, std::size_t rank, MemoryCategory category) {
  const Script& script = run.program().scripts[run.program().classes[run.class_of(rank)].script];
  return static_cast<double>(script.resident[static_cast<std::size_t>(category)].value());
}

double peak(const Simulation& run, std::size_t rank, MemoryCategory category) {
  const MemoryPeak& at = run.result.memory[run.class_of(rank)];
  return static_cast<double>(at.held[static_cast<std::size_t>(category)].value());
}

double state_bytes(const Simulation& run, std::size_t rank) {
  return held(run, rank, MemoryCategory::parameters) + held(run, rank, MemoryCategory::gradients) +
         held(run, rank, MemoryCategory::optimizer);
}

const Keys dense = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "1024"},
                    {"workload.global_batch", "8"},
                    {"strategy.dp", "8"}};

struct Division {
  Keys keys;
  double per_parameter;
};

TEST(ParameterBytes, AreThoseOfTheDistributedOptimizersTable) {
  const Keys divided = {{"strategy.zero", "1"}};
  const Keys fp16 = {{"workload.precision", "\"fp16\""}, {"workload.gradient_type", "\"fp16\""}};
  const Keys fp32 = {{"workload.precision", "\"fp32\""}};
  // Megatron-Core's precision-aware optimizer: moments in bf16.
  const Keys narrow = {{"workload.optimizer_state_type", "\"bf16\""},
                       {"workload.gradient_type", "\"bf16\""}};
  for (const Division& division :
       {Division{{}, 18.0}, Division{divided, 6.0 + 12.0 / 8.0}, Division{fp16, 16.0},
        Division{fp16 + divided, 4.0 + 12.0 / 8.0}, Division{fp32, 16.0},
        Division{fp32 + divided, 8.0 + 8.0 / 8.0}, Division{narrow, 2.0 + 2.0 + 4.0 + 2.0 + 2.0},
        Division{narrow + divided, 4.0 + 8.0 / 8.0}}) {
    const Simulation run(dense + division.keys);
    const double parameters = run.plan().stages.front().dense_parameters;
    EXPECT_DOUBLE_EQ(state_bytes(run, 0), division.per_parameter * parameters);
  }
}

/// Bytes of parameters per parameter of products in 8 bits, beyond two for every parameter.
double beyond_bf16(const std::string& cluster, const Keys& keys) {
  const Simulation run(dense + Keys{{"cluster", cluster}, {"workload.precision", "\"fp8\""}} +
                       keys);
  const StagePlan& stage = run.plan().stages.front();
  return (held(run, 0, MemoryCategory::parameters) - 2.0 * stage.dense_parameters) /
         stage.narrow_dense;
}

TEST(ParameterBytes, OfEightBitsAreKeptBesideOrInsteadOfSixteen) {
  const Keys instead = {{"workload.fp8_param_gather", "true"}};
  const Keys mxfp8 = {{"workload.fp8_recipe", "\"mxfp8\""}};

  // Hopper keeps the transposed copy too; Blackwell reads one copy either way.
  EXPECT_NEAR(beyond_bf16("dgx-h100", {}), 2.0, 1e-9);
  EXPECT_NEAR(beyond_bf16("dgx-h100", instead), 0.0, 1e-9);
  EXPECT_NEAR(beyond_bf16("dgx-b200", {}), 1.0, 1e-9);
  EXPECT_NEAR(beyond_bf16("dgx-b200", instead), -1.0, 1e-9);
  EXPECT_NEAR(beyond_bf16("dgx-b200", mxfp8), 2.0 + 1.0 / 16.0, 1e-9);
}

TEST(ParameterBytes, OfExpertsAreDividedOverTheReplicasOfExperts) {
  // d_e = world / (etp · ep · pp) = 2 for experts, 8 for the rest.
  const Simulation run({{"model", "mixtral-8x7b"},
                        {"cluster", "dgx-h100"},
                        {"workload.sequence_length", "1024"},
                        {"workload.global_batch", "8"},
                        {"strategy.dp", "8"},
                        {"strategy.ep", "4"},
                        {"strategy.zero", "1"}});
  const StagePlan& stage = run.plan().stages.front();
  const double experts = 32.0 * 8.0 * 3.0 * 4096.0 * 14336.0 / 4.0;

  EXPECT_DOUBLE_EQ(stage.expert_parameters, experts);
  EXPECT_NEAR(state_bytes(run, 0),
              stage.dense_parameters * (6.0 + 12.0 / 8.0) + experts * (6.0 + 12.0 / 2.0), 1.0);
}

TEST(ParameterBytes, IncludeTheCopyOfATiedEmbeddingOnTheLastStage) {
  const Keys keys = {{"model", "gpt-22b"},
                     {"cluster", "dgx-a100-80g"},
                     {"model.tied_embeddings", "true"},
                     {"workload.sequence_length", "1024"},
                     {"workload.global_batch", "4"},
                     {"strategy.dp", "1"}};
  const Simulation whole(keys);
  const Simulation cut(keys + Keys{{"strategy.pp", "4"}});
  double sum = 0.0;
  for (const StagePlan& stage : cut.plan().stages) sum += stage.dense_parameters;
  const Model& model = whole.plan().model;
  const double embedding = static_cast<double>(model.vocabulary * model.hidden);

  EXPECT_DOUBLE_EQ(sum, whole.plan().stages.front().dense_parameters + embedding);
  EXPECT_EQ(joined_bytes(cut.program(), cut.class_of(3)).at("embedding embedding_gradient_sum"),
            4.0 * embedding);
}

// --- activations ---------------------------------------------------------------------------------

constexpr double s = 2048.0;
constexpr double h = 6144.0;
constexpr double heads = 64.0;
constexpr double layers = 48.0;

/// GPT-22B as Megatron-LM trained it: dropout, masks of a byte, scores stored.
const Keys gpt = {{"model", "gpt-22b"},
                  {"cluster", "dgx-a100-80g"},
                  {"software", "megatron-2021"},
                  {"workload.precision", "\"fp16\""},
                  {"workload.sequence_length", "2048"},
                  {"strategy.dp", "1"}};

double kept_per_layer(const Keys& keys) {
  const Simulation run(gpt + Keys{{"workload.global_batch", "4"}, {"workload.micro_batch", "4"}} +
                       keys);
  for (const LayerPlan& layer : run.plan().layers) {
    if (layer.name == "dense layer") return static_cast<double>(layer.saved.value());
  }
  return 0.0;
}

TEST(Activations, OfALayerAreThoseOfKorthikanti) {
  constexpr double sbh = 4.0 * s * h;
  constexpr double scores = 5.0 * heads * s / h;
  const Keys tp = {{"strategy.tp", "8"}};
  const Keys sp = tp + Keys{{"strategy.sp", "true"}};
  const Keys selective = {{"strategy.recompute", "\"selective\""}};
  const Keys full = {{"strategy.recompute", "\"full\""}};

  EXPECT_DOUBLE_EQ(kept_per_layer({}), sbh * (34.0 + scores));
  EXPECT_DOUBLE_EQ(kept_per_layer(tp), sbh * (10.0 + 24.0 / 8.0 + scores / 8.0));
  EXPECT_DOUBLE_EQ(kept_per_layer(sp), sbh * (34.0 + scores) / 8.0);
  EXPECT_DOUBLE_EQ(kept_per_layer(tp + selective), sbh * (10.0 + 24.0 / 8.0));
  EXPECT_DOUBLE_EQ(kept_per_layer(sp + selective), sbh * 34.0 / 8.0);
  EXPECT_DOUBLE_EQ(kept_per_layer(tp + full), sbh * 2.0);
  EXPECT_DOUBLE_EQ(kept_per_layer(sp + full), sbh * 2.0 / 8.0);
}

/// Peaks of activations of each stage, in layers of one micro-batch, without embedding and head.
double live_layers(const Simulation& run, std::size_t stage) {
  const StagePlan& plan = run.plan().stages[stage];
  double around = 0.0;
  double layer_bytes = 0.0;
  for (const ChunkPlan& chunk : plan.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      const LayerPlan& layer = run.plan().layers[placed.plan];
      const double bytes = static_cast<double>(layer.saved.value());
      (placed.number == none_16 ? around : layer_bytes) += bytes;
    }
  }
  const std::size_t count = static_cast<std::size_t>(layers) / run.plan().stages.size();
  return peak(run, stage, MemoryCategory::activations) * static_cast<double>(count) /
         (layer_bytes + around);
}

TEST(Activations, OfOneForwardOneBackwardAreOfAsManyMicroBatchesAsRanksFollow) {
  const Simulation run(gpt + Keys{{"workload.global_batch", "8"}, {"strategy.pp", "4"}});

  // min(m, p - r) micro-batches of 12 layers; a received input of 2·s·b·h is kept besides.
  EXPECT_DOUBLE_EQ(live_layers(run, 0), 4.0 * 12.0);
  EXPECT_NEAR(live_layers(run, 1), 3.0 * 12.0, 0.2);
  EXPECT_NEAR(live_layers(run, 2), 2.0 * 12.0, 0.2);
  EXPECT_NEAR(live_layers(run, 3), 1.0 * 12.0, 0.2);
}

TEST(Activations, AreOfAllMicroBatchesWhenFewerThanRanks) {
  const Simulation run(gpt + Keys{{"workload.global_batch", "2"}, {"strategy.pp", "4"}});

  EXPECT_DOUBLE_EQ(live_layers(run, 0), 2.0 * 12.0);
}

TEST(Activations, OfInterleavedStagesGrowByTheirFactor) {
  // x (1 + (p - 1) / (p · v)): 48 layers' worth become 48 · (1 + 3/8) on the first rank.
  const Simulation run(gpt + Keys{{"workload.global_batch", "8"},
                                  {"strategy.pp", "4"},
                                  {"strategy.vpp", "2"},
                                  {"strategy.schedule", "\"interleaved\""}});

  EXPECT_NEAR(live_layers(run, 0), 48.0 * (1.0 + 3.0 / 8.0), 0.5);
}

TEST(Activations, AreRecomputedInAsManyLayersOfAStageAsSaid) {
  const Simulation run(gpt + Keys{{"workload.global_batch", "1"},
                                  {"strategy.recompute", "\"full\""},
                                  {"strategy.recompute_layers", "40"}});
  const std::size_t again =
      tasks_named(run.program(), run.class_of(0), "ffn_up.forward.recomputed");

  EXPECT_EQ(again, 40U);
}

TEST(Activations, OfEightBitProductsKeepTheirOperandsInEightBits) {
  const Keys keys = {{"model", "llama3-8b"},
                     {"cluster", "dgx-h100"},
                     {"workload.sequence_length", "2048"},
                     {"workload.global_batch", "1"},
                     {"strategy.dp", "1"}};
  const Simulation wide(keys);
  const Simulation narrow(keys + Keys{{"workload.precision", "\"fp8\""}});
  const auto saved = [](const Simulation& run) {
    return static_cast<double>(run.plan().layers[1].saved.value());
  };

  // Two norms and the activation in one byte less; attention's result once more in one byte.
  EXPECT_DOUBLE_EQ(saved(wide) - saved(narrow), 2048.0 * (2.0 * 4096.0 + 14336.0 - 4096.0));
}

// --- the cache -----------------------------------------------------------------------------------

double cache_per_token(const std::string& model, const Keys& more = {}) {
  const Simulation run(Keys{{"model", model},
                            {"cluster", "dgx-h100"},
                            {"workload.kind", "\"decode\""},
                            {"workload.global_batch", "8"},
                            {"workload.micro_batch", "8"},
                            {"workload.context_length", "1023"},
                            {"strategy.dp", "1"}} +
                       more);
  return held(run, 0, MemoryCategory::kv_cache) / (8.0 * 1024.0);
}

TEST(Cache, HoldsKeysAndValuesOfEveryLayer) {
  EXPECT_DOUBLE_EQ(cache_per_token("llama3-8b"), 131072.0);
  EXPECT_DOUBLE_EQ(cache_per_token("mixtral-8x7b"), 131072.0);
  EXPECT_DOUBLE_EQ(cache_per_token("llama3-70b", {{"strategy.tp", "8"}}), 327680.0 / 8.0);
  EXPECT_DOUBLE_EQ(cache_per_token("qwen3-235b-a22b", {{"strategy.tp", "4"}}), 192512.0 / 4.0);
}

TEST(Cache, OfLatentAttentionIsWholeOnEveryTensorRank) {
  EXPECT_DOUBLE_EQ(cache_per_token("deepseek-v3", {{"strategy.tp", "8"}}), 70272.0);
}

TEST(Cache, IsAWholeNumberOfBlocks) {
  const Keys paged = {{"software", "vllm"}, {"workload.context_length", "1025"}};

  EXPECT_DOUBLE_EQ(cache_per_token("llama3-8b", paged), 131072.0 * 1040.0 / 1024.0);
}

}  // namespace
}  // namespace orrery
