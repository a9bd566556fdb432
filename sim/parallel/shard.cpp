#include "parallel/shard.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// Divides sizes as all dimensions together do in one region.
class Divider {
 public:
  Divider(Region region, const ShardInput& input) : region_(region), input_(input) {}

  void divide(Extent& extent) const {
    extent.size *= replicas(extent.axis) / (divisor(extent.axis) * divisor(extent.second));
  }
  void divide(std::vector<Extent>& extents) const {
    for (Extent& extent : extents) divide(extent);
  }

 private:
  /// Slots for experts, for each expert.
  double replicas(Axis axis) const {
    if (axis != Axis::experts || input_.strategy.redundant_experts == 0) return 1.0;
    const auto experts = static_cast<double>(input_.model.experts->experts);
    return (experts + static_cast<double>(input_.strategy.redundant_experts)) / experts;
  }

  double divisor(Axis axis) const {
    double product = 1.0;
    for (const Dimension* dimension : registered_dimensions()) {
      product *= static_cast<double>(dimension->divides(axis, region_, input_));
    }
    return product;
  }

  Region region_;
  const ShardInput& input_;
};

/// Parameters of attention itself are held as those around it: by every rank of cp.
Region home_of_parameters(Region region) {
  return region == Region::attention ? Region::tensor : region;
}

Op divided(Op op, const ShardInput& input) {
  const Divider divider(op.region, input);
  for (Extent* extent : {&op.n, &op.n_more, &op.k, &op.heads, &op.kv_heads, &op.experts}) {
    divider.divide(*extent);
  }
  for (auto* extents : {&op.forward_elements, &op.backward_elements, &op.saved, &op.workspace}) {
    divider.divide(*extents);
  }
  Divider(home_of_parameters(op.region), input).divide(op.parameters);
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
    if (!more.forward_ring.sent.empty()) all.forward_ring = more.forward_ring;
    if (!more.backward_ring.sent.empty()) all.backward_ring = more.backward_ring;
    all.forward_buffers += more.forward_buffers;
    all.backward_buffers += more.backward_buffers;
  }
  return all;
}

Bytes to_bytes(double bytes) { return Bytes(std::llround(bytes)); }

bool alternates(const Strategy& strategy) {
  return strategy.recompute == Recompute::selective && strategy.recomputes(alternate_products);
}

/// Which ops selective recomputation runs again: those of the modules it names. Full recomputation
/// is of transformer layers; the head at the end of a layer that predicts ahead is none. Where
/// products alternate, plan_layer counts them.
bool is_recomputed(const Op& op, const Strategy& strategy) {
  const bool of_head = op.module == "output_projection" || op.module == "loss";
  if (of_head) return false;
  if (strategy.recompute == Recompute::full) return true;
  const bool kept = op.kind == OpKind::product || op.kind == OpKind::attention;
  if (alternates(strategy) && !kept) return true;
  return strategy.recompute == Recompute::selective && strategy.recomputes(op.module);
}

/// What attention makes is counted with the projection that needs it. Where that may run again and
/// attention does not, it is attention's.
void keep_with_attention(std::vector<Op>& ops) {
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (ops[i].kind != OpKind::attention) continue;
    const auto projection =
        std::find_if(ops.begin() + static_cast<std::ptrdiff_t>(i), ops.end(),
                     [](const Op& op) { return op.module == "attention_projection"; });
    if (projection == ops.end()) continue;
    ops[i].saved.insert(ops[i].saved.end(), projection->saved.begin(), projection->saved.end());
    projection->saved.clear();
  }
}

Bytes scaled(Bytes bytes, double factor) {
  return factor == 1.0 ? bytes : to_bytes(static_cast<double>(bytes.value()) * factor);
}

bool is_product(const Op& op) {
  return op.kind == OpKind::product || op.kind == OpKind::grouped_product;
}

/// The product that takes what `ops[i]` keeps, with nothing but casts and rotations between; null
/// if none does.
const Op* taker_of(const std::vector<Op>& ops, std::size_t i) {
  for (std::size_t j = i + 1; j < ops.size(); ++j) {
    if (is_product(ops[j])) return &ops[j];
    if (!ops[j].saved.empty() || ops[j].kind == OpKind::attention) return nullptr;
  }
  return nullptr;
}

/// Products of fewer than 16 bits keep their operand in their own type. Where the op before made it
/// for them alone (a norm, an activation, rows gathered for experts) that is all that is kept;
/// attention needs its result in 16 bits itself, and the operand is kept beside it.
void keep_operands_narrow(std::vector<Op>& ops, const Job& job) {
  const double width = bytes_per_element(job.precision) / activation_element_bytes(job);
  if (!job.trains() || width >= 1.0) return;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op* product = is_product(ops[i]) || ops[i].leaves ? nullptr : taker_of(ops, i);
    if (product == nullptr || !product->narrow) continue;
    const double change = ops[i].kind == OpKind::attention ? width : width - 1.0;
    const bool moves_bytes =
        ops[i].kind == OpKind::memory_bound || ops[i].kind == OpKind::weight_cast;
    if (moves_bytes && ops[i].saved.empty()) continue;
    ops[i].saved.push_back({change * product->k.size, product->k.axis});
  }
}

void count_parameters(const ShardedOp& op, const Strategy& strategy, LayerPlan& plan) {
  const Region region = op.op.region;
  (region == Region::expert ? plan.expert_parameters : plan.dense_parameters) += op.parameters;
  if (is_product(op.op) && op.op.narrow) {
    (region == Region::expert ? plan.narrow_expert : plan.narrow_dense) += op.parameters;
  }
  const bool partial = region == Region::sequence && strategy.sp && strategy.tp > 1;
  if (partial) plan.summed_parameters += op.parameters;
}

/// The operand that a product keeps for its weight gradient is a share of the sequence where it is
/// gathered again for it.
double gathered_over(const ShardedOp& op, const Strategy& strategy) {
  for (const Exchange& exchange : op.exchanges.before_backward) {
    const bool again = exchange.needed_for == Exchange::For::weight_gradient;
    if (again && exchange.group == GroupAxis::tp) return static_cast<double>(strategy.tp);
  }
  return 1.0;
}

/// Bytes of both operands of the layer's weight gradients: the products' inputs, which products one
/// after another share, and the gradients of their outputs (Qi et al., ICLR 2024, table 1: 32·s·b·h
/// of a GPT layer's 34·s·b·h).
double weight_operands(const std::vector<ShardedOp>& ops, const PlanInput& input) {
  double bytes = 0.0;
  const ShardedOp* before = nullptr;  // the product before, if nothing but casts lies between
  for (const ShardedOp& sharded : ops) {
    const Op& op = sharded.op;
    const bool moves_bytes = op.kind == OpKind::memory_bound || op.kind == OpKind::weight_cast;
    const bool casts = moves_bytes && op.saved.empty();
    if (!is_product(op)) {
      before = casts ? before : nullptr;
      continue;
    }
    const double width =
        op.narrow && input.job.precision != NumberType::tf32
            ? std::min(bytes_per_element(input.job.precision), activation_element_bytes(input.job))
            : activation_element_bytes(input.job);
    const bool shares = before != nullptr && before->op.k.size == op.k.size;
    const double rows = sharded.rows;
    if (!shares) bytes += rows * op.k.size * width / gathered_over(sharded, input.strategy);
    bytes += rows * (op.n.size + op.n_more.size) * width;
    before = &sharded;
  }
  return bytes;
}

/// Rows of each expert of the rank that has any.
std::vector<double> rows_by_expert(const ShardedOp& op, const RankLoad& load) {
  std::vector<double> rows;
  if (load.layer == nullptr || load.layer->picked == 0) return rows;
  // A rank's copies, as counts of whole tokens have them and as they are.
  const double scale =
      op.tokens * static_cast<double>(load.layer->ranks) / static_cast<double>(load.layer->picked);
  for (const std::int64_t count : load.layer->rows_of(load.rank)) {
    if (count > 0) rows.push_back(static_cast<double>(count) * scale);
  }
  return rows;
}

/// A row of the residual stream for each token that a rank holds between regions.
Bytes boundary_of(const PlanInput& input) {
  Op row;
  row.region = Region::sequence;
  const ShardInput here{input.model, input.strategy, input.job, {}};
  return to_bytes(region_tokens(row, here) * static_cast<double>(input.model.hidden) *
                  activation_element_bytes(input.job));
}

ShardInput shard_input(const PlanInput& input, const RankLoad& load) {
  ShardInput out{input.model, input.strategy, input.job, {}};
  if (load.layer != nullptr) {
    out.experts = {load.layer->over_even(load.rank), load.layer->sent(),
                   load.layer->imbalance() > 1.0};
  }
  return out;
}

}  // namespace

double expert_copies(const PlanInput& input) {
  Op row;
  row.region = Region::expert;
  row.tokens_factor = static_cast<double>(input.model.experts->top_k);
  return region_tokens(row, {input.model, input.strategy, input.job, {}});
}

ShardedOp shard(const Op& whole, const PlanInput& plan_input, const RankLoad& load) {
  const ShardInput input = shard_input(plan_input, load);
  const bool in_expert = whole.region == Region::expert;
  ShardedOp out;
  out.op = divided(whole, input);
  out.tokens = region_tokens(out.op, input);
  out.rows = out.tokens * (in_expert ? input.experts.rows : 1.0);
  if (whole.kind == OpKind::grouped_product) out.expert_rows = rows_by_expert(out, load);
  out.exchanges = all_exchanges(out.op, out.tokens, input);
  out.parameters = sum_of(out.op.parameters);
  const double bytes = activation_element_bytes(input.job);
  const double scores = out.op.saved_bytes_per_score * out.op.heads.size *
                        static_cast<double>(input.job.sequence_length);
  const double saved = sum_of(out.op.saved) * bytes + out.op.saved_bytes + scores;
  out.saved = to_bytes(saved * out.rows);
  const double workspace = sum_of(out.op.workspace) * bytes + out.op.workspace_bytes;
  // Buffers of gathered tokens are as large as an even routing needs them, whoever gets the tokens.
  out.workspace = to_bytes(workspace * out.tokens) + out.exchanges.forward_buffers;
  out.backward_workspace = to_bytes(workspace * out.tokens) + out.exchanges.backward_buffers;
  const double sharers = static_cast<double>(input.strategy.tp * input.strategy.cp);
  out.model_flops = forward_flops_per_token(whole, input.job) * whole.tokens_factor *
                    micro_batch_tokens(input.job) / sharers;
  out.recomputed = is_recomputed(whole, input.strategy);
  return out;
}

LayerPlan plan_layer(std::string name, std::vector<Op> ops, Recomputable recomputable,
                     const PlanInput& input, const RankLoad& load) {
  LayerPlan plan;
  plan.name = std::move(name);
  plan.recomputable = recomputable;
  const bool alternate = alternates(input.strategy);
  if (alternate) keep_with_attention(ops);
  keep_operands_narrow(ops, input.job);
  const double lost = 1.0 + input.software.allocator_overhead;
  Bytes previous;
  std::int64_t products = 0;
  for (const Op& op : ops) {
    ShardedOp sharded = shard(op, input, load);
    if (alternate && op.kind == OpKind::product) sharded.recomputed |= ++products % 2 == 0;
    sharded.recomputed &= recomputable == Recomputable::yes;
    const Bytes produced = scaled(sharded.saved, lost);
    sharded.workspace = scaled(sharded.workspace, lost);
    sharded.backward_workspace = scaled(sharded.backward_workspace, lost);
    plan.transient = std::max(plan.transient, previous + produced);
    previous = produced;
    sharded.saved = input.job.trains() ? produced : Bytes(0);
    count_parameters(sharded, input.strategy, plan);
    (sharded.recomputed ? plan.rebuilt : plan.saved) += sharded.saved;
    plan.ops.push_back(std::move(sharded));
  }
  plan.boundary = boundary_of(input);
  if (input.job.trains()) {
    plan.until_weights = scaled(to_bytes(weight_operands(plan.ops, input)), lost);
  }
  // Nothing else keeps it: the layer before is rebuilt as well. Layers that keep their results
  // leave them to the next.
  plan.holds_input = input.job.trains() && recomputable == Recomputable::yes &&
                     (input.strategy.recompute == Recompute::full || alternate);
  if (plan.holds_input) plan.saved += scaled(plan.boundary, lost);
  return plan;
}

}  // namespace orrery
