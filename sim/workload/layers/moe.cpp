// A layer of experts (Shazeer 2017; Megatron-Core's MoE layer, dropless): a router picks top_k
// experts for each token, copies of the tokens travel to them, grouped products, and the weighted
// sum of the results.
//
// In region `expert` everything counts per copy of a token, of which there are top_k per token:
// received rows keep 2·h for the input, 2·f_e (gated twice) and 2·f_e around the activation, and 8
// of maps; the router keeps its logits and probabilities in fp32 and a byte of map per expert
// (Megatron-Core MoE README). Stacks that fuse the permutation weigh by probability before the
// second product and so need not keep its result. Shared experts are a dense layer of their own
// beside it, in region `tensor`.

#include "workload/op_parts.hpp"

namespace orrery::layers {

namespace {

struct Widths {
  double h, inner, up, experts, top_k, shared;
};

Widths widths_of(const Model& model) {
  const Experts& e = *model.experts;
  const auto inner = static_cast<double>(e.expert_ffn);
  return {static_cast<double>(model.hidden), inner,
          up_factor(model) * inner,          static_cast<double>(e.experts),
          static_cast<double>(e.top_k),      static_cast<double>(e.shared_expert_ffn)};
}

void add_router(const LayerInput& input, const Widths& w, OpList& list) {
  Op router = product({"router", "moe", Region::sequence}, {w.experts}, {w.h});
  router.counted = false;
  router.narrow = false;
  if (input.model.biases) router.parameters.push_back({w.experts});
  router.saved_bytes = 4.0 * w.experts;
  list.add(std::move(router));
  // Softmax, top-k, scatter of the probabilities and balancing loss over fp32 logits.
  const double passes = input.software.fuses("router") ? 3.0 : 14.0;
  Op choice = memory_bound({"router_choice", "moe", Region::sequence},
                           passes * wide(input) * w.experts, passes * wide(input) * w.experts);
  choice.access = MemoryKernel::Access::reduce;
  choice.saved_bytes = 5.0 * w.experts;
  list.add(std::move(choice));
}

Op in_experts(Op op, const Widths& w) {
  op.region = Region::expert;
  op.tokens_factor = w.top_k;
  return op;
}

bool plain(const LayerInput& input) {
  return input.dispatching.ep == 1 || input.dispatching.dispatcher == "alltoall";
}

/// Rows of the gathered tokens of a group for each copy that one of its ranks takes from them.
double gathered_rows(const LayerInput& input, const Widths& w) {
  const bool gathers = !plain(input) && input.dispatching.dispatcher == "allgather";
  return gathers ? static_cast<double>(input.dispatching.ep) / w.top_k : 0.0;
}

/// Copies the tokens of each expert together before they travel, and again after they arrived. A
/// dispatcher that finds each token's way itself leaves the latter alone.
Op dispatch(const LayerInput& input, const Widths& w) {
  const bool fused = input.software.fuses("permutation");
  const double passes = (plain(input) ? 4.0 : 2.0) + (fused ? 0.0 : 2.0);
  Op op =
      in_experts(memory_bound({"dispatch", "moe", Region::expert}, passes * w.h, passes * w.h), w);
  op.access = MemoryKernel::Access::gather;
  op.own_share = input.dispatching.ep > 1 && plain(input) ? 0.5 : 0.0;
  op.enters = true;
  op.workspace = {{gathered_rows(input, w) * w.h}};
  op.saved = {{w.h}};
  op.saved_bytes = 8.0;
  return op;
}

/// Puts results back in the order of the tokens and adds up those of each token: after they came
/// back, or, where a dispatcher adds up on the way, before they leave. Where all tokens were
/// gathered, into rows of zeros for all of them.
Op combine(const LayerInput& input, const Widths& w) {
  const bool fused = input.software.fuses("permutation");
  const double rows = gathered_rows(input, w);
  const double once = fused ? 3.0 + 1.0 / w.top_k : 6.0 + 1.0 / w.top_k;
  const double passes = plain(input) ? once : (fused ? 2.0 : 4.0) + 2.0 * rows;
  Op op =
      in_experts(memory_bound({"combine", "moe", Region::expert}, passes * w.h, passes * w.h), w);
  op.access = MemoryKernel::Access::gather;
  // Putting copies in order for their way back, and adding them up behind it.
  const double behind = (fused ? 1.0 : 3.0) + 1.0 / w.top_k;
  op.own_share = input.dispatching.ep > 1 && plain(input) ? behind / passes : 0.0;
  op.leaves = true;
  op.workspace = {{rows * w.h}};
  if (!fused) op.saved = {{w.h}};
  return op;
}

Op grouped(std::string name, Extent n, Extent k, const Widths& w) {
  Op op = in_experts(product({std::move(name), "moe", Region::expert}, n, k), w);
  op.kind = OpKind::grouped_product;
  op.experts = {w.experts, Axis::experts};
  op.parameters = {{w.experts * n.size * k.size, Axis::experts, Axis::expert_ffn}};
  return op;
}

void add_experts(const LayerInput& input, const Widths& w, OpList& list) {
  const bool biases = input.model.experts->biases;
  Op up = grouped("expert_up", {w.up, Axis::expert_ffn}, {w.h}, w);
  up.saved = {{w.up, Axis::expert_ffn}};
  if (biases) up.parameters.push_back({w.experts * w.up, Axis::experts, Axis::expert_ffn});
  list.add(std::move(up));
  list.add(in_experts(activation(input, {"expert_activation", "moe/moe_activation", Region::expert},
                                 {w.inner, Axis::expert_ffn}),
                      w));
  Op down = grouped("expert_down", {w.h}, {w.inner, Axis::expert_ffn}, w);
  if (biases) down.parameters.push_back({w.experts * w.h, Axis::experts});
  list.add(std::move(down));
}

void add_shared(const LayerInput& input, const Widths& w, OpList& list) {
  const Extent up_width{up_factor(input.model) * w.shared, Axis::ffn};
  Op up = product({"shared_up", "moe", Region::tensor}, up_width, {w.h});
  up.enters = true;
  up.saved = {up_width};
  list.add(std::move(up));
  list.add(activation(input, {"shared_activation", "moe/activation", Region::tensor},
                      {w.shared, Axis::ffn}));
  Op down = product({"shared_down", "moe", Region::tensor}, {w.h}, {w.shared, Axis::ffn});
  down.leaves = true;
  list.add(std::move(down));
  const bool gated = input.model.experts->shared_expert_gate;
  Op sum = memory_bound({"shared_sum", "moe", Region::sequence}, (gated ? 7.0 : 3.0) * w.h,
                        (gated ? 7.0 : 0.0) * w.h);
  if (gated) {
    sum.parameters = {{w.h}};
    sum.saved = {{w.h}};
  } else {
    sum.backward_elements.clear();
  }
  list.add(std::move(sum));
}

std::vector<Op> ops(const LayerInput& input) {
  const Widths w = widths_of(input.model);
  OpList list(input);
  if (input.model.norms_per_layer >= 2) list.add(norm(input, "ffn_norm"));
  add_router(input, w, list);
  list.add(dispatch(input, w));
  add_experts(input, w, list);
  list.add(combine(input, w));
  if (w.shared > 0.0) add_shared(input, w, list);
  if (input.model.norms_per_layer >= 4) list.add(norm(input, "ffn_post_norm"));
  list.add(residual(input, "ffn_residual"));
  return list.take();
}

}  // namespace

extern const Layer moe;
const Layer moe{
    .name = "moe",
    .description = "routed experts in grouped products, and shared experts beside them",
    .ops = ops,
};

}  // namespace orrery::layers
