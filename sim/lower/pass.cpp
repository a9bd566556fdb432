#include "lower/pass.hpp"

#include <utility>

namespace orrery {

namespace {

constexpr std::uint16_t compute_lane = 0;

}  // namespace

TemplateKey template_key(const Plan& plan, const PlacedLayer& layer) {
  return {layer.plan, load_of(plan, layer) == nullptr ? none_16 : layer.number};
}

Pass::Pass(const PassTools& tools, const PassPlan& plan, const WaitSet& pending)
    : tools_(tools),
      plan_(plan),
      options_{.micro_batch = plan.step.micro_batch,
               .layer = none_16,
               .chunk = plan.step.chunk,
               .waits = {}},
      pending_(pending),
      last_(tools.stage.script.last(compute_lane)) {
  delays_ = plan.runs_beside && !plan.completes_gradients && tools.stage.plan.strategy.delay_wgrad;
  if (is_half(StepKind::forward)) {
    plan_forward();
  } else if (is_half(StepKind::backward_weight)) {
    plan_weights();
  } else {
    plan_backward();
  }
}

const LayerTemplate& Pass::layer_template(std::size_t layer) const {
  return tools_.templates.at(template_key(tools_.stage.plan, plan_.chunk.layers[layer]));
}

// ---- What there is to do ------------------------------------------------------------------------

bool Pass::travels(const std::vector<ExchangeStamp>& stamps) const {
  if (!plan_.runs_beside) return false;
  const std::uint16_t expert_lane = tools_.stage.script.lane(lane_name(GroupAxis::ep));
  for (const ExchangeStamp& stamp : stamps) {
    if (stamp.lane == expert_lane) return true;
  }
  return false;
}

void Pass::add(void (Pass::*run)(const Part&), std::size_t layer, const OpStamp* op, bool travels) {
  parts_.push_back({run, layer, op, travels});
}

void Pass::plan_forward() {
  for (std::size_t layer = 0; layer < plan_.chunk.layers.size(); ++layer) {
    add(&Pass::enter_forward, layer, nullptr, false);
    for (const OpStamp& op : layer_template(layer).ops) {
      add(&Pass::gather_input, layer, &op, travels(op.before_forward));
      add(&Pass::run_forward, layer, &op, travels(op.after_forward));
    }
    add(&Pass::leave_forward, layer, nullptr, false);
  }
}

/// The ops from `begin` to before `end` run forward again.
void Pass::plan_rebuild(std::size_t layer, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    const OpStamp& op = layer_template(layer).ops[i];
    add(&Pass::gather_input, layer, &op, travels(op.before_forward));
    add(&Pass::run_again, layer, &op, travels(op.after_forward));
  }
}

void Pass::plan_backward_op(std::size_t layer, const OpStamp& op) {
  add(&Pass::gather_gradient, layer, &op, travels(op.before_backward));
  add(&Pass::run_input_gradient, layer, &op, travels(op.after_backward));
  add(&Pass::run_weight_gradient, layer, &op, false);
}

void Pass::plan_backward() {
  for (std::size_t layer = plan_.chunk.layers.size(); layer-- > 0;) {
    add(&Pass::enter_backward, layer, nullptr, false);
    const std::vector<OpStamp>& ops = layer_template(layer).ops;
    std::size_t rebuilt_from = ops.size();
    for (std::size_t i = ops.size(); i-- > 0;) {
      if (ops[i].recomputed && i < rebuilt_from) {
        // The whole run of recomputed ops that ends here runs forward again.
        rebuilt_from = i;
        while (rebuilt_from > 0 && ops[rebuilt_from - 1].recomputed) --rebuilt_from;
        plan_rebuild(layer, rebuilt_from, i + 1);
      }
      plan_backward_op(layer, ops[i]);
    }
    add(&Pass::leave_backward, layer, nullptr, false);
  }
}

/// The weight gradients of a layer, each beside the gathering for the next.
void Pass::plan_weights() {
  for (std::size_t layer = plan_.chunk.layers.size(); layer-- > 0;) {
    add(&Pass::enter_backward, layer, nullptr, false);
    const std::vector<OpStamp>& ops = layer_template(layer).ops;
    bool gathers = false;
    for (std::size_t i = ops.size(); i-- > 0;) {
      if (ops[i].weight_gradient.empty()) continue;
      add(&Pass::gather_operand, layer, &ops[i], false);
      if (gathers) add(&Pass::run_gathered, layer, nullptr, false);
      gathers = true;
    }
    if (gathers) add(&Pass::run_gathered, layer, nullptr, false);
    add(&Pass::leave_backward, layer, nullptr, false);
  }
}

void Pass::advance() {
  bool travels = false;
  while (!is_done() && !travels) {
    const Part& part = parts_[next_++];
    (this->*part.run)(part);
    travels = part.travels;
  }
  options_.layer = is_done() ? none_16 : options_.layer;
}

void Pass::finish() {
  while (!is_done()) advance();
  run_delayed();
}

// ---- Tasks --------------------------------------------------------------------------------------

void Pass::compute(KindId kind) {
  TaskOptions options = options_;
  options.waits = pending_;
  last_ = tools_.stage.script.append(compute_lane, kind, options);
  pending_ = {};
}

void Pass::compute_all(const std::vector<KindId>& kinds) {
  for (const KindId kind : kinds) compute(kind);
}

/// Queued behind what the pass has computed so far and behind what its next computation waits for.
TaskPlace Pass::exchange(const ExchangeStamp& stamp) {
  TaskOptions options = options_;
  options.waits = pending_;
  options.waits.add(last_);
  return tools_.stage.script.append(stamp.lane, stamp.kind, options);
}

/// One after the other; what comes after must wait for what is returned.
WaitSet Pass::exchange_beside(const std::vector<ExchangeStamp>& stamps) {
  const WaitSet before = pending_;
  WaitSet done;
  for (const ExchangeStamp& stamp : stamps) {
    done.add(exchange(stamp));
    pending_.add(done);
  }
  pending_ = before;
  return done;
}

/// Sends the rank's block to the next rank and takes in that of the rank before.
TaskPlace Pass::pass_on(const RingStamp& ring, const RingStepStamp& step) {
  TaskOptions options = options_;
  options.waits = pending_;
  options.waits.add(last_);
  tools_.stage.script.append(ring.send_lane, step.send, options);
  return tools_.stage.script.append(ring.receive_lane, step.receive, options);
}

/// The kernels one after the other, or in steps beside a ring. There a block goes on when it has
/// come and the kernels of the step before have ended: they made what is sent, or worked on the
/// block whose room the next one takes.
void Pass::run_kernels(const RingStamp& ring, const std::vector<KindId>& kernels) {
  if (ring.steps.empty()) return compute_all(kernels);
  const bool works_on_arrivals = ring.arrivals == Ring::Arrivals::worked_on;
  TaskPlace arrived;
  std::size_t next = 0;
  for (const RingStepStamp& step : ring.steps) {
    TaskPlace arriving;
    if (works_on_arrivals) pending_.add(arrived);
    if (step.travels) arriving = pass_on(ring, step);
    while (next < step.end.kernels) compute(kernels[next++]);
    if (next < step.end.merges) pending_.add(arriving);
    while (next < step.end.merges) compute(kernels[next++]);
    arrived = arriving;
  }
}

void Pass::hold(Bytes bytes) {
  if (bytes == Bytes(0)) return;
  const KindId kind = tools_.stage.allocate(MemoryCategory::activations, bytes);
  last_ = tools_.stage.script.append(compute_lane, kind, options_);
}

void Pass::give_back(Bytes bytes) {
  if (bytes == Bytes(0)) return;
  const KindId kind = tools_.stage.release(MemoryCategory::activations, bytes);
  last_ = tools_.stage.script.append(compute_lane, kind, options_);
}

void Pass::enter_unit(std::size_t layer) {
  options_.layer = plan_.chunk.layers[layer].number;
  if (!tools_.units.divides()) return;
  pending_.add(tools_.units.enter(over(layer), options_));
  last_ = tools_.stage.script.last(compute_lane);
}

void Pass::leave_unit(std::size_t layer) {
  if (!tools_.units.divides()) return;
  tools_.units.leave(over(layer), options_);
  last_ = tools_.stage.script.last(compute_lane);
}

// ---- Forward ------------------------------------------------------------------------------------

void Pass::enter_forward(const Part& part) {
  const bool trains = tools_.stage.plan.training();
  enter_unit(part.layer);
  pending_.add(tools_.replicas.parameters_of(plan_.step.chunk, part.layer));
  hold(layer_template(part.layer).held +
       (trains ? Bytes(0) : layer_template(part.layer).transient));
}

void Pass::leave_forward(const Part& part) {
  if (!tools_.stage.plan.training()) give_back(layer_template(part.layer).transient);
  if (tools_.offloaded.any()) {
    tools_.offloaded.leave_forward(plan_.step.chunk, part.layer, options_);
    last_ = tools_.stage.script.last(compute_lane);
  }
  leave_unit(part.layer);
}

void Pass::gather_input(const Part& part) {
  pending_.add(exchange_beside(part.op->before_forward));
}

void Pass::run_forward(const Part& part) {
  if (part.op->once && !is_first()) return;
  forward_op(*part.op, part.op->forward);
}

void Pass::run_again(const Part& part) {
  if (!part.op->once) forward_op(*part.op, part.op->forward_again);
}

/// Whether no micro-batch of its direction went through the chunk before it.
bool Pass::is_first() const {
  const std::int64_t half = tools_.stage.plan.micro_batches / 2;
  return options_.micro_batch == plan_.chunk.virtual_stage.direction * half;
}

void Pass::forward_op(const OpStamp& op, const std::vector<KindId>& kernels) {
  compute_all(op.take_workspace);
  run_kernels(op.forward_ring, kernels);
  compute_all(op.give_workspace);
  pending_.add(exchange_beside(op.after_forward));
}

// ---- Backward -----------------------------------------------------------------------------------

void Pass::enter_backward(const Part& part) {
  if (tools_.offloaded.any()) {
    options_.layer = plan_.chunk.layers[part.layer].number;
    pending_.add(tools_.offloaded.enter_backward(plan_.step.chunk, part.layer, options_));
    last_ = tools_.stage.script.last(compute_lane);
  }
  enter_unit(part.layer);
  if (!is_half(StepKind::backward_weight)) hold(layer_template(part.layer).rebuilt);
}

void Pass::leave_backward(const Part& part) {
  const LayerTemplate& layer = layer_template(part.layer);
  const Bytes held = layer.held + layer.rebuilt;
  if (is_half(StepKind::backward_input)) {
    if (held > layer.until_weights) give_back(held - layer.until_weights);
    if (held < layer.until_weights) hold(layer.until_weights - held);
    leave_unit(part.layer);
    return;
  }
  owed_ += is_half(StepKind::backward_weight) ? layer.until_weights : held;
  if (weights_.empty()) run_delayed();
  leave_unit(part.layer);
  if (!plan_.completes_gradients || tools_.units.divides()) return;
  tools_.replicas.gradients_ready(plan_.step.chunk, part.layer, last_);
}

void Pass::gather_gradient(const Part& part) {
  gradients_ = {};
  operand_ = {};
  for (const ExchangeStamp& stamp : part.op->before_backward) {
    const bool everything = stamp.needed_for == Exchange::For::everything;
    if (!everything && is_half(StepKind::backward_input)) continue;
    (everything ? gradients_ : operand_).add(exchange(stamp));
  }
  if (part.travels) run_delayed();
}

void Pass::run_input_gradient(const Part& part) {
  const OpStamp& op = *part.op;
  pending_.add(gradients_);
  compute_all(op.take_backward_workspace);
  run_kernels(op.backward_ring, op.input_gradient);
  compute_all(op.give_backward_workspace);
  // What is sent on needs the input gradient alone: it travels while the weight gradient is
  // computed.
  sent_ = {};
  for (const ExchangeStamp& stamp : op.after_backward) sent_.add(exchange(stamp));
  if (part.travels) run_delayed();
}

void Pass::run_weight_gradient(const Part& part) {
  const OpStamp& op = *part.op;
  const bool here = !is_half(StepKind::backward_input) && !op.weight_gradient.empty();
  if (here && delays_) {
    weights_.push_back({&op, options_.layer, operand_});
  } else if (here) {
    run_weights({&op, options_.layer, operand_});
  }
  pending_.add(sent_);
}

void Pass::gather_operand(const Part& part) {
  WaitSet gathered;
  for (const ExchangeStamp& stamp : part.op->before_backward) {
    if (stamp.needed_for == Exchange::For::weight_gradient) gathered.add(exchange(stamp));
  }
  weights_.push_back({part.op, options_.layer, gathered});
}

void Pass::run_gathered(const Part&) {
  run_weights(weights_.front());
  weights_.pop_front();
}

void Pass::run_weights(const WeightGradient& weights) {
  const std::uint16_t layer = std::exchange(options_.layer, weights.layer);
  pending_.add(weights.gathered);
  compute_all(weights.op->weight_gradient);
  options_.layer = layer;
}

/// They need nothing that is still on its way but what was gathered for them.
void Pass::run_delayed() {
  const WaitSet before = pending_;
  const bool any = !weights_.empty();
  if (any) pending_ = {};
  for (; !weights_.empty(); weights_.pop_front()) run_weights(weights_.front());
  give_back(owed_);
  owed_ = Bytes(0);
  if (any) pending_ = before;
}

// ---- Two passes ---------------------------------------------------------------------------------

void run_together(Pass& forward, Pass& backward) {
  while (!forward.is_done() || !backward.is_done()) {
    backward.advance();
    forward.advance();
  }
  forward.finish();
  backward.finish();
}

}  // namespace orrery
