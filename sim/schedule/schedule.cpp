#include "schedule/schedule.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

/// Micro-batch numbers are 16 bits wide, and the largest marks tasks that belong to none.
constexpr std::int64_t most_micro_batches = 0xFFFF;

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

std::optional<std::string> v_objection(const PipelineShape& shape) {
  if (auto objection = common_objection(shape)) return objection;
  if (shape.ranks < 2) {
    return "a schedule in the shape of a V needs pp of at least 2; without a pipeline use \"1f1b\"";
  }
  if (shape.chunks == 2) return std::nullopt;
  return fmt::format(
      "vpp must be 2 here, not {}: ranks hold a chunk on the way down and one on the way up",
      shape.chunks);
}

StagePlace looped_place(const PipelineShape& shape, VirtualStage stage) {
  return {stage.number % shape.ranks, stage.number / shape.ranks};
}

StagePlace v_place(const PipelineShape& shape, VirtualStage stage) {
  if (stage.number < shape.ranks) return {stage.number, 0};
  return {2 * shape.ranks - 1 - stage.number, 1};
}

StagePlace opposed_place(const PipelineShape& shape, VirtualStage stage) {
  return {stage.direction == 0 ? stage.number : shape.ranks - 1 - stage.number, stage.direction};
}

VirtualStage virtual_stage_of(const Schedule& schedule, const PipelineShape& shape,
                              StagePlace place) {
  if (schedule.place == looped_place) return {place.chunk * shape.ranks + place.rank};
  for (std::int64_t direction = 0; direction < schedule.directions; ++direction) {
    for (std::int64_t number = 0; number < shape.ranks * shape.chunks; ++number) {
      const VirtualStage stage{number, direction};
      if (schedule.place(shape, stage) == place) return stage;
    }
  }
  CHECK(false, schedule.name, place.rank, place.chunk);
  return {};
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

}  // namespace orrery
