#include "lower/stage.hpp"

#include "base/check.hpp"
#include "lower/pass.hpp"

#include <algorithm>
#include <optional>

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
        units_(tools, stage_),
        offloaded_(tools, stage_) {
    for (const ChunkPlan& chunk : stage_.chunks) {
      for (const PlacedLayer& layer : chunk.layers) {
        const TemplateKey key = template_key(plan_, layer);
        if (templates_.contains(key)) continue;
        templates_.emplace(key, make_template(layer, tools_));
      }
    }
  }

  void lower();

 private:
  void run(std::size_t step);
  void run_pair(std::size_t step);
  void begin_steps();
  Pass begin_pass(std::size_t step);
  void end_pass(Pass& pass);
  std::vector<std::size_t> chunk_order() const;

  enum class Toward : std::uint8_t { later, earlier };
  void receive(Pass& pass);
  void send(const Pass& pass);
  TaskPlace transfer(const GroupKind& kind, const TaskOptions& options);
  /// The virtual stage next to a chunk's; none at the end of the pipeline and on the same rank.
  std::optional<StagePlace> neighbour(const ChunkPlan& chunk, Toward toward) const;
  bool keeps_input(const ChunkPlan& chunk) const;
  bool ahead() const { return plan_.strategy.overlaps("pipeline"); }
  /// With one forward more ahead neighbours in chunks are no longer in step.
  bool waits_for_sends() const {
    const bool further = plan_.pipeline.pairing == Pairing::with_next && plan_.pipeline.chunks > 1;
    return !ahead() && plan_.schedule->in_step && !further;
  }
  bool pairs(std::size_t step) const {
    return plan_.pipeline.pairing == Pairing::with_next &&
           steps_[step].pairing == Pairing::with_next;
  }
  bool closes_pair(std::size_t step) const;

  const Plan& plan_;
  StageTools& tools_;
  const StagePlan& stage_;
  Replicas replicas_;
  ShardedUnits units_;
  OffloadedActivations offloaded_;
  LayerTemplates templates_;
  std::vector<Step> steps_;
  std::vector<std::size_t>
      last_backward_;      ///< by chunk: the step after which its gradients are whole
  WaitSet pending_;        ///< what the next pass must wait for
  WaitSet unsent_;         ///< sends that hold up what comes after the step, or the pair of steps
  TaskPlace before_step_;  ///< the last computation before the current step
  TaskPlace before_last_;  ///< and before the step ahead of it
  bool pair_closes_ = false;  ///< the current step is the second of a pair
};

// ---- Between stages -----------------------------------------------------------------------------

TaskPlace StageLowering::transfer(const GroupKind& kind, const TaskOptions& options) {
  const bool sends = kind.from == tools_.stage;
  const bool forward = kind.what == GroupKind::What::activation;
  const OperationSpec operation{forward ? "activation" : "gradient", CollectiveKind::send_recv,
                                plan_.boundary_bytes, Component::pp};
  const std::uint16_t lane = tools_.script.lane((sends ? "send " : "receive ") + slot_name(kind));
  return tools_.script.append(lane, tools_.join(kind, operation), options);
}

std::optional<StagePlace> StageLowering::neighbour(const ChunkPlan& chunk, Toward toward) const {
  VirtualStage next = chunk.virtual_stage;
  next.number += toward == Toward::earlier ? -1 : 1;
  if (next.number < 0 || next.number >= plan_.pipeline.ranks * plan_.pipeline.chunks) return {};
  const StagePlace place = plan_.schedule->place(plan_.pipeline, next);
  if (place.rank == tools_.stage) return {};
  return place;
}

TaskOptions options_of(const Step& step, const WaitSet& waits) {
  return {.micro_batch = step.micro_batch, .layer = none_16, .chunk = step.chunk, .waits = waits};
}

/// What the pass begins with: the activation of the stage before, or the gradient of the one after.
void StageLowering::receive(Pass& pass) {
  const bool forward = pass.step().kind == StepKind::forward;
  if (pass.step().kind == StepKind::backward_weight) return;
  const auto from = neighbour(pass.chunk(), forward ? Toward::earlier : Toward::later);
  if (!from) return;
  WaitSet waits;
  waits.add(ahead() || pair_closes_ ? before_last_ : before_step_);
  using enum GroupKind::What;
  pass.wait_for(transfer({forward ? activation : gradient, GroupAxis::tp, from->rank, tools_.stage},
                         options_of(pass.step(), waits)));
}

/// What it ends with, to the other side. Neighbours that run in step wait for it before they go on.
void StageLowering::send(const Pass& pass) {
  const bool forward = pass.step().kind == StepKind::forward;
  if (pass.step().kind == StepKind::backward_weight) return;
  const auto to = neighbour(pass.chunk(), forward ? Toward::later : Toward::earlier);
  if (!to) return;
  WaitSet waits = pass.pending();
  waits.add(pass.last());
  using enum GroupKind::What;
  const TaskPlace sent =
      transfer({forward ? activation : gradient, GroupAxis::tp, tools_.stage, to->rank},
               options_of(pass.step(), waits));
  if (waits_for_sends()) unsent_.add(sent);
}

/// A received input is kept for backward, unless the first layer counts it among its own.
bool StageLowering::keeps_input(const ChunkPlan& chunk) const {
  if (chunk.virtual_stage.number == 0 || chunk.layers.empty() || !plan_.training()) return false;
  return !plan_.layers[chunk.layers.front().plan].holds_input;
}

/// Interleaved schedules exchange once per pair of a forward and a backward (Megatron-Core's
/// send_forward_backward_recv_forward_backward); after each of the two, ranks would wait for one
/// another in a circle.
bool StageLowering::closes_pair(std::size_t step) const {
  return plan_.pipeline.chunks > 1 && plan_.schedule->in_step && step > 0 && step < steps_.size() &&
         steps_[step].kind != StepKind::forward && steps_[step - 1].kind == StepKind::forward;
}

// ---- Steps --------------------------------------------------------------------------------------

/// Of the one or two steps that run now.
void StageLowering::begin_steps() {
  if (!pair_closes_) {
    pending_.add(unsent_);
    unsent_ = {};
  }
  before_last_ = before_step_;
  before_step_ = tools_.script.last(compute_lane);
}

Pass StageLowering::begin_pass(std::size_t step) {
  const Step& at = steps_[step];
  const ChunkPlan& chunk = stage_.chunks[at.chunk];
  const PassTools tools{tools_, replicas_, units_, offloaded_, templates_};
  Pass pass(tools,
            {.step = at,
             .chunk = chunk,
             .completes_gradients = step == last_backward_[at.chunk],
             .runs_beside = pairs(step) || (step > 0 && pairs(step - 1))},
            pending_);
  receive(pass);
  if (at.kind == StepKind::forward && keeps_input(chunk)) pass.hold(plan_.boundary_bytes);
  return pass;
}

void StageLowering::end_pass(Pass& pass) {
  const StepKind kind = pass.step().kind;
  const bool frees = kind == StepKind::backward || kind == StepKind::backward_input;
  if (frees && keeps_input(pass.chunk())) pass.give_back(plan_.boundary_bytes);
  send(pass);
}

void StageLowering::run(std::size_t step) {
  pair_closes_ = closes_pair(step);
  begin_steps();
  Pass pass = begin_pass(step);
  pass.finish();
  end_pass(pass);
  pending_ = pass.pending();
}

/// A forward and the backward after it.
void StageLowering::run_pair(std::size_t step) {
  pair_closes_ = false;
  begin_steps();
  Pass forward = begin_pass(step);
  Pass backward = begin_pass(step + 1);
  run_together(forward, backward);
  end_pass(forward);
  end_pass(backward);
  pending_ = forward.pending();
  pending_.add(backward.pending());
}

/// As forwards first run through them.
std::vector<std::size_t> StageLowering::chunk_order() const {
  std::vector<std::size_t> order;
  for (const Step& step : steps_) {
    if (std::ranges::find(order, step.chunk) == order.end()) order.push_back(step.chunk);
  }
  return order;
}

void StageLowering::lower() {
  steps_ = plan_.training() ? plan_.schedule->steps(plan_.pipeline, tools_.stage)
                            : forward_steps(plan_.pipeline);
  last_backward_ = last_backward_steps(steps_, stage_.chunks.size());
  for (std::size_t c = 0; c < memory_category_count; ++c) {
    tools_.script.hold(static_cast<MemoryCategory>(c), stage_.resident[c]);
  }
  replicas_.gather_ahead(chunk_order());
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    if (pairs(step)) {
      run_pair(step++);
    } else {
      run(step);
    }
  }
  const WaitSet units_reduced = units_.finish();
  replicas_.finish(tools_.script.last(compute_lane), units_reduced);
}

}  // namespace

Script lower_stage(const Plan& plan, const ScriptPlace& place, ProgramBuilder& program,
                   OperationTables& operations, const KernelLowering& kernels) {
  ScriptBuilder script(place.name());
  // The compute lane is lane 0 whatever is asked for first.
  script.lane("compute");
  StageTools tools{plan, place.stage, place.expert_rank, program, script, operations, kernels};
  StageLowering(plan, tools).lower();
  return std::move(script).finish();
}

}  // namespace orrery
