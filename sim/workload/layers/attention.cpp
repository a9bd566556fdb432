// Softmax attention with as many key and value heads as queries (mha), fewer (gqa) or one (mqa).
//
// Per token the output of the norm, q, k, v, what the heads give and the sum are kept: with a
// hidden and a mask byte from dropout 11·h of the 34·h bytes of Korthikanti et al. 2022, table 2,
// norms and MLP apart.

#include "workload/op_parts.hpp"

#include <algorithm>

namespace orrery::layers {

namespace {

struct Widths {
  double h;
  double q;     ///< all query heads
  double kv;    ///< all key heads, or all value heads
  double gate;  ///< of the output gate; 0 without
};

Widths widths_of(const Model& model) {
  const Attention& a = model.attention;
  const auto q = static_cast<double>(a.heads * a.head_dim);
  return {static_cast<double>(model.hidden), q, static_cast<double>(a.kv_heads * a.head_dim),
          a.output_gate ? q : 0.0};
}

Op qkv(const LayerInput& input, const Widths& w) {
  Op op = product({"qkv", "qkv", Region::tensor}, {w.q + w.gate, Axis::heads}, {w.h});
  op.enters = true;
  op.n_more = {2.0 * w.kv, Axis::kv_heads};
  op.parameters = {{(w.q + w.gate) * w.h, Axis::heads}, {2.0 * w.kv * w.h, Axis::kv_heads}};
  if (input.model.attention.biases) {
    op.parameters.push_back({w.q + w.gate, Axis::heads});
    op.parameters.push_back({2.0 * w.kv, Axis::kv_heads});
  }
  op.saved = {{w.q + w.gate, Axis::heads}, {2.0 * w.kv, Axis::kv_heads}};
  return op;
}

/// Queries, keys and values as products of their own; the first takes the input in.
std::vector<Op> separate_qkv(const LayerInput& input, const Widths& w) {
  const bool biases = input.model.attention.biases;
  const auto one = [&](const char* name, Extent width) {
    Op op = product({name, "qkv", Region::tensor}, width, {w.h});
    if (biases) op.parameters.push_back(width);
    op.saved = {width};
    return op;
  };
  std::vector<Op> ops{one("q", {w.q + w.gate, Axis::heads}), one("k", {w.kv, Axis::kv_heads}),
                      one("v", {w.kv, Axis::kv_heads})};
  ops.front().enters = true;
  return ops;
}

/// Something done to queries and keys alike, reading and writing them `passes` / 2 times.
Op on_queries_and_keys(std::string name, const Widths& w, double passes) {
  Op op = memory_bound({std::move(name), "qkv", Region::tensor}, 0.0, 0.0);
  op.forward_elements = {{passes * w.q, Axis::heads}, {passes * w.kv, Axis::kv_heads}};
  op.backward_elements = op.forward_elements;
  return op;
}

Op head_norm(const LayerInput& input, const Widths& w) {
  Op op = on_queries_and_keys("qk_norm", w, input.software.fuses("norm") ? 2.0 : 18.0);
  op.access = MemoryKernel::Access::reduce;
  op.parameters = {{2.0 * static_cast<double>(input.model.attention.head_dim)}};
  op.saved = {{w.q, Axis::heads}, {w.kv, Axis::kv_heads}};
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
  op.kv_heads = {static_cast<double>(a.kv_heads), Axis::kv_heads};
  op.qk_dim = a.head_dim;
  op.v_dim = a.head_dim;
  op.window = input.model.has_window(input.layer) ? a.window : 0;
  op.saved_bytes_per_score = saved_bytes_per_score(input);
  if (a.sinks) op.parameters = {{static_cast<double>(a.heads), Axis::heads}};
  return op;
}

std::vector<Op> ops(const LayerInput& input) {
  const Widths w = widths_of(input.model);
  OpList list(input);
  list.add(norm(input, "attention_norm"));
  if (input.software.separates("qkv")) {
    for (Op& op : separate_qkv(input, w)) list.add(std::move(op));
  } else {
    list.add(qkv(input, w));
  }
  if (input.model.attention.qk_norm) list.add(head_norm(input, w));
  if (input.model.positions == 0) {
    // Unfused: x·cos, the rotated half, times sin, and their sum, each a kernel.
    list.add(on_queries_and_keys("rotary", w, input.software.fuses("rope") ? 2.0 : 9.0));
  }
  list.add(core(input));
  if (w.gate > 0.0) {
    Op& gate = list.add(memory_bound({"output_gate", "qkv", Region::tensor}, 3.0 * w.gate,
                                     5.0 * w.gate, Axis::heads));
    gate.saved = {{w.gate, Axis::heads}};
  }
  list.append(attention_end(input, {w.q, Axis::heads}));
  return list.take();
}

}  // namespace

extern const Layer attention;
const Layer attention{
    .name = "attention",
    .description =
        "softmax attention: every query head with its own keys and values, or shared ones",
    .ops = ops,
};

}  // namespace orrery::layers
