#include "workload/flops.hpp"

#include <algorithm>

namespace orrery {

namespace {

double real(std::int64_t n) { return static_cast<double>(n); }

/// Multiply-adds of the products around the heads, per token.
double projections(const Attention& a, double h) {
  const double heads = real(a.heads);
  if (a.kind != AttentionKind::mla) {
    const double queries = heads * real(a.head_dim) * (a.output_gate ? 2.0 : 1.0);
    const double keys_and_values = 2.0 * real(a.kv_heads * a.head_dim);
    return h * (queries + keys_and_values) + h * heads * real(a.head_dim);
  }
  const double q_width = heads * real(a.qk_dim());
  const double q_lora = real(a.q_lora_rank);
  const double queries = a.q_lora_rank > 0 ? q_lora * (h + q_width) : h * q_width;
  const double latent = h * real(a.kv_lora_rank + a.qk_rope_head_dim);
  const double expanded = real(a.kv_lora_rank) * heads * real(a.qk_nope_head_dim + a.v_head_dim);
  return queries + latent + expanded + heads * real(a.v_head_dim) * h;
}

/// Multiply-adds per token and key; decoding with latents attends to the latents themselves.
double per_key(const Attention& a, const Job& job) {
  const bool absorbs = a.kind == AttentionKind::mla && job.kind == JobKind::decode;
  const std::int64_t width =
      absorbs ? 2 * a.kv_lora_rank + a.qk_rope_head_dim : a.qk_dim() + a.v_dim();
  return real(a.heads * width);
}

double feed_forward(const Model& model, std::int64_t layer) {
  const double h = real(model.hidden);
  const double matrices = model.gated_ffn ? 3.0 : 2.0;
  if (!model.is_expert_layer(layer)) return matrices * h * real(model.ffn);
  const Experts& e = *model.experts;
  return matrices * h * real(e.top_k * e.expert_ffn + e.shared_expert_ffn);
}

double per_token(const Model& model, const Job& job, MfuConvention convention) {
  const double h = real(model.hidden);
  double sum = 0.0;
  for (std::int64_t layer = 0; layer < model.layers + model.mtp_layers; ++layer) {
    const std::int64_t window = model.has_window(layer) ? model.attention.window : 0;
    sum += projections(model.attention, h) + feed_forward(model, layer) +
           per_key(model.attention, job) * keys_per_query(job, window, convention);
  }
  const double head = h * real(model.vocabulary);
  return 2.0 * (sum + real(1 + model.mtp_layers) * head + real(model.mtp_layers) * 2.0 * h * h);
}

}  // namespace

double keys_per_query(const Job& job, std::int64_t window, MfuConvention convention) {
  const bool decodes = job.kind == JobKind::decode;
  const double length = real(decodes ? job.context_length + 1 : job.sequence_length);
  const double reach = window > 0 ? std::min(real(window), length) : length;
  if (decodes || convention == MfuConvention::full) return reach;
  return reach - reach * reach / (2.0 * length);  // the first tokens see less than the window
}

double model_flops(const Model& model, const Job& job, MfuConvention convention) {
  const double tokens = real(job.global_batch * job.tokens_per_sequence());
  return (job.trains() ? 3.0 : 1.0) * tokens * per_token(model, job, convention);
}

double forward_flops_per_token(const Op& op, const Job& job) {
  if (!op.counted) return 0.0;
  switch (op.kind) {
    case OpKind::product:
    case OpKind::grouped_product:
      return 2.0 * (op.n.size + op.n_more.size) * op.k.size;
    case OpKind::attention:
      return 2.0 * op.heads.size * keys_per_query(job, op.window, MfuConvention::full) *
             real(op.qk_dim + op.v_dim);
    case OpKind::memory_bound:
    case OpKind::weight_cast:
      return 0.0;
  }
  return 0.0;
}

}  // namespace orrery
