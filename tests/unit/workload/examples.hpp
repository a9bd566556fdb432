// Models and settings that the tests of this folder work on.
#pragma once

#include "base/settings.hpp"
#include "workload/op.hpp"

#include <string>
#include <utility>

namespace orrery {

/// GPT-3 175B as Megatron-LM trains it: f = 4h, v = 51200, biases, tied embedding.
inline Model gpt3() {
  Model model;
  model.layers = 96;
  model.hidden = 12288;
  model.vocabulary = 51200;
  model.ffn = 4 * 12288;
  model.gated_ffn = false;
  model.tied_embeddings = true;
  model.biases = true;
  model.norm = Norm::layer;
  model.positions = 2048;
  model.attention = {
      .heads = 96, .kv_heads = 96, .head_dim = 128, .biases = true, .output_bias = true};
  return model;
}

/// Llama-3-70B-like: gated, eight key and value heads.
inline Model llama() {
  Model model;
  model.layers = 80;
  model.hidden = 8192;
  model.vocabulary = 128256;
  model.ffn = 28672;
  model.attention = {.kind = AttentionKind::gqa, .heads = 64, .kv_heads = 8, .head_dim = 128};
  return model;
}

/// DeepSeek-V3 with its layer of multi-token prediction.
inline Model deepseek() {
  Model model;
  model.layers = 61;
  model.mtp_layers = 1;
  model.hidden = 7168;
  model.vocabulary = 129280;
  model.ffn = 18432;
  model.attention = {.kind = AttentionKind::mla,
                     .heads = 128,
                     .kv_heads = 128,
                     .q_lora_rank = 1536,
                     .kv_lora_rank = 512,
                     .qk_nope_head_dim = 128,
                     .qk_rope_head_dim = 64,
                     .v_head_dim = 128};
  model.experts = Experts{.experts = 256,
                          .top_k = 8,
                          .expert_ffn = 2048,
                          .shared_experts = 1,
                          .shared_expert_ffn = 2048,
                          .dense_layers = 3};
  return model;
}

/// What Megatron-LM fuses since flash attention, without dropout.
inline Software fused_software() {
  Software software;
  software.fused = {"norm", "bias_activation", "bias_dropout_add", "rope", "permutation", "router"};
  return software;
}

inline Job training(std::int64_t sequence_length) {
  return {.sequence_length = sequence_length, .global_batch = 16};
}

inline const Op& op_named(const std::vector<Op>& ops, std::string_view name) {
  for (const Op& op : ops) {
    if (op.name == name) return op;
  }
  static const Op none;
  return none;
}

/// A table that grows by dotted keys and is read once it is complete.
class Table {
 public:
  Table& with(std::string_view key, std::string text) { return add(key, std::move(text)); }
  Table& with(std::string_view key, const char* text) { return add(key, std::string(text)); }
  Table& with(std::string_view key, int number) { return add(key, std::int64_t{number}); }
  Table& with(std::string_view key, bool flag) { return add(key, flag); }
  Table& with(std::string_view key, std::initializer_list<const char*> texts) {
    SettingsArray array;
    for (const char* text : texts) array.push_back({std::string(text), at_, {}});
    return add(key, std::move(array));
  }
  Settings settings() { return {root_, diagnostics_}; }
  /// All findings, a line each.
  std::string findings() const {
    std::string all;
    for (const Diagnostic& diagnostic : diagnostics_.all()) all += to_string(diagnostic) + '\n';
    return all;
  }

 private:
  template <typename Value>
  Table& add(std::string_view key, Value value) {
    root_.set(key, {std::move(value), at_, {}});
    return *this;
  }

  SourcePosition at_{"test.toml", 1, 12};
  SettingsNode root_{SettingsTable{}, {"test.toml", 1, 1}, {}};
  Diagnostics diagnostics_;
};

}  // namespace orrery
