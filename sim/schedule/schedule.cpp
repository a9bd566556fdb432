#include "schedule/schedule.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

/// Micro-batch numbers are 16 bits wide, and the largest marks tasks that belong to none.
constexpr std::int64_t most_micro_batches = 0xFFFF;

bool is_backward(StepKind kind) { return kind != StepKind::forward; }

/// Where a replay stands: what has ended when, and how far each rank is.
class Replaying {
 public:
  Replaying(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times)
      : schedule_(schedule),
        shape_(shape),
        times_(times),
        next_(count(shape.ranks)),
        free_at_(count(shape.ranks)) {
    const std::size_t cells = count(shape.ranks * shape.chunks * shape.micro_batches);
    forward_end_.assign(cells, not_yet);
    gradient_end_.assign(cells, not_yet);
    for (std::int64_t rank = 0; rank < shape.ranks; ++rank) {
      steps_.push_back(schedule.steps(shape, rank));
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
    for (std::size_t rank = 0; rank < steps_.size(); ++rank) {
      out.makespan = std::max(out.makespan, free_at_[rank]);
      out.work.push_back(work_of(steps_[rank]));
      out.live_peak.push_back(live_peak_of(steps_[rank]));
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

  std::size_t cell(std::int64_t stage, std::uint16_t micro_batch) const {
    return count(stage * shape_.micro_batches + micro_batch);
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

  bool run_next(std::size_t rank) {
    const Step& step = steps_[rank][next_[rank]];
    const std::int64_t stage =
        virtual_stage_of(schedule_, shape_, {static_cast<std::int64_t>(rank), step.chunk});
    const double ready = ready_at(step, stage);
    if (ready == not_yet) return false;
    free_at_[rank] = std::max(free_at_[rank], ready) + time_of(step.kind);
    if (step.kind == StepKind::forward)
      forward_end_[cell(stage, step.micro_batch)] = free_at_[rank];
    if (step.kind == StepKind::backward || step.kind == StepKind::backward_input) {
      gradient_end_[cell(stage, step.micro_batch)] = free_at_[rank];
    }
    ++next_[rank];
    return true;
  }

  double work_of(const std::vector<Step>& steps) const {
    double work = 0.0;
    for (const Step& step : steps) work += time_of(step.kind);
    return work;
  }

  static std::int64_t live_peak_of(const std::vector<Step>& steps) {
    std::int64_t live = 0;
    std::int64_t peak = 0;
    for (const Step& step : steps) {
      const bool frees = is_backward(step.kind) && step.kind != StepKind::backward_input;
      live += step.kind == StepKind::forward ? 1 : frees ? -1 : 0;
      peak = std::max(peak, live);
    }
    return peak;
  }

  const Schedule& schedule_;
  PipelineShape shape_;
  ReplayTimes times_;
  std::vector<std::vector<Step>> steps_;
  std::vector<std::size_t> next_;     ///< by rank: its first step that has not run
  std::vector<double> free_at_;       ///< by rank
  std::vector<double> forward_end_;   ///< by stage and micro-batch
  std::vector<double> gradient_end_;  ///< of the input's gradient, likewise
};

}  // namespace

std::string_view to_string(StepKind kind) {
  switch (kind) {
    case StepKind::forward:
      return "forward";
    case StepKind::backward:
      return "backward";
    case StepKind::backward_input:
      return "backward_input";
    case StepKind::backward_weight:
      return "backward_weight";
  }
  return "";
}

const Schedule* find_schedule(std::string_view name) {
  for (const Schedule* schedule : registered_schedules()) {
    if (schedule->name == name) return schedule;
  }
  return nullptr;
}

std::optional<std::string> common_objection(const PipelineShape& shape) {
  if (shape.ranks < 1 || shape.chunks < 1 || shape.micro_batches < 1) {
    return "a pipeline has at least one rank, one chunk per rank and one micro-batch";
  }
  if (shape.micro_batches > most_micro_batches) {
    return fmt::format(
        "a step has at most {} micro-batches, not {}; a larger micro_batch makes fewer",
        most_micro_batches, shape.micro_batches);
  }
  return std::nullopt;
}

std::optional<std::string> single_chunk_objection(const PipelineShape& shape) {
  if (auto objection = common_objection(shape)) return objection;
  if (shape.chunks == 1) return std::nullopt;
  return fmt::format("vpp must be 1 here, not {}; schedule = \"interleaved\" knows virtual stages",
                     shape.chunks);
}

StagePlace looped_place(const PipelineShape& shape, std::int64_t virtual_stage) {
  return {virtual_stage % shape.ranks, virtual_stage / shape.ranks};
}

std::int64_t virtual_stage_of(const Schedule& schedule, const PipelineShape& shape,
                              StagePlace place) {
  if (schedule.place == looped_place) return place.chunk * shape.ranks + place.rank;
  for (std::int64_t stage = 0; stage < shape.ranks * shape.chunks; ++stage) {
    if (schedule.place(shape, stage) == place) return stage;
  }
  CHECK(false, schedule.name, place.rank, place.chunk);
  return 0;
}

std::vector<Step> forward_steps(const PipelineShape& shape) {
  CHECK(!common_objection(shape), shape.micro_batches);
  std::vector<Step> steps;
  const std::int64_t group = shape.chunks == 1 ? shape.micro_batches : shape.ranks;
  for (std::int64_t begin = 0; begin < shape.micro_batches; begin += group) {
    const std::int64_t end = std::min(begin + group, shape.micro_batches);
    for (std::int64_t chunk = 0; chunk < shape.chunks; ++chunk) {
      for (std::int64_t i = begin; i < end; ++i) {
        steps.push_back(
            {StepKind::forward, static_cast<std::uint16_t>(i), static_cast<std::uint16_t>(chunk)});
      }
    }
  }
  return steps;
}

Replay replay(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times) {
  CHECK(!schedule.objection(shape), schedule.name);
  Replaying replaying(schedule, shape, times);
  while (replaying.advance()) {
  }
  CHECK(replaying.done(), "the orders wait for each other", schedule.name);
  return replaying.result();
}

}  // namespace orrery
