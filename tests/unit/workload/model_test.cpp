#include "workload/model.hpp"

#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {
namespace {

using Value = std::variant<std::int64_t, bool, std::string>;
using Keys = std::vector<std::pair<std::string, Value>>;

SourcePosition at(std::size_t line) { return {"model.toml", line, 1}; }

/// A model file with the least that it must have, changed by the given dotted keys.
SettingsNode tree(const Keys& changes = {}) {
  SettingsNode root{SettingsTable{}, at(1), {}};
  const auto set = [&root](const std::string& key, const Value& value) {
    std::visit([&](const auto& one) { root.set(key, SettingsNode{one, at(2), {}}); }, value);
  };
  const Keys least = {{"name", std::string("m")},
                      {"layers", 4},
                      {"hidden", 100},
                      {"vocabulary", 1000},
                      {"ffn", 300},
                      {"gated_ffn", true},
                      {"attention.kind", std::string("mha")},
                      {"attention.heads", 10}};
  for (const auto& [key, value] : least) set(key, value);
  for (const auto& [key, value] : changes) set(key, value);
  return root;
}

Model read(const SettingsNode& root, Diagnostics& diagnostics) {
  Model model = read_model(Settings(root, diagnostics));
  report_unread(root, diagnostics);
  return model;
}

std::string only_finding(const Keys& changes) {
  Diagnostics diagnostics;
  read(tree(changes), diagnostics);
  return diagnostics.all().size() == 1 ? diagnostics.all()[0].message : "not one finding";
}

TEST(Model, FillsInWhatTheFileLeavesOut) {
  Diagnostics diagnostics;

  const Model model = read(tree(), diagnostics);

  EXPECT_TRUE(diagnostics.all().empty());
  EXPECT_EQ(model.attention.kv_heads, 10);
  EXPECT_EQ(model.attention.head_dim, 10);
  EXPECT_EQ(model.norm, Norm::rms);
  EXPECT_FALSE(model.tied_embeddings);
  EXPECT_FALSE(model.experts.has_value());
}

TEST(Model, MeansTheBiasesOfAttentionTooUnlessItSaysOtherwise) {
  Diagnostics diagnostics;

  const Model all = read(tree({{"biases", true}}), diagnostics);
  const Model some = read(tree({{"attention.qkv_biases", true}}), diagnostics);

  EXPECT_TRUE(all.attention.biases && all.attention.output_bias);
  EXPECT_TRUE(some.attention.biases && !some.attention.output_bias);
}

TEST(Model, AddsUpTheWidthsOfSharedExperts) {
  Diagnostics diagnostics;

  const Model model = read(tree({{"moe.experts", 64},
                                 {"moe.top_k", 6},
                                 {"moe.expert_ffn", 50},
                                 {"moe.shared_experts", 2},
                                 {"moe.shared_expert_ffn", 70}}),
                           diagnostics);

  EXPECT_EQ(model.experts->shared_expert_ffn, 140);
}

TEST(Model, FindsHeadsThatDoNotDivide) {
  EXPECT_THAT(only_finding({{"attention.kind", std::string("gqa")}, {"attention.kv_heads", 3}}),
              testing::HasSubstr("kv_heads = 3 does not divide heads = 10"));
}

TEST(Model, FindsFewerKeyHeadsInMultiHeadAttention) {
  EXPECT_THAT(only_finding({{"attention.kv_heads", 2}}), testing::HasSubstr("gqa"));
}

TEST(Model, FindsGroupsThatHoldTooFewExperts) {
  EXPECT_THAT(only_finding({{"moe.experts", 8},
                            {"moe.top_k", 4},
                            {"moe.expert_ffn", 50},
                            {"moe.groups", 4},
                            {"moe.top_groups", 1}}),
              testing::HasSubstr("top_groups = 1 of 4 groups hold 2 experts"));
}

TEST(Model, FindsMoreExpertsPerTokenThanThereAre) {
  EXPECT_THAT(only_finding({{"moe.experts", 4}, {"moe.top_k", 8}, {"moe.expert_ffn", 50}}),
              testing::HasSubstr("top_k = 8 of only 4"));
}

TEST(Model, SuggestsTheKeyThatWasMeant) {
  EXPECT_THAT(only_finding({{"tied_embedings", true}}), testing::HasSubstr("tied_embeddings"));
}

TEST(Model, WantsAPublishedCountInQuotes) {
  EXPECT_THAT(only_finding({{"parameters_total", std::string("7 billion")}}),
              testing::HasSubstr("140.6e9"));
}

TEST(Model, WarnsWhenItCountsOtherwiseThanWasPublished) {
  EXPECT_THAT(only_finding({{"parameters_total", std::string("1e9")}}),
              testing::HasSubstr("parameters_note"));
  EXPECT_EQ(only_finding({{"parameters_total", std::string("1e9")},
                          {"parameters_note", std::string("a joke")}}),
            "not one finding");
}

TEST(Model, DoesNotCompareAModelThatAScenarioCutShort) {
  SettingsNode root = tree({{"parameters_total", std::string("1e9")}});
  root.set("layers", SettingsNode{std::int64_t{2}, {"scenario.toml", 3, 1}, {}});
  Diagnostics diagnostics;

  read(root, diagnostics);

  EXPECT_TRUE(diagnostics.all().empty());
}

TEST(Model, AlternatesItsWindow) {
  Model model = llama();
  model.attention.window = 128;
  model.attention.full_every = 2;

  EXPECT_TRUE(model.has_window(0));
  EXPECT_FALSE(model.has_window(1));
}

TEST(Model, PutsExpertsIntoTheLastOfEveryFewLayers) {
  Model model = llama();
  model.layers = 7;
  model.experts = Experts{.dense_layers = 1, .every = 2};

  std::vector<bool> experts;
  for (std::int64_t layer = 0; layer < 7; ++layer) experts.push_back(model.is_expert_layer(layer));

  EXPECT_THAT(experts, testing::ElementsAre(false, false, true, false, true, false, true));
  EXPECT_EQ(model.expert_layer_count(), 3);
}

TEST(ParameterCount, OfAGatedLayerIsThreeMatricesAndFour) {
  Model model = llama();
  model.layers = 1;
  const double h = 8192.0;
  const double attention = h * (8192.0 + 2.0 * 1024.0) + 8192.0 * h;

  const ParameterCount count = count_parameters(model);

  EXPECT_DOUBLE_EQ(count.attention_per_layer, attention);
  EXPECT_DOUBLE_EQ(count.dense_ffn_per_layer, 3.0 * h * 28672.0);
  EXPECT_DOUBLE_EQ(count.total, 2.0 * 128256.0 * h + attention + 3.0 * h * 28672.0 + 3.0 * h);
}

// Narayanan et al., SC'21, equation 2: P = 12·l·h²·(1 + 13/(12·h) + (V + s)/(12·l·h)), up to the
// final norm.
TEST(ParameterCount, OfGpt3IsTheFormulaOfItsPaper) {
  const double l = 96.0;
  const double h = 12288.0;
  const double formula =
      12.0 * l * h * h * (1.0 + 13.0 / (12.0 * h) + (51200.0 + 2048.0) / (12.0 * l * h));

  EXPECT_DOUBLE_EQ(count_parameters(gpt3()).total, formula + 2.0 * h);
}

TEST(ParameterCount, OfOneTokenLeavesOutTheExpertsItDoesNotMeet) {
  const ParameterCount count = count_parameters(deepseek());

  EXPECT_NEAR(count.total, 671e9,
              1e9);  // DeepSeek-V3 technical report, arXiv 2412.19437: 671B, 37B
  EXPECT_NEAR(count.active, 37e9, 1e9);
  EXPECT_NEAR(count.mtp, 11.6e9, 0.1e9);
}

}  // namespace
}  // namespace orrery
