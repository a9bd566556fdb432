#include "search/memory_estimate.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// What is held for a moment on top of what stays.
struct Moment {
  Bytes activations;
  Bytes workspace;

  Bytes total() const { return activations + workspace; }
};

Moment higher(const Moment& a, const Moment& b) { return a.total() < b.total() ? b : a; }

/// One chunk of a stage: what a micro-batch leaves behind in it and the most that its passes take.
struct ChunkMemory {
  Bytes kept;       ///< from forward to backward
  Bytes rebuilt;    ///< of all layers; kept from one half of a split backward to the other
  Moment forward;   ///< above what was held before the pass
  Moment backward;  ///< above what is held besides this micro-batch's `kept`
};

Bytes widest_workspace(const LayerPlan& layer) {
  Bytes widest;
  for (const ShardedOp& op : layer.ops) widest = std::max(widest, op.workspace);
  return widest;
}

/// A received input is kept for backward, unless the first layer keeps its own for recomputation.
Bytes kept_input(const Plan& plan, const ChunkPlan& chunk) {
  if (chunk.virtual_stage == 0 || chunk.layers.empty() || !plan.training()) return Bytes(0);
  const bool holds = plan.layers[chunk.layers.front().plan].holds_input;
  return holds ? Bytes(0) : plan.boundary_bytes;
}

ChunkMemory measure(const Plan& plan, const ChunkPlan& chunk) {
  ChunkMemory memory;
  memory.kept = kept_input(plan, chunk);
  for (const PlacedLayer& placed : chunk.layers) {
    const LayerPlan& layer = plan.layers[placed.plan];
    memory.kept += layer.saved;
    memory.rebuilt += layer.rebuilt;
    const Bytes passing = plan.training() ? Bytes(0) : layer.transient;
    const Bytes workspace = widest_workspace(layer);
    memory.forward = higher(memory.forward, {memory.kept + passing, workspace});
    memory.backward = higher(memory.backward, {memory.kept + layer.rebuilt, workspace});
  }
  return memory;
}

class Walk {
 public:
  Walk(const Plan& plan, std::int64_t stage)
      : plan_(plan), at_(plan.stages[static_cast<std::size_t>(stage)]) {
    for (const ChunkPlan& chunk : at_.chunks) chunks_.push_back(measure(plan, chunk));
    peak_ = {.stage = stage, .held = at_.resident, .total = sum_of(at_.resident), .live = 0};
  }

  StageMemory peak() {
    const std::vector<Step> steps =
        plan_.training() ? plan_.schedule->steps(plan_.pipeline, peak_.stage)
                         : forward_steps({plan_.pipeline.ranks, plan_.pipeline.chunks, 1});
    for (const Step& step : steps) take(step);
    return peak_;
  }

 private:
  void take(const Step& step) {
    const ChunkMemory& chunk = chunks_[step.chunk];
    switch (step.kind) {
      case StepKind::forward:
        ++live_;
        note(chunk.forward);
        held_ += chunk.kept;
        break;
      case StepKind::backward:
        held_ -= chunk.kept;
        note(chunk.backward);
        --live_;
        break;
      case StepKind::backward_input:
        held_ += chunk.rebuilt;
        note({});
        break;
      case StepKind::backward_weight:
        held_ -= chunk.kept + chunk.rebuilt;
        --live_;
        break;
    }
  }

  void note(const Moment& moment) {
    const Bytes dynamic = held_ + moment.total();
    if (sum_of(at_.resident) + dynamic <= peak_.total) return;
    peak_.held = at_.resident;
    peak_.held[static_cast<std::size_t>(MemoryCategory::activations)] += held_ + moment.activations;
    peak_.held[static_cast<std::size_t>(MemoryCategory::workspace)] += moment.workspace;
    peak_.total = sum_of(peak_.held);
    peak_.live = live_;
  }

  const Plan& plan_;
  const StagePlan& at_;
  std::vector<ChunkMemory> chunks_;
  Bytes held_;  ///< activations between steps
  std::int64_t live_ = 0;
  StageMemory peak_;
};

}  // namespace

Bytes sum_of(const BytesByCategory& held) {
  Bytes sum;
  for (const Bytes bytes : held) sum += bytes;
  return sum;
}

std::vector<StageMemory> estimate_memory(const Plan& plan) {
  std::vector<StageMemory> stages;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    stages.push_back(Walk(plan, static_cast<std::int64_t>(s)).peak());
  }
  return stages;
}

const StageMemory& fullest(const std::vector<StageMemory>& stages) {
  return *std::ranges::max_element(
      stages, [](const StageMemory& a, const StageMemory& b) { return a.total < b.total; });
}

}  // namespace orrery
