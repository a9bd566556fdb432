#include "lower/stage.hpp"

#include "base/check.hpp"
#include "lower/layer_template.hpp"
#include "lower/replicas.hpp"
#include "lower/sharded_units.hpp"

#include <algorithm>
#include <map>

namespace orrery {

namespace {

constexpr std::uint16_t compute_lane = 0;

class StageLowering {
 public:
  StageLowering(const Plan& plan, StageTools& tools)
      : plan_(plan),
        tools_(tools),
        stage_(plan.stages[static_cast<std::size_t>(tools.stage)]),
        replicas_(tools, stage_),
        units_(tools, stage_) {
    for (const ChunkPlan& chunk : stage_.chunks) {
      for (const PlacedLayer& layer : chunk.layers) {
        if (templates_.contains(layer.plan)) continue;
        templates_.emplace(layer.plan, make_template(plan_.layers[layer.plan], tools_));
      }
    }
  }

  void lower();

 private:
  void run(const Step& step);
  void run_forward(const ChunkPlan& chunk);
  void run_backward(const ChunkPlan& chunk);
  LayerPass pass_over(std::size_t layer) const;
  void forward_layer(const PlacedLayer& layer, TaskPlace parameters);
  void backward_layer(const PlacedLayer& layer);
  void forward_op(const OpStamp& op, bool again);
  void input_gradient(const OpStamp& op, const WaitSet& gathered);
  void weight_gradient(const OpStamp& op, const WaitSet& gathered);
  void backward_op(const OpStamp& op);

  void compute(KindId kind);
  void compute_all(const std::vector<KindId>& kinds);
  TaskPlace exchange(const ExchangeStamp& stamp);
  WaitSet exchange_beside(const std::vector<ExchangeStamp>& stamps);
  void run_pass(const RingStamp& ring, const std::vector<KindId>& kernels);
  TaskPlace pass_on(const RingStamp& ring, const RingStepStamp& step);
  void hold(Bytes bytes);
  void give_back(Bytes bytes);

  enum class Toward : std::uint8_t { later, earlier };
  void receive(GroupKind::What what, const ChunkPlan& chunk, Toward toward);
  void send(GroupKind::What what, const ChunkPlan& chunk, Toward toward);
  void transfer(GroupKind::What what, std::int64_t from, std::int64_t to, const WaitSet& waits);
  StagePlace place_of(std::int64_t virtual_stage) const {
    return plan_.schedule->place(plan_.pipeline, virtual_stage);
  }
  bool keeps_input(const ChunkPlan& chunk) const;
  bool ahead() const { return plan_.strategy.overlaps("pipeline"); }
  bool closes_pair(std::size_t step) const;

  const Plan& plan_;
  StageTools& tools_;
  const StagePlan& stage_;
  Replicas replicas_;
  ShardedUnits units_;
  std::map<std::size_t, LayerTemplate> templates_;
  std::vector<Step> steps_;
  std::vector<std::size_t>
      last_backward_;      ///< by chunk: the step after which its gradients are whole
  WaitSet pending_;        ///< what the next computation must wait for
  WaitSet unsent_;         ///< sends that hold up what comes after the step, or the pair of steps
  TaskPlace before_step_;  ///< the last computation before the current step
  TaskPlace before_last_;  ///< and before the step ahead of it
  TaskOptions options_;    ///< micro-batch, layer and chunk of what is stamped
  StepKind part_ = StepKind::backward;  ///< which half of the backward is stamped
  std::size_t step_ = 0;
};

// ---- Tasks --------------------------------------------------------------------------------------

void StageLowering::compute(KindId kind) {
  TaskOptions options = options_;
  options.waits = pending_;
  tools_.script.append(compute_lane, kind, options);
  pending_ = {};
}

void StageLowering::compute_all(const std::vector<KindId>& kinds) {
  for (const KindId kind : kinds) compute(kind);
}

/// Queued behind what has been computed so far and behind what the next computation waits for.
TaskPlace StageLowering::exchange(const ExchangeStamp& stamp) {
  TaskOptions options = options_;
  options.waits = pending_;
  options.waits.add(tools_.script.last(compute_lane));
  return tools_.script.append(stamp.lane, stamp.kind, options);
}

/// One after the other; what comes after must wait for what is returned.
WaitSet StageLowering::exchange_beside(const std::vector<ExchangeStamp>& stamps) {
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
TaskPlace StageLowering::pass_on(const RingStamp& ring, const RingStepStamp& step) {
  TaskOptions options = options_;
  options.waits = pending_;
  options.waits.add(tools_.script.last(compute_lane));
  tools_.script.append(ring.send_lane, step.send, options);
  return tools_.script.append(ring.receive_lane, step.receive, options);
}

/// The kernels one after the other, or in steps beside a ring. There a block goes on when it has
/// come and the kernels of the step before have ended: they made what is sent, or worked on the
/// block whose room the next one takes.
void StageLowering::run_pass(const RingStamp& ring, const std::vector<KindId>& kernels) {
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

void StageLowering::hold(Bytes bytes) {
  if (bytes == Bytes(0)) return;
  tools_.script.append(compute_lane, tools_.allocate(MemoryCategory::activations, bytes), options_);
}

void StageLowering::give_back(Bytes bytes) {
  if (bytes == Bytes(0)) return;
  tools_.script.append(compute_lane, tools_.release(MemoryCategory::activations, bytes), options_);
}

// ---- Layers -------------------------------------------------------------------------------------

void StageLowering::forward_op(const OpStamp& op, bool again) {
  if (op.once && (again || options_.micro_batch != 0)) return;
  pending_.add(exchange_beside(op.before_forward));
  compute_all(op.take_workspace);
  run_pass(op.forward_ring, again ? op.forward_again : op.forward);
  compute_all(op.give_workspace);
  pending_.add(exchange_beside(op.after_forward));
}

void StageLowering::forward_layer(const PlacedLayer& placed, TaskPlace parameters) {
  const LayerTemplate& layer = templates_.at(placed.plan);
  const Bytes transient = plan_.training() ? Bytes(0) : plan_.layers[placed.plan].transient;
  pending_.add(parameters);
  hold(layer.held + transient);
  for (const OpStamp& op : layer.ops) forward_op(op, false);
  give_back(transient);
}

void StageLowering::input_gradient(const OpStamp& op, const WaitSet& gathered) {
  pending_.add(gathered);
  compute_all(op.take_backward_workspace);
  run_pass(op.backward_ring, op.input_gradient);
  compute_all(op.give_backward_workspace);
}

void StageLowering::weight_gradient(const OpStamp& op, const WaitSet& gathered) {
  if (op.weight_gradient.empty()) return;
  pending_.add(gathered);
  compute_all(op.weight_gradient);
}

void StageLowering::backward_op(const OpStamp& op) {
  WaitSet gathered;   // for the weight gradient alone
  WaitSet gradients;  // for both
  if (part_ != StepKind::backward_weight) {
    for (const ExchangeStamp& stamp : op.before_backward) {
      const bool everything = stamp.needed_for == Exchange::For::everything;
      (everything ? gradients : gathered).add(exchange(stamp));
    }
    input_gradient(op, gradients);
  }
  // What is sent on needs the input gradient alone: it travels while the weight gradient is
  // computed.
  WaitSet sent;
  if (part_ != StepKind::backward_weight) {
    for (const ExchangeStamp& stamp : op.after_backward) sent.add(exchange(stamp));
  }
  if (part_ != StepKind::backward_input) weight_gradient(op, gathered);
  pending_.add(sent);
}

void StageLowering::backward_layer(const PlacedLayer& placed) {
  const LayerTemplate& layer = templates_.at(placed.plan);
  if (part_ != StepKind::backward_weight) hold(layer.rebuilt);
  std::size_t rebuilt_from = layer.ops.size();
  for (std::size_t i = layer.ops.size(); i-- > 0;) {
    const bool rebuild = layer.ops[i].recomputed && part_ != StepKind::backward_weight;
    if (rebuild && i < rebuilt_from) {
      // The whole run of recomputed ops that ends here runs forward again.
      rebuilt_from = i;
      while (rebuilt_from > 0 && layer.ops[rebuilt_from - 1].recomputed) --rebuilt_from;
      for (std::size_t j = rebuilt_from; j <= i; ++j) forward_op(layer.ops[j], true);
    }
    backward_op(layer.ops[i]);
  }
  if (part_ != StepKind::backward_input) give_back(layer.held + layer.rebuilt);
}

// ---- Between stages -----------------------------------------------------------------------------

void StageLowering::transfer(GroupKind::What what, std::int64_t from, std::int64_t to,
                             const WaitSet& waits) {
  const GroupKind kind{what, GroupAxis::tp, from, to};
  const bool sends = from == tools_.stage;
  const OperationSpec operation{what == GroupKind::What::activation ? "activation" : "gradient",
                                CollectiveKind::send_recv, plan_.boundary_bytes, Component::pp};
  const std::uint16_t lane = tools_.script.lane((sends ? "send " : "receive ") + slot_name(kind));
  TaskOptions options = options_;
  options.waits = waits;
  const TaskPlace done = tools_.script.append(lane, tools_.join(kind, operation), options);
  if (!sends) {
    pending_.add(done);
  } else if (!ahead()) {
    unsent_.add(done);
  }
}

/// `toward` where the data comes from.
void StageLowering::receive(GroupKind::What what, const ChunkPlan& chunk, Toward toward) {
  const std::int64_t source = chunk.virtual_stage + (toward == Toward::earlier ? -1 : 1);
  if (source < 0 || source >= plan_.pipeline.ranks * plan_.pipeline.chunks) return;
  const StagePlace from = place_of(source);
  if (from.rank == tools_.stage) return;
  WaitSet waits;
  waits.add(ahead() || closes_pair(step_) ? before_last_ : before_step_);
  transfer(what, from.rank, tools_.stage, waits);
}

void StageLowering::send(GroupKind::What what, const ChunkPlan& chunk, Toward toward) {
  const std::int64_t target = chunk.virtual_stage + (toward == Toward::earlier ? -1 : 1);
  if (target < 0 || target >= plan_.pipeline.ranks * plan_.pipeline.chunks) return;
  const StagePlace to = place_of(target);
  if (to.rank == tools_.stage) return;
  WaitSet waits = pending_;
  waits.add(tools_.script.last(compute_lane));
  transfer(what, tools_.stage, to.rank, waits);
}

/// A received input is kept for backward, unless the first layer counts it among its own.
bool StageLowering::keeps_input(const ChunkPlan& chunk) const {
  if (chunk.virtual_stage == 0 || chunk.layers.empty() || !plan_.training()) return false;
  return !plan_.layers[chunk.layers.front().plan].holds_input;
}

/// Interleaved schedules exchange once per pair of a forward and a backward (Megatron-Core's
/// send_forward_backward_recv_forward_backward); after each of the two, ranks would wait for one
/// another in a circle.
bool StageLowering::closes_pair(std::size_t step) const {
  return plan_.pipeline.chunks > 1 && step > 0 && step < steps_.size() &&
         steps_[step].kind != StepKind::forward && steps_[step - 1].kind == StepKind::forward;
}

// ---- Steps --------------------------------------------------------------------------------------

void StageLowering::run_forward(const ChunkPlan& chunk) {
  receive(GroupKind::What::activation, chunk, Toward::earlier);
  if (keeps_input(chunk)) hold(plan_.boundary_bytes);
  for (std::size_t i = 0; i < chunk.layers.size(); ++i) {
    options_.layer = chunk.layers[i].number;
    pending_.add(units_.enter(pass_over(i), options_));
    forward_layer(chunk.layers[i], replicas_.parameters_of(options_.chunk, i));
    units_.leave(pass_over(i), options_);
  }
  options_.layer = none_16;
  send(GroupKind::What::activation, chunk, Toward::later);
}

LayerPass StageLowering::pass_over(std::size_t layer) const {
  return {part_, options_.chunk, layer, step_ == last_backward_[options_.chunk]};
}

void StageLowering::run_backward(const ChunkPlan& chunk) {
  if (part_ != StepKind::backward_weight) {
    receive(GroupKind::What::gradient, chunk, Toward::later);
  }
  for (std::size_t i = chunk.layers.size(); i-- > 0;) {
    options_.layer = chunk.layers[i].number;
    pending_.add(units_.enter(pass_over(i), options_));
    backward_layer(chunk.layers[i]);
    units_.leave(pass_over(i), options_);
    if (pass_over(i).last && !units_.divides()) {
      replicas_.gradients_ready(options_.chunk, i, tools_.script.last(compute_lane));
    }
  }
  options_.layer = none_16;
  if (part_ != StepKind::backward_input && keeps_input(chunk)) give_back(plan_.boundary_bytes);
  if (part_ != StepKind::backward_weight) {
    send(GroupKind::What::gradient, chunk, Toward::earlier);
  }
}

void StageLowering::run(const Step& step) {
  options_ = {.micro_batch = step.micro_batch, .layer = none_16, .chunk = step.chunk, .waits = {}};
  if (!closes_pair(step_)) {
    pending_.add(unsent_);
    unsent_ = {};
  }
  const TaskPlace before = tools_.script.last(compute_lane);
  before_last_ = before_step_;
  before_step_ = before;
  const ChunkPlan& chunk = stage_.chunks[step.chunk];
  part_ = step.kind;
  if (step.kind == StepKind::forward) {
    run_forward(chunk);
  } else {
    run_backward(chunk);
  }
}

void StageLowering::lower() {
  steps_ = plan_.training() ? plan_.schedule->steps(plan_.pipeline, tools_.stage)
                            : forward_steps(plan_.pipeline);
  last_backward_ = last_backward_steps(steps_, stage_.chunks.size());
  for (std::size_t c = 0; c < memory_category_count; ++c) {
    tools_.script.hold(static_cast<MemoryCategory>(c), stage_.resident[c]);
  }
  replicas_.gather_ahead();
  for (step_ = 0; step_ < steps_.size(); ++step_) run(steps_[step_]);
  options_ = {};
  const WaitSet units_reduced = units_.finish();
  replicas_.finish(tools_.script.last(compute_lane), units_reduced);
}

}  // namespace

Script lower_stage(const Plan& plan, std::int64_t stage, ProgramBuilder& program,
                   OperationTables& operations, const KernelLowering& kernels) {
  ScriptBuilder script("stage " + std::to_string(stage));
  // The compute lane is lane 0 whatever is asked for first.
  script.lane("compute");
  StageTools tools{plan, stage, program, script, operations, kernels};
  StageLowering(plan, tools).lower();
  return std::move(script).finish();
}

}  // namespace orrery
