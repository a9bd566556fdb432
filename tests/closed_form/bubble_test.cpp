// The bubble of each pipeline schedule, executed as events, equals its closed form to the
// picosecond.
// Forms: GPipe and 1F1B (p−1)(F+B) (Huang et al. 2019; Narayanan et al. 2021, arXiv 2104.04473,
// section 2.2.1), interleaved (p−1)(F+B)/v (section 2.2.2), ZB-H1 (p−1)(F+I−W) (Qi et al. 2024,
// arXiv 2401.10241, section 2.3). Pairs run one after the other here.

#include "engine/engine.hpp"
#include "program/builder.hpp"
#include "program/verify.hpp"
#include "schedule/schedule.hpp"
#include "timeline/sink.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <string>

namespace orrery {
namespace {

using namespace literals;

// Of a rank's whole work per micro-batch; a chunk takes 1/v of it.
constexpr Duration forward_time = 12_us;
constexpr Duration backward_time = 24_us;
constexpr Duration input_time = 12_us;
constexpr Duration weight_time = backward_time - input_time;

Duration time_of(StepKind kind) {
  switch (kind) {
    case StepKind::forward:
      return forward_time;
    case StepKind::backward:
      return backward_time;
    case StepKind::backward_input:
      return input_time;
    case StepKind::backward_weight:
      return weight_time;
  }
  return {};
}

/// A program of one rank per stage whose transfers take no time.
class PipelineProgram {
 public:
  PipelineProgram(const Schedule& schedule, const PipelineShape& shape)
      : schedule_(schedule), shape_(shape), builder_("pipeline") {
    instant_ = builder_.intern(TransferPlan{.name = "instant", .phases = {}});
  }

  Program make() {
    IdVector<RankId, ClassId> class_of_rank;
    for (std::int64_t rank = 0; rank < shape_.ranks; ++rank) {
      const ClassId id = builder_.add(stage(rank));
      class_of_rank.push_back(id);
    }
    for (const auto& [name, ends] : transfers_) {
      const ClassId a = std::min(ends.first, ends.second);
      const ClassId b = std::max(ends.first, ends.second);
      builder_.add(Group{.name = name,
                         .count = 1,
                         .members = {{a, 1}, {b, 1}},
                         .plans = {instant_},
                         .patterns = {}});
    }
    for (std::int64_t rank = 0; rank < shape_.ranks; ++rank) connect(id_of(rank));
    builder_.set_class_of_rank(std::move(class_of_rank));
    return std::move(builder_).finish();
  }

 private:
  static ClassId id_of(std::int64_t rank) { return id_at<ClassId>(static_cast<std::size_t>(rank)); }

  RankClass stage(std::int64_t rank) {
    ScriptBuilder script("stage " + std::to_string(rank));
    script.lane("compute");
    for (const Step& step : schedule_.steps(shape_, rank)) add(script, rank, step);
    RankClass made{.script = builder_.add(std::move(script).finish()),
                   .count = 1,
                   .representative = id_at<RankId>(static_cast<std::size_t>(rank)),
                   .slowdown = 1.0,
                   .groups = {}};
    return made;
  }

  void add(ScriptBuilder& script, std::int64_t rank, const Step& step) {
    const bool forward = step.kind == StepKind::forward;
    const VirtualStage here = virtual_stage_of(schedule_, shape_, {rank, step.chunk});
    const VirtualStage earlier{here.number - 1, here.direction};
    const VirtualStage later{here.number + 1, here.direction};
    const bool exchanges = step.kind != StepKind::backward_weight;
    TaskPlace received;
    if (exchanges) received = transfer(script, rank, {forward ? earlier : later, here}, {});
    const KindId kind =
        builder_.intern(Kind{.name = std::string(to_string(step.kind)),
                             .action = Compute{time_of(step.kind) / shape_.chunks}});
    const TaskPlace done = script.append(0, kind, {.waits = {received}});
    if (exchanges) transfer(script, rank, {here, forward ? later : earlier}, done);
  }

  struct Hop {
    VirtualStage from;
    VirtualStage to;
  };

  /// This rank's end of what virtual stage `from` gives to `to`; nothing when that stays on the
  /// rank.
  TaskPlace transfer(ScriptBuilder& script, std::int64_t rank, const Hop& hop, TaskPlace after) {
    const std::int64_t stages = shape_.ranks * shape_.chunks;
    const std::int64_t from = hop.from.number;
    const std::int64_t to = hop.to.number;
    if (from < 0 || to < 0 || from >= stages || to >= stages) return {};
    const std::int64_t source = schedule_.place(shape_, hop.from).rank;
    const std::int64_t target = schedule_.place(shape_, hop.to).rank;
    if (source == target) return {};
    const std::string name = (from < to ? "activation " : "gradient ") + std::to_string(source) +
                             " to " + std::to_string(target);
    transfers_[name] = {id_of(source), id_of(target)};
    const Communicate join{.slot = script.slot(name), .plan = 0};
    const KindId kind = builder_.intern(Kind{.name = name, .action = join});
    const std::string lane = (source == rank ? "send " : "receive ") + name;
    return script.append(script.lane(lane), kind, {.waits = {after}});
  }

  void connect(ClassId id) {
    RankClass& made = builder_.rank_class(id);
    for (const std::string& slot : builder_.script(made.script).slots) {
      const auto place = std::distance(transfers_.begin(), transfers_.find(slot));
      made.groups.push_back(id_at<GroupId>(static_cast<std::size_t>(place)));
    }
  }

  const Schedule& schedule_;
  PipelineShape shape_;
  ProgramBuilder builder_;
  PlanId instant_{};
  std::map<std::string, std::pair<ClassId, ClassId>> transfers_;
};

Duration makespan(const char* schedule, const PipelineShape& shape) {
  const Program program = PipelineProgram(*find_schedule(schedule), shape).make();
  EXPECT_EQ(verify(program), std::vector<std::string>{});
  const auto network = make_alpha_beta_network(program.resources);
  RecordingSink rows;
  return execute(program, *network, rows).end.time_since_epoch();
}

Duration work(const PipelineShape& shape) {
  return shape.micro_batches * (forward_time + backward_time);
}

TEST(Bubble, OfGPipeIsThatOfTheClosedForm) {
  for (const PipelineShape shape : {PipelineShape{4, 1, 8}, {8, 1, 32}, {16, 1, 16}, {3, 1, 1}}) {
    const Duration bubble = (shape.ranks - 1) * (forward_time + backward_time);
    EXPECT_EQ(makespan("gpipe", shape), work(shape) + bubble);
  }
}

TEST(Bubble, Of1F1BIsThatOfTheClosedForm) {
  for (const PipelineShape shape : {PipelineShape{4, 1, 8}, {8, 1, 32}, {16, 1, 64}, {2, 1, 3}}) {
    const Duration bubble = (shape.ranks - 1) * (forward_time + backward_time);
    EXPECT_EQ(makespan("1f1b", shape), work(shape) + bubble);
  }
}

TEST(Bubble, OfInterleavingShrinksByTheNumberOfChunks) {
  for (const PipelineShape shape : {PipelineShape{4, 2, 8}, {4, 4, 16}, {8, 3, 16}, {2, 6, 4}}) {
    const Duration bubble = (shape.ranks - 1) * (forward_time + backward_time) / shape.chunks;
    EXPECT_EQ(makespan("interleaved", shape), work(shape) + bubble);
  }
}

TEST(Bubble, OfZbH1IsThatOfTheClosedForm) {
  for (const PipelineShape shape : {PipelineShape{4, 1, 8}, {8, 1, 32}, {3, 1, 4}}) {
    const Duration bubble = (shape.ranks - 1) * (forward_time + input_time - weight_time);
    EXPECT_EQ(makespan("zb-h1", shape), work(shape) + bubble);
  }
}

TEST(Bubble, OfSchedulesWithoutOneIsThatRanksBeginOneAfterAnother) {
  for (const PipelineShape shape : {PipelineShape{4, 1, 8}, {8, 1, 32}, {3, 1, 5}}) {
    const Duration begins = (shape.ranks - 1) * forward_time;
    EXPECT_EQ(makespan("zb-h2", shape), work(shape) + begins);
    const PipelineShape in_a_v{shape.ranks, 2, shape.micro_batches};
    EXPECT_EQ(makespan("zb-v", in_a_v), work(shape) + begins / 2);
  }
}

TEST(Bubble, OfEveryScheduleIsThatOfItsReplay) {
  for (const Schedule* schedule : registered_schedules()) {
    for (const PipelineShape shape : {PipelineShape{4, 1, 12}, {6, 2, 18}, {4, 2, 8}, {6, 1, 12}}) {
      if (schedule->objection(shape)) continue;
      const auto share = static_cast<double>(shape.chunks);
      const Replay expected =
          replay(*schedule, shape, {12.0 / share, 24.0 / share, 12.0 / share, 12.0 / share});
      const Duration end = makespan(schedule->name.data(), shape);
      EXPECT_EQ(end, std::llround(expected.makespan) * 1_us) << schedule->name;
    }
  }
}

}  // namespace
}  // namespace orrery
