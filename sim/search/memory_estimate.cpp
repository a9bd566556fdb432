#include "search/memory_estimate.hpp"

#include "parallel/offload.hpp"
#include "parallel/sharding.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

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
  Bytes kept;           ///< from forward to backward
  Bytes until_weights;  ///< from one half of a split backward to the other
  Moment forward;       ///< above what was held before the pass
  Moment backward;      ///< above what is held besides this micro-batch's `kept`
  Moment input;         ///< the same of the half of it that gives the input's gradient
};

Bytes widest_workspace(const LayerPlan& layer) {
  Bytes widest;
  for (const ShardedOp& op : layer.ops) widest = std::max(widest, op.workspace);
  return widest;
}

/// What is recomputed runs forward again.
Bytes widest_backward_workspace(const LayerPlan& layer) {
  Bytes widest;
  for (const ShardedOp& op : layer.ops) {
    widest = std::max(widest, op.backward_workspace);
    if (op.recomputed) widest = std::max(widest, op.workspace);
  }
  return widest;
}

/// A received input is kept for backward, unless the first layer keeps its own for recomputation.
Bytes kept_input(const Plan& plan, const ChunkPlan& chunk) {
  if (chunk.virtual_stage.number == 0 || chunk.layers.empty() || !plan.training()) return Bytes(0);
  const bool holds = plan.layers[chunk.layers.front().plan].holds_input;
  return holds ? Bytes(0) : plan.boundary_bytes;
}

/// What a layer holds, of one of the ranks that share its experts.
struct LayerMemory {
  Bytes saved;
  Bytes rebuilt;
  Bytes until_weights;
  Bytes transient;
  Bytes workspace;
  Bytes backward_workspace;
};
using ChunkLayers = std::vector<LayerMemory>;

LayerMemory memory_of(const LayerPlan& layer) {
  return {layer.saved,     layer.rebuilt,           layer.until_weights,
          layer.transient, widest_workspace(layer), widest_backward_workspace(layer)};
}

ChunkLayers layers_of(const Plan& plan, const ChunkPlan& chunk, std::int64_t expert_rank) {
  ChunkLayers layers;
  for (const PlacedLayer& placed : chunk.layers) {
    layers.push_back(memory_of(layer_on(plan, placed, expert_rank)));
  }
  return layers;
}

ChunkMemory measure(const Plan& plan, const ChunkPlan& chunk, const ChunkLayers& layers) {
  ChunkMemory memory;
  memory.kept = kept_input(plan, chunk);
  for (const LayerMemory& layer : layers) {
    memory.kept += layer.saved;
    memory.until_weights += layer.until_weights;
    const Bytes passing = plan.training() ? Bytes(0) : layer.transient;
    memory.forward = higher(memory.forward, {memory.kept + passing, layer.workspace});
    memory.backward =
        higher(memory.backward, {memory.kept + layer.rebuilt, layer.backward_workspace});
  }
  Bytes earlier = memory.kept;  // of the layers that the gradient has not reached
  Bytes later;
  for (auto placed = layers.rbegin(); placed != layers.rend(); ++placed) {
    const LayerMemory& layer = *placed;
    memory.input = higher(memory.input, {earlier + layer.rebuilt + later, layer.workspace});
    earlier -= layer.saved;
    later += layer.until_weights;
    memory.input = higher(memory.input, {earlier + later, Bytes(0)});
  }
  return memory;
}

/// Bytes that ZeRO 2 and 3 hold for a while: gathered parameters, whole gradients, buffers.
class ShardedMemory {
 public:
  ShardedMemory(const Plan& plan, const StagePlan& stage) : plan_(plan), walk_(plan, stage) {}

  bool divides() const { return walk_.divides(); }
  Bytes parameters() const { return parameters_; }
  Bytes gradients() const { return gradients_ + buffer_; }

  void enter(const LayerPass& pass) {
    if (!divides()) return;
    const UnitEvents events = walk_.enter(pass);
    for (const std::size_t unit : events.gathers) parameters_ += walk_.unit(unit).gathered;
    if (events.takes_gradients) gradients_ += walk_.unit(*events.takes_gradients).gradients;
  }

  /// Between the two, the moment in which gradients lie in their buffer too.
  void lay_out(const UnitEvents& events) {
    if (events.gives_up) parameters_ -= walk_.unit(*events.gives_up).gathered;
    if (events.reduces) buffer_ = walk_.unit(*events.reduces).buffer;
  }
  void let_go(const UnitEvents& events) {
    if (!events.reduces) return;
    gradients_ -= walk_.unit(*events.reduces).gradients;
    if (!plan_.strategy.overlaps("gradients")) buffer_ = {};
  }
  UnitEvents leave(const LayerPass& pass) { return divides() ? walk_.leave(pass) : UnitEvents{}; }

 private:
  const Plan& plan_;
  UnitWalk walk_;
  Bytes parameters_;
  Bytes gradients_;
  Bytes buffer_;
};

/// What of a stage's activations is on its way to the host or back (parallel/offload.hpp).
class OffloadedMemory {
 public:
  OffloadedMemory(const Plan& plan, const StagePlan& stage) : plan_(plan), stage_(stage) {}

  bool any() const { return plan_.strategy.offloads("activations"); }

  /// What is given back when the layer's forward is over.
  Bytes leave_forward(std::size_t chunk, std::size_t layer) {
    if (!offloads_activations(plan_, stage_.chunks[chunk], layer)) return Bytes(0);
    return std::exchange(leaving_, saved(chunk, layer));
  }
  Bytes free_left() { return std::exchange(leaving_, Bytes(0)); }
  /// What is taken when the layer's backward comes next.
  Bytes enter_backward(std::size_t chunk, std::size_t layer) {
    const ChunkPlan& at = stage_.chunks[chunk];
    Bytes taken;
    if (offloads_activations(plan_, at, layer) && back_ != layer) taken += saved(chunk, layer);
    const std::optional<std::size_t> next = offloaded_before(plan_, at, layer);
    if (next && back_ != next) taken += saved(chunk, *next);
    back_ = next;
    return taken;
  }

 private:
  Bytes saved(std::size_t chunk, std::size_t layer) const {
    return plan_.layers[stage_.chunks[chunk].layers[layer].plan].saved;
  }

  const Plan& plan_;
  const StagePlan& stage_;
  Bytes leaving_;
  std::optional<std::size_t> back_;  ///< that has come back before its turn
};

class Walk {
 public:
  /// `layers` by chunk.
  Walk(const Plan& plan, std::int64_t stage, std::vector<ChunkLayers> layers)
      : plan_(plan),
        at_(plan.stages[static_cast<std::size_t>(stage)]),
        sharded_(plan, at_),
        offloaded_(plan, at_),
        layers_(std::move(layers)) {
    for (std::size_t c = 0; c < at_.chunks.size(); ++c) {
      chunks_.push_back(measure(plan, at_.chunks[c], layers_[c]));
    }
    peak_ = {.stage = stage, .held = at_.resident, .total = sum_of(at_.resident), .live = 0};
  }

  StageMemory peak() {
    const std::vector<Step> steps =
        plan_.training() ? plan_.schedule->steps(plan_.pipeline, peak_.stage)
                         : forward_steps({plan_.pipeline.ranks, plan_.pipeline.chunks, 1});
    const std::vector<std::size_t> last = last_backward_steps(steps, chunks_.size());
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (sharded_.divides() || offloaded_.any()) {
        take_layers(steps[i], i == last[steps[i].chunk]);
      } else {
        take(steps[i]);
      }
    }
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
        held_ -= chunk.kept;
        note(chunk.input);
        held_ += chunk.until_weights;
        break;
      case StepKind::backward_weight:
        held_ -= chunk.until_weights;
        --live_;
        break;
    }
  }

  /// The same layer by layer: what is gathered changes with the step.
  void take_layers(const Step& step, bool last) {
    const ChunkPlan& chunk = at_.chunks[step.chunk];
    const bool forward = step.kind == StepKind::forward;
    if (forward) {
      ++live_;
      held_ += kept_input(plan_, chunk);
    }
    for (std::size_t n = 0; n < chunk.layers.size(); ++n) {
      const std::size_t i = forward ? n : chunk.layers.size() - 1 - n;
      const LayerPass pass{step.kind, step.chunk, i, last};
      if (!forward) held_ -= offloaded_.free_left();
      if (!forward) held_ += offloaded_.enter_backward(step.chunk, i);
      sharded_.enter(pass);
      pass_layer(layers_[step.chunk][i], step.kind);
      if (forward) held_ -= offloaded_.leave_forward(step.chunk, i);
      const UnitEvents events = sharded_.leave(pass);
      sharded_.lay_out(events);
      note({});
      sharded_.let_go(events);
    }
    const bool whole = step.kind == StepKind::backward;
    if (whole || step.kind == StepKind::backward_input) held_ -= kept_input(plan_, chunk);
    if (whole || step.kind == StepKind::backward_weight) --live_;
  }

  void pass_layer(const LayerMemory& layer, StepKind kind) {
    const Bytes workspace = layer.workspace;
    switch (kind) {
      case StepKind::forward:
        held_ += layer.saved;
        note({plan_.training() ? Bytes(0) : layer.transient, workspace});
        break;
      case StepKind::backward:
        note({layer.rebuilt, layer.backward_workspace});
        held_ -= layer.saved;
        break;
      case StepKind::backward_input:
        note({layer.rebuilt, workspace});
        held_ += layer.until_weights;
        held_ -= layer.saved;
        note({});
        break;
      case StepKind::backward_weight:
        held_ -= layer.until_weights;
        break;
    }
  }

  void note(const Moment& moment) {
    const Bytes dynamic = held_ + moment.total() + sharded_.parameters() + sharded_.gradients();
    if (sum_of(at_.resident) + dynamic <= peak_.total) return;
    peak_.held = at_.resident;
    peak_.held[static_cast<std::size_t>(MemoryCategory::activations)] += held_ + moment.activations;
    peak_.held[static_cast<std::size_t>(MemoryCategory::workspace)] += moment.workspace;
    peak_.held[static_cast<std::size_t>(MemoryCategory::parameters)] += sharded_.parameters();
    peak_.held[static_cast<std::size_t>(MemoryCategory::gradients)] += sharded_.gradients();
    peak_.total = sum_of(peak_.held);
    peak_.live = live_;
  }

  const Plan& plan_;
  const StagePlan& at_;
  ShardedMemory sharded_;
  OffloadedMemory offloaded_;
  std::vector<ChunkLayers> layers_;  ///< by chunk
  std::vector<ChunkMemory> chunks_;
  Bytes held_;  ///< activations between steps
  std::int64_t live_ = 0;
  StageMemory peak_;
};

std::vector<ChunkLayers> layers_of_rank(const Plan& plan, const StagePlan& stage,
                                        std::int64_t expert_rank) {
  std::vector<ChunkLayers> layers;
  for (const ChunkPlan& chunk : stage.chunks) {
    layers.push_back(layers_of(plan, chunk, expert_rank));
  }
  return layers;
}

/// Bytes grow with the rows of a rank along a straight line: what the ranks of a stage hold, from
/// an even routing and the fullest rank of each layer, to the rounding of a few bytes.
class Interpolated {
 public:
  Interpolated(const Plan& plan, const StagePlan& stage) : plan_(plan) {
    for (const ChunkPlan& chunk : stage.chunks) {
      std::vector<Line>& lines = lines_.emplace_back();
      for (const PlacedLayer& placed : chunk.layers) lines.push_back(line_of(placed));
    }
  }

  std::vector<ChunkLayers> of_rank(std::int64_t expert_rank) const {
    std::vector<ChunkLayers> layers;
    for (const std::vector<Line>& lines : lines_) {
      ChunkLayers& chunk = layers.emplace_back();
      for (const Line& line : lines) chunk.push_back(at(line, expert_rank));
    }
    return layers;
  }

 private:
  struct Line {
    const LayerLoad* load = nullptr;
    double fullest = 1.0;  ///< rows over those of an even routing
    LayerMemory even;
    LayerMemory full;
  };

  Line line_of(const PlacedLayer& placed) const {
    Line line{.load = load_of(plan_, placed),
              .fullest = 1.0,
              .even = memory_of(plan_.layers[placed.plan]),
              .full = {}};
    if (line.load == nullptr) return line;
    std::int64_t fullest = 0;
    for (std::int64_t rank = 1; rank < line.load->ranks; ++rank) {
      if (line.load->rank_rows(rank) > line.load->rank_rows(fullest)) fullest = rank;
    }
    line.fullest = line.load->over_even(fullest);
    line.full = memory_of(layer_on(plan_, placed, fullest));
    return line;
  }

  static LayerMemory at(const Line& line, std::int64_t rank) {
    if (line.load == nullptr || line.fullest == 1.0) return line.even;
    const double share = (line.load->over_even(rank) - 1.0) / (line.fullest - 1.0);
    const auto between = [&](Bytes LayerMemory::*part) {
      const auto whole = static_cast<double>((line.full.*part - line.even.*part).value());
      return line.even.*part + Bytes(std::llround(share * whole));
    };
    return {between(&LayerMemory::saved),         between(&LayerMemory::rebuilt),
            between(&LayerMemory::until_weights), between(&LayerMemory::transient),
            between(&LayerMemory::workspace),     between(&LayerMemory::backward_workspace)};
  }

  const Plan& plan_;
  std::vector<std::vector<Line>> lines_;  ///< by chunk
};

/// Of the ranks that share a stage's experts the one that holds most.
std::int64_t fullest_rank(const Plan& plan, std::int64_t stage) {
  const StagePlan& at = plan.stages[static_cast<std::size_t>(stage)];
  const std::vector<std::int64_t> alike = alike_expert_ranks(plan, at);
  if (alike.size() == 1) return 0;
  const Interpolated layers(plan, at);
  std::int64_t fullest = 0;
  Bytes most;
  for (std::int64_t rank = 0; rank < std::ssize(alike); ++rank) {
    if (alike[static_cast<std::size_t>(rank)] != rank) continue;
    const Bytes total = Walk(plan, stage, layers.of_rank(rank)).peak().total;
    if (total <= most) continue;
    most = total;
    fullest = rank;
  }
  return fullest;
}

}  // namespace

Bytes sum_of(const BytesByCategory& held) {
  Bytes sum;
  for (const Bytes bytes : held) sum += bytes;
  return sum;
}

std::vector<StageMemory> estimate_memory(const Plan& plan) {
  std::vector<StageMemory> stages;
  for (std::size_t s = 0; s < plan.stages.size(); ++s) {
    const auto stage = static_cast<std::int64_t>(s);
    const std::int64_t rank = fullest_rank(plan, stage);
    stages.push_back(Walk(plan, stage, layers_of_rank(plan, plan.stages[s], rank)).peak());
  }
  return stages;
}

}  // namespace orrery
