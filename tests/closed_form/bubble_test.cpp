// The bubble of each pipeline schedule, executed as events, equals its closed form to the
// picosecond.
// Forms: GPipe and 1F1B (p−1)(F+B) (Huang et al. 2019; Narayanan et al. 2021, arXiv 2104.04473,
// section 2.2.1), interleaved (p−1)(F+B)/v (section 2.2.2).

#include "engine/engine.hpp"
#include "program/builder.hpp"
#include "program/verify.hpp"
#include "schedule/schedule.hpp"
#include "timeline/sink.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace orrery {
namespace {

using namespace literals;

// Of a rank's whole work per micro-batch; a chunk takes 1/v of it.
constexpr Duration forward_time = 12_us;
constexpr Duration backward_time = 24_us;

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
    const std::int64_t here = virtual_stage_of(schedule_, shape_, {rank, step.chunk});
    const std::int64_t before = forward ? here - 1 : here + 1;
    const std::int64_t after = forward ? here + 1 : here - 1;
    const TaskPlace received = transfer(script, rank, before, here, {});
    const Duration work = (forward ? forward_time : backward_time) / shape_.chunks;
    const KindId kind = builder_.intern(Kind{.name = forward ? "F" : "B", .action = Compute{work}});
    const TaskPlace done = script.append(0, kind, {.waits = {received}});
    transfer(script, rank, here, after, done);
  }

  /// This rank's end of what virtual stage `from` gives to `to`; nothing when that stays on the
  /// rank.
  TaskPlace transfer(ScriptBuilder& script, std::int64_t rank, std::int64_t from, std::int64_t to,
                     TaskPlace after) {
    const std::int64_t stages = shape_.ranks * shape_.chunks;
    if (from < 0 || to < 0 || from >= stages || to >= stages) return {};
    const std::int64_t source = schedule_.place(shape_, from).rank;
    const std::int64_t target = schedule_.place(shape_, to).rank;
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

}  // namespace
}  // namespace orrery
