#include "parallel/shard.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

double divisor(Axis axis, const ShardInput& input) {
  double product = 1.0;
  for (const Dimension* dimension : registered_dimensions()) {
    product *= static_cast<double>(dimension->divides(axis, input));
  }
  return product;
}

Extent divided(Extent extent, const ShardInput& input) {
  extent.size /= divisor(extent.axis, input) * divisor(extent.second, input);
  return extent;
}

void divide_all(std::vector<Extent>& extents, const ShardInput& input) {
  for (Extent& extent : extents) extent = divided(extent, input);
}

Op divided(Op op, const ShardInput& input) {
  op.n = divided(op.n, input);
  op.n_more = divided(op.n_more, input);
  op.k = divided(op.k, input);
  op.heads = divided(op.heads, input);
  op.kv_heads = divided(op.kv_heads, input);
  op.experts = divided(op.experts, input);
  divide_all(op.forward_elements, input);
  divide_all(op.backward_elements, input);
  divide_all(op.parameters, input);
  divide_all(op.saved, input);
  divide_all(op.workspace, input);
  return op;
}

double sum_of(const std::vector<Extent>& extents) {
  double sum = 0.0;
  for (const Extent& extent : extents) sum += extent.size;
  return sum;
}

/// Tokens of one micro-batch of one data-parallel rank.
double micro_batch_tokens(const Job& job) {
  return static_cast<double>(job.micro_batch * job.tokens_per_sequence());
}

double region_tokens(const Op& op, const ShardInput& input) {
  double tokens = micro_batch_tokens(input.job) * op.tokens_factor;
  for (const Dimension* dimension : registered_dimensions()) {
    tokens *= dimension->token_share(op.region, input);
  }
  return tokens;
}

/// Tokens of the fullest rank: evenly drawn experts are not evenly full.
double fullest_share(const Op& op, double tokens, const ShardInput& input) {
  const bool uneven = op.region == Region::expert && input.job.routing.kind == RoutingKind::uniform;
  if (!uneven) return tokens;
  const auto ranks = static_cast<double>(input.strategy.ep);
  const double fullest = tokens * fullest_over_mean(tokens * ranks, ranks);
  const double capacity = input.job.routing.capacity_factor;
  return capacity > 0.0 ? std::min(fullest, tokens * capacity) : fullest;
}

void append(std::vector<Exchange>& to, const std::vector<Exchange>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

void prepend(std::vector<Exchange>& to, const std::vector<Exchange>& from) {
  to.insert(to.begin(), from.begin(), from.end());
}

/// Around the op: the first dimension is outermost, before and after.
Exchanges all_exchanges(const Op& op, double tokens, const ShardInput& input) {
  Exchanges all;
  for (const Dimension* dimension : registered_dimensions()) {
    const Exchanges more = dimension->exchanges(op, tokens, input);
    append(all.before_forward, more.before_forward);
    prepend(all.after_forward, more.after_forward);
    append(all.before_backward, more.before_backward);
    prepend(all.after_backward, more.after_backward);
  }
  return all;
}

Bytes to_bytes(double bytes) { return Bytes(std::llround(bytes)); }

/// Which ops selective recomputation runs again: those of the modules it names.
bool is_recomputed(const Op& op, const Strategy& strategy) {
  if (strategy.recompute == Recompute::full) return true;
  return strategy.recompute == Recompute::selective && strategy.recomputes(op.module);
}

}  // namespace

double fullest_over_mean(double items, double bins) {
  if (bins <= 1.0 || items <= 0.0) return 1.0;
  return 1.0 + std::sqrt(2.0 * std::log(bins) * bins / items);
}

ShardedOp shard(const Op& whole, const PlanInput& plan_input) {
  const ShardInput input{plan_input.model, plan_input.strategy, plan_input.job};
  ShardedOp out;
  out.op = divided(whole, input);
  out.tokens = region_tokens(out.op, input);
  out.fullest_tokens = fullest_share(out.op, out.tokens, input);
  out.exchanges = all_exchanges(out.op, out.fullest_tokens, input);
  out.parameters = sum_of(out.op.parameters);
  const double bytes = activation_element_bytes(input.job);
  const double scores = out.op.saved_bytes_per_score * out.op.heads.size *
                        static_cast<double>(input.job.sequence_length);
  const double saved = sum_of(out.op.saved) * bytes + out.op.saved_bytes + scores;
  out.saved = to_bytes(saved * out.fullest_tokens);
  const double workspace = sum_of(out.op.workspace) * bytes + out.op.workspace_bytes;
  out.workspace = to_bytes(workspace * out.fullest_tokens);
  const double sharers = static_cast<double>(input.strategy.tp * input.strategy.cp);
  out.model_flops = forward_flops_per_token(whole, input.job) * whole.tokens_factor *
                    micro_batch_tokens(input.job) / sharers;
  out.recomputed = is_recomputed(whole, input.strategy);
  return out;
}

LayerPlan plan_layer(std::string name, const std::vector<Op>& ops, Recomputable recomputable,
                     const PlanInput& input) {
  LayerPlan plan;
  plan.name = std::move(name);
  Bytes previous;
  for (const Op& op : ops) {
    ShardedOp sharded = shard(op, input);
    sharded.recomputed &= recomputable == Recomputable::yes;
    const Bytes produced = sharded.saved;
    plan.transient = std::max(plan.transient, previous + produced);
    previous = produced;
    if (!input.job.trains()) sharded.saved = Bytes(0);
    (op.region == Region::expert ? plan.expert_parameters : plan.dense_parameters) +=
        sharded.parameters;
    (sharded.recomputed ? plan.rebuilt : plan.saved) += sharded.saved;
    plan.ops.push_back(std::move(sharded));
  }
  const ShardInput shard_input{input.model, input.strategy, input.job};
  Op row;
  row.region = Region::sequence;
  plan.boundary = to_bytes(region_tokens(row, shard_input) *
                           static_cast<double>(input.model.hidden) * activation_element_bytes(input.job));
  // What is recomputed from the layer's input needs that input kept.
  if (input.job.trains() && plan.ops.front().recomputed) plan.saved += plan.boundary;
  return plan;
}

}  // namespace orrery
