// Pipeline schedules: in which order a rank runs its micro-batches. Pure: sizes in, ordered steps
// out.
//
// p ranks form the pipeline; each holds v chunks of consecutive layers ("virtual stages"). Virtual
// stage s = 0 … p·v−1 is the place in the model; which rank and chunk holds it is the schedule's
// layout: looped (s = chunk·p + rank) or V-shaped (down and up again). A step runs one micro-batch
// through one chunk: forward, or backward; schedules that split the backward give its
// input-gradient and weight-gradient halves as steps of their own. Orders and closed forms: GPipe
// (Huang 2019), 1F1B (Narayanan 2019, 2021), interleaved (Narayanan 2021).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class StepKind : std::uint8_t { forward, backward, backward_input, backward_weight };
std::string_view to_string(StepKind kind);

struct Step {
  StepKind kind = StepKind::forward;
  std::uint16_t micro_batch = 0;
  std::uint16_t chunk = 0;

  bool operator==(const Step&) const = default;
};

struct PipelineShape {
  std::int64_t ranks = 1;          ///< p
  std::int64_t chunks = 1;         ///< v, per rank
  std::int64_t micro_batches = 1;  ///< m
};

/// Where a virtual stage lives.
struct StagePlace {
  std::int64_t rank = 0;
  std::int64_t chunk = 0;

  bool operator==(const StagePlace&) const = default;
};

struct Schedule {
  std::string_view name;
  std::string_view description;
  /// Why the shape is illegal for this schedule, in a sentence that says what would be right;
  /// nothing if it is legal.
  std::optional<std::string> (*objection)(const PipelineShape& shape);
  /// The steps of one rank, in order.
  std::vector<Step> (*steps)(const PipelineShape& shape, std::int64_t rank);
  StagePlace (*place)(const PipelineShape& shape, std::int64_t virtual_stage);
};
std::span<const Schedule* const> registered_schedules();

/// The schedule of that name, or null.
const Schedule* find_schedule(std::string_view name);

/// What every schedule objects to: sizes below one, and more micro-batches than tasks can number.
std::optional<std::string> common_objection(const PipelineShape& shape);
/// The same, and more than one chunk per rank, for schedules that know no virtual stages.
std::optional<std::string> single_chunk_objection(const PipelineShape& shape);

/// Virtual stage `s` on rank s mod p as chunk s div p.
StagePlace looped_place(const PipelineShape& shape, std::int64_t virtual_stage);

/// The virtual stage that a chunk of a rank is; the inverse of place().
std::int64_t virtual_stage_of(const Schedule& schedule, const PipelineShape& shape,
                              StagePlace place);

/// The order of forwards alone (inference), the same on every rank: micro-batches in turn, and with
/// several chunks in groups of p that go through one chunk before the next; the last group may be
/// smaller.
std::vector<Step> forward_steps(const PipelineShape& shape);

/// Replays the steps of all ranks with fixed times per step kind (forward, backward, input, weight;
/// of one chunk) and no communication; gives the makespan, each rank's work and its peak of live
/// chunks. Tests hold schedules against their closed forms with it, `check` estimates bubbles.
struct ReplayTimes {
  double forward = 1.0;
  double backward = 2.0;
  double backward_input = 1.0;
  double backward_weight = 1.0;
};
struct Replay {
  double makespan = 0.0;
  std::vector<double> work;  ///< by rank
  std::vector<std::int64_t>
      live_peak;  ///< by rank: chunks of micro-batches whose activations are held
};
Replay replay(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times);

}  // namespace orrery
