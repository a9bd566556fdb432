#include "lower/layer_template.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

KindId StageTools::join(const GroupKind& kind, const OperationSpec& operation, Role role) {
  const Communicate action{.slot = script.slot(slot_name(kind, role)),
                           .plan = operations.index_of(kind, operation)};
  return program.intern(Kind{.name = operation.name,
                             .component = operation.component,
                             .action = action,
                             .flops = 0.0,
                             .recomputed = false});
}

KindId StageTools::allocate(MemoryCategory category, Bytes bytes) {
  return program.intern(Kind{.name = fmt::format("allocate {}", to_string(category)),
                             .component = Component::other,
                             .action = Allocate{category, bytes},
                             .flops = 0.0,
                             .recomputed = false});
}

KindId StageTools::release(MemoryCategory category, Bytes bytes) {
  return program.intern(Kind{.name = fmt::format("release {}", to_string(category)),
                             .component = Component::other,
                             .action = Release{category, bytes},
                             .flops = 0.0,
                             .recomputed = false});
}

std::string_view lane_name(GroupAxis axis) {
  switch (axis) {
    case GroupAxis::tp:
      return "tensor";
    case GroupAxis::cp:
    case GroupAxis::cp_a2a:
    case GroupAxis::cp_p2p:
      return "context";
    case GroupAxis::ep:
    case GroupAxis::etp:
      return "expert";
    case GroupAxis::dp:
    case GroupAxis::expert_dp:
    case GroupAxis::model:
    case GroupAxis::world:
    case GroupAxis::embedding:
    case GroupAxis::dp_shard:
    case GroupAxis::expert_dp_shard:
      return "data";
    case GroupAxis::dp_replicate:
    case GroupAxis::expert_dp_replicate:
      return "replicate";
  }
  return "data";
}

CollectiveKind collective_kind(ExchangeKind kind) {
  switch (kind) {
    case ExchangeKind::all_reduce:
      return CollectiveKind::all_reduce;
    case ExchangeKind::all_gather:
      return CollectiveKind::all_gather;
    case ExchangeKind::reduce_scatter:
      return CollectiveKind::reduce_scatter;
    case ExchangeKind::all_to_all:
      return CollectiveKind::all_to_all;
    case ExchangeKind::dispatch:
      return CollectiveKind::dispatch;
    case ExchangeKind::combine:
      return CollectiveKind::combine;
  }
  return CollectiveKind::all_reduce;
}

TokenSpread token_spread(const Plan& plan, const LayerLoad* load) {
  const Experts& experts = *plan.model.experts;
  TokenSpread spread{.top_k = experts.top_k,
                     .experts = experts.experts,
                     .groups = experts.groups,
                     .top_groups = experts.top_groups,
                     .shares = {}};
  if (load != nullptr && load->imbalance() > 1.0) spread.shares = load->shares();
  return spread;
}

namespace {

/// How the plan's dispatcher carries tokens; decoding, which has few of them, by the kernels made
/// for that.
TokenExchange token_exchange(const Plan& plan, ExchangeKind kind, const LayerLoad* load) {
  if (kind != ExchangeKind::dispatch && kind != ExchangeKind::combine) return {};
  TokenExchange tokens;
  const bool decodes = plan.job.kind == JobKind::decode;
  const bool plain = plan.strategy.dispatcher == "alltoall";
  if (!plain) tokens.algorithm = plan.strategy.dispatcher;
  if (decodes && tokens.algorithm == "deepep") tokens.algorithm = "deepep_low_latency";
  tokens.spread = token_spread(plan, load);
  return tokens;
}

/// An op of a layer whose experts have this load.
struct NamedOp {
  std::string_view name;
  const LayerLoad* load;
};

std::vector<ExchangeStamp> stamps(const std::vector<Exchange>& exchanges, const NamedOp& op,
                                  StageTools& tools) {
  std::vector<ExchangeStamp> out;
  for (const Exchange& exchange : exchanges) {
    const GroupKind group{GroupKind::What::axis, exchange.group, tools.stage, tools.stage};
    const OperationSpec operation{fmt::format("{}.{}", op.name, exchange.name),
                                  collective_kind(exchange.kind), exchange.size, exchange.component,
                                  token_exchange(tools.plan, exchange.kind, op.load)};
    out.push_back({tools.script.lane(lane_name(exchange.group)), tools.join(group, operation),
                   exchange.needed_for});
  }
  return out;
}

RingStamp ring_stamp(const Ring& ring, const std::vector<StepEnd>& ends, std::string_view op,
                     StageTools& tools) {
  RingStamp out;
  if (ring.sent.empty()) return out;
  const std::string lane(lane_name(ring.group));
  out.send_lane = tools.script.lane(lane + " send");
  out.receive_lane = tools.script.lane(lane + " receive");
  out.arrivals = ring.arrivals;
  const GroupKind group{GroupKind::What::ring, ring.group, tools.stage, tools.stage};
  for (std::size_t i = 0; i < ring.sent.size(); ++i) {
    RingStepStamp& stamp = out.steps.emplace_back();
    stamp.end = ends[i];
    stamp.travels = ring.sent[i] > Bytes(0);
    if (!stamp.travels) continue;
    OperationSpec operation{fmt::format("{}.{}", op, ring.name), CollectiveKind::send_recv,
                            ring.sent[i], ring.component};
    operation.carrier = ring.carrier;
    stamp.send = tools.join(group, operation, Role::sender);
    stamp.receive = tools.join(group, operation, Role::receiver);
  }
  return out;
}

std::vector<KindId> intern_all(std::vector<Kind> kinds, StageTools& tools) {
  std::vector<KindId> ids;
  for (Kind& kind : kinds) ids.push_back(tools.program.intern(std::move(kind)));
  return ids;
}

std::vector<Kind> again(std::vector<Kind> kinds) {
  for (Kind& kind : kinds) {
    kind.name += ".recomputed";
    kind.recomputed = true;
  }
  return kinds;
}

OpStamp make_stamp(const ShardedOp& op, OpKernels kernels, const LayerLoad* load,
                   StageTools& tools) {
  const std::string& name = op.op.name;
  const NamedOp named{name, load};
  OpStamp stamp;
  stamp.recomputed = op.recomputed;
  stamp.once = op.op.once;
  stamp.before_forward = stamps(op.exchanges.before_forward, named, tools);
  stamp.after_forward = stamps(op.exchanges.after_forward, named, tools);
  stamp.forward_ring = ring_stamp(op.exchanges.forward_ring, kernels.forward_steps, name, tools);
  if (tools.plan.training()) {
    stamp.before_backward = stamps(op.exchanges.before_backward, named, tools);
    stamp.after_backward = stamps(op.exchanges.after_backward, named, tools);
    stamp.backward_ring =
        ring_stamp(op.exchanges.backward_ring, kernels.backward_steps, name, tools);
    if (op.recomputed) stamp.forward_again = intern_all(again(kernels.forward), tools);
    stamp.input_gradient = intern_all(std::move(kernels.input_gradient), tools);
    stamp.weight_gradient = intern_all(std::move(kernels.weight_gradient), tools);
  }
  stamp.forward = intern_all(std::move(kernels.forward), tools);
  if (op.workspace > Bytes(0)) {
    stamp.take_workspace = {tools.allocate(MemoryCategory::workspace, op.workspace)};
    stamp.give_workspace = {tools.release(MemoryCategory::workspace, op.workspace)};
  }
  if (op.backward_workspace > Bytes(0)) {
    const Bytes bytes = op.backward_workspace;
    stamp.take_backward_workspace = {tools.allocate(MemoryCategory::workspace, bytes)};
    stamp.give_backward_workspace = {tools.release(MemoryCategory::workspace, bytes)};
  }
  return stamp;
}

/// What runs once a step is in no micro-batch's way. Partial graphs capture everything but experts,
/// whose tokens are as many as come.
void launch_layer(const LayerPlan& layer, std::vector<OpKernels>& ops, const Plan& plan) {
  if (plan.strategy.cuda_graph == "full") return;
  const bool captures = plan.strategy.cuda_graph == "partial";
  std::vector<PassKernel> forward;
  std::vector<PassKernel> backward;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    const Op& op = layer.ops[i].op;
    if (op.once) continue;
    const bool from_host = !captures || op.region == Region::expert;
    for (Kind& kind : ops[i].forward) forward.push_back({&kind, from_host});
    for (Kind& kind : ops[i].input_gradient) backward.push_back({&kind, from_host});
    for (Kind& kind : ops[i].weight_gradient) backward.push_back({&kind, from_host});
  }
  launch_from_host(forward, quantize(plan.software.launch));
  launch_from_host(backward, quantize(plan.software.launch));
}

}  // namespace

LayerTemplate make_template(const PlacedLayer& placed, StageTools& tools) {
  const LayerPlan layer = layer_on(tools.plan, placed, tools.expert_rank);
  const LayerLoad* const load = load_of(tools.plan, placed);
  std::vector<OpKernels> kernels;
  for (const ShardedOp& op : layer.ops) kernels.push_back(tools.kernels.kernels(op));
  launch_layer(layer, kernels, tools.plan);
  LayerTemplate out;
  for (std::size_t i = 0; i < layer.ops.size(); ++i) {
    out.ops.push_back(make_stamp(layer.ops[i], std::move(kernels[i]), load, tools));
  }
  out.held = layer.saved;
  out.rebuilt = layer.rebuilt;
  out.until_weights = layer.until_weights;
  out.transient = layer.transient;
  return out;
}

}  // namespace orrery
