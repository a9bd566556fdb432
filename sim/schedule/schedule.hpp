// Pipeline schedules: in which order a rank runs its micro-batches. Pure: sizes in, ordered steps
// out.
//
// p ranks form the pipeline; each holds v chunks of consecutive layers ("virtual stages"). Virtual
// stage s = 0 … p·v−1 is the place in the model; which rank and chunk holds it is the schedule's
// layout: looped (s = chunk·p + rank) or V-shaped (down and up again). Some schedules run the model
// from both ends at once, with two copies of the weights: micro-batches are halved between the two
// directions, and a rank holds v chunks of either. A step runs one micro-batch through one chunk:
// forward, or backward; schedules that split the backward give its input-gradient and
// weight-gradient halves as steps of their own, and may say that a forward and another
// micro-batch's backward run together. Each schedule's file says whose order it is and gives its
// closed forms.
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

/// Whether the next step of the rank, a backward of another micro-batch, runs together with this
/// forward, so that the exchanges of one travel while the other computes.
enum class Pairing : std::uint8_t { alone, with_next };

struct Step {
  StepKind kind = StepKind::forward;
  std::uint16_t micro_batch = 0;  ///< those of the second direction after those of the first
  std::uint16_t chunk = 0;  ///< of the rank; with two directions the second's after the first's
  Pairing pairing = Pairing::alone;

  bool operator==(const Step&) const = default;
};

struct PipelineShape {
  std::int64_t ranks = 1;          ///< p
  std::int64_t chunks = 1;         ///< v, per rank
  std::int64_t micro_batches = 1;  ///< m
  /// Wanted: forwards and backwards of the steady state in pairs. Schedules that alternate them run
  /// one more forward ahead for it, so that those of a pair do not wait for each other.
  Pairing pairing = Pairing::alone;
};

/// A place in the model, of the copy that one direction runs through.
struct VirtualStage {
  std::int64_t number = 0;
  std::int64_t direction = 0;

  bool operator==(const VirtualStage&) const = default;
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
  StagePlace (*place)(const PipelineShape& shape, VirtualStage stage);
  /// The only number of chunks per rank that it knows; 0 if the scenario chooses.
  std::int64_t chunks = 1;
  /// Copies of the weights in the pipeline: 2 if micro-batches enter from both ends.
  std::int64_t directions = 1;
  /// Neighbours run the steps that exchange at the same time, so that they may wait for each other
  /// between steps. In other orders a sender would wait for a receiver that is steps away.
  bool in_step = false;
};
std::span<const Schedule* const> registered_schedules();

/// The schedule of that name, or null.
const Schedule* find_schedule(std::string_view name);

/// What every schedule objects to: sizes below one, and more micro-batches than tasks can number.
std::optional<std::string> common_objection(const PipelineShape& shape);
/// The same, and more than one chunk per rank, for schedules that know no virtual stages.
std::optional<std::string> single_chunk_objection(const PipelineShape& shape);
/// The same, and less than two ranks or other than two chunks, for schedules in the shape of a V.
std::optional<std::string> v_objection(const PipelineShape& shape);

/// Virtual stage `s` on rank s mod p as chunk s div p.
StagePlace looped_place(const PipelineShape& shape, VirtualStage stage);
/// Down the ranks as chunk 0 and up again as chunk 1: rank r holds stages r and 2p-1-r, and nothing
/// is sent at the turn.
StagePlace v_place(const PipelineShape& shape, VirtualStage stage);
/// The first direction down the ranks as chunk 0, the second up as chunk 1.
StagePlace opposed_place(const PipelineShape& shape, VirtualStage stage);

/// The virtual stage that a chunk of a rank is; the inverse of place().
VirtualStage virtual_stage_of(const Schedule& schedule, const PipelineShape& shape,
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
  /// Of a forward and a backward together, which then end together; nothing: one after the other.
  std::optional<double> pair{};
};
struct Replay {
  double makespan = 0.0;
  std::vector<double> work;   ///< by rank
  std::vector<double> begin;  ///< by rank: of its first step
  std::vector<double> end;    ///< by rank: of its last step
  std::vector<std::int64_t>
      live_peak;  ///< by rank: chunks of micro-batches whose activations are held
};
Replay replay(const Schedule& schedule, const PipelineShape& shape, const ReplayTimes& times);

}  // namespace orrery
