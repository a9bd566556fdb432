#include "workload/hugging_face.hpp"

#include "workload/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

Model convert(const std::string& json, Diagnostics& diagnostics) {
  const SettingsNode root = model_from_hugging_face(json, "config.json", diagnostics);
  if (diagnostics.has_errors()) return {};
  Model model = read_model(Settings(root, diagnostics));
  report_unread(root, diagnostics);
  return model;
}

double billions(const std::string& json) {
  Diagnostics diagnostics;
  const Model model = convert(json, diagnostics);
  for (const Diagnostic& finding : diagnostics.all()) ADD_FAILURE() << finding.message;
  return count_parameters(model).total / 1e9;
}

TEST(HuggingFace, ReadsLlama) {
  EXPECT_NEAR(billions(R"({"model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096,
      "vocab_size": 128256, "intermediate_size": 14336, "num_attention_heads": 32,
      "num_key_value_heads": 8, "attention_bias": false, "mlp_bias": false,
      "tie_word_embeddings": false})"),
              8.03, 0.01);
}

TEST(HuggingFace, ReadsMixtral) {
  EXPECT_NEAR(billions(R"({"model_type": "mixtral", "num_hidden_layers": 32, "hidden_size": 4096,
      "vocab_size": 32000, "intermediate_size": 14336, "num_attention_heads": 32,
      "num_key_value_heads": 8, "num_local_experts": 8, "num_experts_per_tok": 2,
      "sliding_window": null})"),
              46.70, 0.01);
}

TEST(HuggingFace, ReadsDeepSeekV3WithoutItsPredictionLayer) {
  EXPECT_NEAR(billions(R"({"model_type": "deepseek_v3", "num_hidden_layers": 61,
      "hidden_size": 7168, "vocab_size": 129280, "intermediate_size": 18432,
      "num_attention_heads": 128, "num_key_value_heads": 128, "q_lora_rank": 1536,
      "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
      "n_routed_experts": 256, "num_experts_per_tok": 8, "moe_intermediate_size": 2048,
      "n_shared_experts": 1, "first_k_dense_replace": 3, "moe_layer_freq": 1,
      "num_nextn_predict_layers": 1})"),
              671.03, 0.1);
}

TEST(HuggingFace, ReadsQwen3ExpertsWithTheirHeadWidth) {
  EXPECT_NEAR(billions(R"({"model_type": "qwen3_moe", "num_hidden_layers": 48,
      "hidden_size": 2048, "vocab_size": 151936, "intermediate_size": 6144, "head_dim": 128,
      "num_attention_heads": 32, "num_key_value_heads": 4, "num_experts": 128,
      "num_experts_per_tok": 8, "moe_intermediate_size": 768, "decoder_sparse_step": 1,
      "mlp_only_layers": []})"),
              30.53, 0.01);
}

TEST(HuggingFace, ReadsQwen2ExpertsWithTheSharedOne) {
  EXPECT_NEAR(billions(R"({"model_type": "qwen2_moe", "num_hidden_layers": 28,
      "hidden_size": 3584, "vocab_size": 151936, "intermediate_size": 18944,
      "num_attention_heads": 28, "num_key_value_heads": 4, "num_experts": 64,
      "num_experts_per_tok": 8, "moe_intermediate_size": 2560,
      "shared_expert_intermediate_size": 20480})"),
              57.41, 0.01);
}

TEST(HuggingFace, ReadsGptOssWithItsAlternatingWindow) {
  const std::string json = R"({"model_type": "gpt_oss", "num_hidden_layers": 36,
      "hidden_size": 2880, "vocab_size": 201088, "intermediate_size": 2880, "head_dim": 64,
      "num_attention_heads": 64, "num_key_value_heads": 8, "num_local_experts": 128,
      "num_experts_per_tok": 4, "sliding_window": 128, "attention_bias": true,
      "layer_types": ["sliding_attention", "full_attention"]})";
  Diagnostics diagnostics;

  EXPECT_NEAR(billions(json), 116.83, 0.01);
  EXPECT_TRUE(convert(json, diagnostics).has_window(0));
  EXPECT_FALSE(convert(json, diagnostics).has_window(1));
}

TEST(HuggingFace, ReadsGptNeoX) {
  EXPECT_NEAR(billions(R"({"model_type": "gpt_neox", "num_hidden_layers": 44,
      "hidden_size": 6144, "vocab_size": 50432, "intermediate_size": 24576,
      "num_attention_heads": 64, "tie_word_embeddings": false})"),
              20.55, 0.01);  // GPT-NeoX-20B, arXiv 2204.06745: 20.55e9
}

TEST(HuggingFace, ReadsGpt2) {
  EXPECT_NEAR(billions(R"({"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
      "n_positions": 1024, "vocab_size": 50257, "n_inner": null})"),
              0.1244, 0.0001);
}

TEST(HuggingFace, NamesTheKeyThatIsMissing) {
  Diagnostics diagnostics;

  convert(R"({"model_type": "gpt2", "n_layer": 12, "n_embd": 768, "n_head": 12,
      "n_positions": 1024})",
          diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].message, "'vocab_size' is missing; wanted a whole number");
}

TEST(HuggingFace, NamesTheFamiliesItUnderstandsWhenItDoesNot) {
  Diagnostics diagnostics;

  convert(R"({"model_type": "mamba"})", diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("deepseek_v3"));
}

TEST(HuggingFace, RefusesDenseLayersAmongTheExperts) {
  Diagnostics diagnostics;

  convert(R"({"model_type": "qwen3_moe", "num_hidden_layers": 4, "hidden_size": 64,
      "vocab_size": 10, "intermediate_size": 64, "num_attention_heads": 2, "num_experts": 4,
      "num_experts_per_tok": 2, "moe_intermediate_size": 8, "mlp_only_layers": [2]})",
          diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_THAT(diagnostics.all()[0].message, testing::HasSubstr("mlp_only_layers"));
}

TEST(HuggingFace, FindsTextThatIsNoJson) {
  Diagnostics diagnostics;

  convert("model_type: llama", diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].position.line, 1U);
}

TEST(HuggingFace, PointsAtTheBrokenLine) {
  Diagnostics diagnostics;

  convert("{\"model_type\": \"llama\",\n \"hidden_size\": }", diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 1U);
  EXPECT_EQ(diagnostics.all()[0].position.line, 2U);
  EXPECT_EQ(diagnostics.all()[0].position.column, 17U);
}

TEST(HuggingFace, RefusesAFlagThatIsATextAndANumberBeyondAllNumbers) {
  Diagnostics diagnostics;
  convert(R"({"model_type": "llama", "num_hidden_layers": 32, "hidden_size": 4096,
      "vocab_size": 9223372036854775808, "intermediate_size": 14336, "num_attention_heads": 32,
      "tie_word_embeddings": "yes"})",
          diagnostics);

  ASSERT_EQ(diagnostics.all().size(), 2U);
  EXPECT_EQ(diagnostics.all()[0].message,
            "'vocab_size' is 9223372036854775808; wanted a whole number");
  EXPECT_EQ(diagnostics.all()[1].message, "'tie_word_embeddings' is \"yes\"; wanted true or false");
}

}  // namespace
}  // namespace orrery
