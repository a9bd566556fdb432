// A model as its file states it: dimensions, not code. Counting its parameters is the check on the
// reading.
#pragma once

#include "base/settings.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace orrery {

enum class AttentionKind : std::uint8_t { mha, gqa, mqa, mla };

struct Attention {
  AttentionKind kind = AttentionKind::mha;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t head_dim = 1;
  // mla
  std::int64_t q_lora_rank = 0;  ///< 0: queries are projected directly
  std::int64_t kv_lora_rank = 0;
  std::int64_t qk_nope_head_dim = 0;
  std::int64_t qk_rope_head_dim = 0;
  std::int64_t v_head_dim = 0;
  std::int64_t window = 0;      ///< tokens; 0: none
  std::int64_t full_every = 0;  ///< every n-th layer ignores the window (2: alternate layers)
  bool biases = false;          ///< on the query, key and value projections
  bool output_bias = false;
  bool qk_norm = false;
  bool sinks = false;        ///< one learned logit per head
  bool output_gate = false;  ///< doubles the query projection

  /// Width of a head in the score product, and of what is summed.
  std::int64_t qk_dim() const {
    return kind == AttentionKind::mla ? qk_nope_head_dim + qk_rope_head_dim : head_dim;
  }
  std::int64_t v_dim() const { return kind == AttentionKind::mla ? v_head_dim : head_dim; }
};

struct Experts {
  std::int64_t experts = 1;
  std::int64_t top_k = 1;
  std::int64_t expert_ffn = 1;
  std::int64_t shared_experts = 0;
  std::int64_t shared_expert_ffn = 0;  ///< total inner width of the shared experts
  bool shared_expert_gate = false;
  std::int64_t dense_layers = 0;  ///< leading layers that stay dense
  std::int64_t every = 1;         ///< a layer of experts every n layers
  bool biases = false;
  /// Group-limited routing: experts lie in `groups` of neighbours, and a token picks from its
  /// `top_groups` best.
  std::int64_t groups = 1;
  std::int64_t top_groups = 1;
};

enum class Norm : std::uint8_t { rms, layer };

struct Model {
  std::string name;
  std::string source;
  std::int64_t layers = 1;
  std::int64_t mtp_layers = 0;
  std::int64_t hidden = 1;
  std::int64_t vocabulary = 1;
  std::int64_t ffn = 1;
  bool gated_ffn = true;
  bool tied_embeddings = false;
  bool biases = false;  ///< on the linear layers of attention's output and the feed-forward
  Norm norm = Norm::rms;
  std::int64_t positions = 0;  ///< learned position embeddings
  std::int64_t norms_per_layer = 2;
  Attention attention;
  std::optional<Experts> experts;
  double published_parameters = 0.0;  ///< 0: not published
  double published_active = 0.0;
  SourcePosition position;  ///< of the file, for messages

  bool is_expert_layer(
      std::int64_t layer) const;  ///< layer counts from 0; MTP layers follow the last
  bool has_window(std::int64_t layer) const;
  std::int64_t expert_layer_count() const;  ///< without MTP layers
};

/// Reads a model file (keys: models/README.md); findings go to the settings' diagnostics. A
/// published count that lies more than 1 % beside our own is a warning, unless the file says why
/// (`parameters_note`) or one of its dimensions was changed from elsewhere.
Model read_model(const Settings& settings);

struct ParameterCount {
  double total = 0.0;   ///< without MTP layers, as models are named
  double active = 0.0;  ///< used by one token
  double embedding = 0.0;
  double head = 0.0;  ///< 0 when tied
  double attention_per_layer = 0.0;
  double dense_ffn_per_layer = 0.0;
  double experts_per_layer = 0.0;  ///< routed experts
  double shared_and_router_per_layer = 0.0;
  double mtp = 0.0;  ///< all MTP layers together
};
ParameterCount count_parameters(const Model& model);

}  // namespace orrery
