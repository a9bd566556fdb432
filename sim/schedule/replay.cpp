// The replay of a schedule without communication: every rank runs its steps in order, each as soon
// as what it needs has been computed.

#include "base/check.hpp"
#include "schedule/schedule.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// Where a replay stands: what has ended when, and how far each rank is.
class Replaying {
 public:
  Replaying(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times)
      : shape_(shape),
        times_(times),
        next_(count(shape.ranks)),
        begun_at_(count(shape.ranks), not_yet),
        free_at_(count(shape.ranks)) {
    const std::size_t cells = count(shape.ranks * shape.chunks * shape.micro_batches);
    forward_end_.assign(cells, not_yet);
    gradient_end_.assign(cells, not_yet);
    const std::int64_t chunks = shape.chunks * schedule.directions;
    for (std::int64_t rank = 0; rank < shape.ranks; ++rank) {
      steps_.push_back(schedule.steps(shape, rank));
      std::vector<std::int64_t>& stages = stage_of_chunk_.emplace_back();
      for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
        stages.push_back(virtual_stage_of(schedule, shape, {rank, chunk}).number);
      }
    }
  }

  /// Runs every rank as far as it can come; false when none came further.
  bool advance() {
    bool moved = false;
    for (std::size_t rank = 0; rank < steps_.size(); ++rank) {
      while (next_[rank] < steps_[rank].size() && run_next(rank)) moved = true;
    }
    return moved;
  }

  bool done() const {
    for (std::size_t rank = 0; rank < steps_.size(); ++rank) {
      if (next_[rank] < steps_[rank].size()) return false;
    }
    return true;
  }

  Replay result() const {
    Replay out;
    out.begin = begun_at_;
    out.end = free_at_;
    out.makespan = std::ranges::max(free_at_);
    for (const std::vector<Step>& steps : steps_) {
      out.work.push_back(work_of(steps));
      out.live_peak.push_back(live_peak_of(steps));
    }
    return out;
  }

 private:
  static constexpr double not_yet = -1.0;
  static std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

  double time_of(StepKind kind) const {
    switch (kind) {
      case StepKind::forward:
        return times_.forward;
      case StepKind::backward:
        return times_.backward;
      case StepKind::backward_input:
        return times_.backward_input;
      case StepKind::backward_weight:
        return times_.backward_weight;
    }
    return 0.0;
  }

  /// Micro-batches of the two directions have numbers of their own, so a cell has one of them.
  std::size_t cell(std::int64_t stage, std::uint16_t micro_batch) const {
    return count(stage * shape_.micro_batches + micro_batch);
  }

  std::int64_t stage_of(std::size_t rank, const Step& step) const {
    return stage_of_chunk_[rank][step.chunk];
  }

  /// When what the step needs is there; negative if it is not yet known.
  double ready_at(const Step& step, std::int64_t stage) const {
    const std::int64_t last = shape_.ranks * shape_.chunks - 1;
    if (step.kind == StepKind::forward) {
      return stage == 0 ? 0.0 : forward_end_[cell(stage - 1, step.micro_batch)];
    }
    if (step.kind == StepKind::backward_weight) return gradient_end_[cell(stage, step.micro_batch)];
    const double forward = forward_end_[cell(stage, step.micro_batch)];
    if (stage == last || forward == not_yet) return forward;
    const double gradient = gradient_end_[cell(stage + 1, step.micro_batch)];
    return gradient == not_yet ? not_yet : std::max(forward, gradient);
  }

  void end_step(const Step& step, std::int64_t stage, double at) {
    if (step.kind == StepKind::forward) forward_end_[cell(stage, step.micro_batch)] = at;
    if (step.kind == StepKind::backward || step.kind == StepKind::backward_input) {
      gradient_end_[cell(stage, step.micro_batch)] = at;
    }
  }

  bool is_pair(const Step& step) const {
    return step.pairing == Pairing::with_next && times_.pair.has_value();
  }

  /// The steps that begin together: one, or a pair.
  bool run_next(std::size_t rank) {
    const std::size_t first = next_[rank];
    const bool pair = is_pair(steps_[rank][first]);
    const std::size_t end = first + (pair ? 2 : 1);
    double begin = free_at_[rank];
    for (std::size_t i = first; i < end; ++i) {
      const Step& step = steps_[rank][i];
      const double ready = ready_at(step, stage_of(rank, step));
      if (ready == not_yet) return false;
      begin = std::max(begin, ready);
    }
    if (first == 0) begun_at_[rank] = begin;
    free_at_[rank] = begin + (pair ? *times_.pair : time_of(steps_[rank][first].kind));
    for (std::size_t i = first; i < end; ++i) {
      end_step(steps_[rank][i], stage_of(rank, steps_[rank][i]), free_at_[rank]);
    }
    next_[rank] = end;
    return true;
  }

  double work_of(const std::vector<Step>& steps) const {
    double work = 0.0;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const bool pair = is_pair(steps[i]);
      work += pair ? *times_.pair : time_of(steps[i].kind);
      if (pair) ++i;
    }
    return work;
  }

  static std::int64_t live_peak_of(const std::vector<Step>& steps) {
    std::int64_t live = 0;
    std::int64_t peak = 0;
    for (const Step& step : steps) {
      const bool frees = step.kind == StepKind::backward || step.kind == StepKind::backward_weight;
      live += step.kind == StepKind::forward ? 1 : frees ? -1 : 0;
      peak = std::max(peak, live);
    }
    return peak;
  }

  PipelineShape shape_;
  ReplayTimes times_;
  std::vector<std::vector<Step>> steps_;
  std::vector<std::vector<std::int64_t>> stage_of_chunk_;  ///< by rank
  std::vector<std::size_t> next_;     ///< by rank: its first step that has not run
  std::vector<double> begun_at_;      ///< by rank
  std::vector<double> free_at_;       ///< by rank
  std::vector<double> forward_end_;   ///< by stage and micro-batch
  std::vector<double> gradient_end_;  ///< of the input's gradient, likewise
};

}  // namespace

Replay replay(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times) {
  CHECK(!schedule.objection(shape), schedule.name);
  Replaying replaying(schedule, shape, times);
  while (replaying.advance()) {
  }
  CHECK(replaying.done(), "the orders wait for each other", schedule.name);
  return replaying.result();
}

}  // namespace orrery
