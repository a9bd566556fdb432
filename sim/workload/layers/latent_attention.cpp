// Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): queries, keys and
// values come from narrow latent vectors, and only the latent of keys and values is cached.
//
// Training and prefill expand the latents to full heads. Decoding absorbs the expansion into
// queries and results instead, so that all heads attend to the one cached latent of kv_lora_rank +
// rope elements. The products onto latents are whole on every tensor rank, in region `sequence`;
// those from latents enter `tensor`.

#include "workload/op_parts.hpp"

namespace orrery::layers {

namespace {

struct Widths {
  double h, heads, q_lora, kv_lora, nope, rope, v;

  double qk() const { return nope + rope; }
};

Widths widths_of(const Model& model) {
  const Attention& a = model.attention;
  const auto wide_as = [](std::int64_t n) { return static_cast<double>(n); };
  return {wide_as(model.hidden),       wide_as(a.heads),
          wide_as(a.q_lora_rank),      wide_as(a.kv_lora_rank),
          wide_as(a.qk_nope_head_dim), wide_as(a.qk_rope_head_dim),
          wide_as(a.v_head_dim)};
}

/// A product onto a latent vector, which the norm that follows needs again.
Op down(std::string name, double n, double k) {
  Op op = product({std::move(name), "qkv", Region::sequence}, {n}, {k});
  op.saved = {{n}};
  return op;
}

/// A product from a (latent) vector of k to heads.
Op up(std::string name, Extent n, double k) {
  Op op = product({std::move(name), "mla_up_proj", Region::tensor}, n, {k});
  op.enters = true;
  op.saved = {n};
  return op;
}

Op latent_norm(const LayerInput& input, const Widths& w) {
  const double width = w.q_lora + w.kv_lora;
  const bool fused = input.software.fuses("norm");
  Op op = memory_bound({"latent_norm", "qkv", Region::sequence}, (fused ? 2.0 : 18.0) * width,
                       (fused ? 3.0 : 24.0) * width);
  op.access = MemoryKernel::Access::reduce;
  op.parameters = {{norm_parameters(input.model, width)}};
  op.saved = {{width}};
  return op;
}

void add_latents(const LayerInput& input, const Widths& w, OpList& list) {
  list.add(norm(input, "attention_norm"));
  if (w.q_lora > 0.0) list.add(down("q_down", w.q_lora, w.h));
  list.add(down("kv_down", w.kv_lora + w.rope, w.h));
  list.add(latent_norm(input, w));
  list.add(up("q_up", {w.heads * w.qk(), Axis::heads}, w.q_lora > 0.0 ? w.q_lora : w.h));
}

/// Rotates the queries' part, and puts keys together from their heads' and the shared rotated part.
Op rotary(const LayerInput& input, const Widths& w) {
  const bool fused = input.software.fuses("rope");
  const double rotated = (fused ? 2.0 : 9.0) * w.heads * w.rope;
  const double copied = w.heads * ((fused ? 1.0 : 3.0) * w.qk() + w.nope + 2.0 * w.v);
  Op op = memory_bound({"rotary", "mla_up_proj", Region::tensor}, rotated + copied,
                       rotated + copied, Axis::heads);
  op.saved = {{w.heads * w.qk(), Axis::heads}};
  return op;
}

Op core(const LayerInput& input) {
  const Attention& a = input.model.attention;
  Op op;
  op.name = "attention_core";
  op.module = "attention_core";
  op.kind = OpKind::attention;
  op.region = Region::attention;
  op.heads = {static_cast<double>(a.heads), Axis::heads};
  op.kv_heads = op.heads;
  op.qk_dim = a.qk_dim();
  op.v_dim = a.v_dim();
  op.saved_bytes_per_score = saved_bytes_per_score(input);
  return op;
}

void add_expanded(const LayerInput& input, const Widths& w, OpList& list) {
  Op kv_up = up("kv_up", {w.heads * (w.nope + w.v), Axis::heads}, w.kv_lora);
  kv_up.saved = {{w.heads * w.v, Axis::heads}};  // the keys are kept after rotation
  list.add(std::move(kv_up));
  list.add(rotary(input, w));
  list.add(core(input));
}

/// Per head a product of its own: as a product whose k is one head's, work and weights come out
/// right.
Op absorbed(std::string name, double n, double k, double heads) {
  return product({std::move(name), "mla_up_proj", Region::tensor}, {heads * n, Axis::heads}, {k});
}

void add_absorbed(const LayerInput& input, const Widths& w, OpList& list) {
  list.add(absorbed("key_absorption", w.kv_lora, w.nope, w.heads));
  list.add(memory_bound({"rotary", "mla_up_proj", Region::tensor}, 2.0 * w.heads * w.rope, 0.0,
                        Axis::heads));
  Op attend = core(input);
  attend.kv_heads = {1.0};
  attend.qk_dim = input.model.attention.kv_lora_rank + input.model.attention.qk_rope_head_dim;
  attend.v_dim = input.model.attention.kv_lora_rank;
  list.add(std::move(attend));
  list.add(absorbed("value_absorption", w.v, w.kv_lora, w.heads));
}

std::vector<Op> ops(const LayerInput& input) {
  const Widths w = widths_of(input.model);
  OpList list(input);
  add_latents(input, w, list);
  if (input.job.kind == JobKind::decode) {
    add_absorbed(input, w, list);
  } else {
    add_expanded(input, w, list);
  }
  list.append(attention_end(input, {w.heads * w.v, Axis::heads}));
  return list.take();
}

}  // namespace

extern const Layer latent_attention;
const Layer latent_attention{
    .name = "latent_attention",
    .description =
        "multi-head latent attention: expanded in training and prefill, absorbed in decoding",
    .ops = ops,
};

}  // namespace orrery::layers
