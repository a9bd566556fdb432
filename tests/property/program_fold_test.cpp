// Folding is exact: a symmetric program and its quotient by the symmetry have the same spans, peaks
// and uses of time, to the picosecond. Here the quotient is taken by hand, so the front-end is not
// in it.

#include "engine/engine.hpp"
#include "program/builder.hpp"
#include "program/verify.hpp"
#include "support/seeds.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

namespace orrery {
namespace {

enum class Fold { on, off };

/// A grid of pipeline stages and their replicas. A cell is a class of `width` ranks with a group of
/// its own, it hands on to the same replica of the next stage, and the replicas of a stage reduce
/// together. Each cell has three links of its own, each stage a leaf, and all share the spine.
class Grid {
 public:
  Grid(std::uint64_t seed, Fold fold) : fold_(fold), dice_(seed), builder_("grid") {
    stages_ = dice_.between(1, 4);
    replicas_ = dice_.between(2, 5);
    micro_batches_ = dice_.between(1, 3);
  }

  Program build() {
    add_resources();
    std::vector<Script> scripts;
    for (std::size_t s = 0; s < stages_; ++s) scripts.push_back(script_of(s));
    for (std::size_t s = 0; s < stages_; ++s) add_classes(s, builder_.add(std::move(scripts[s])));
    for (std::size_t s = 0; s < stages_; ++s) add_groups(s);
    builder_.set_class_of_rank(class_of_rank_);
    return std::move(builder_).finish();
  }

  std::size_t stages() const { return stages_; }
  /// Classes (or links) that stand for the replicas of a stage.
  std::size_t copies() const { return fold_ == Fold::on ? 1 : replicas_; }

 private:
  static constexpr std::size_t links_per_cell = 3;
  enum Link : std::size_t { inside, up, down };
  enum Slot : std::uint16_t { tensor, data, previous };
  /// The first stage has no previous one, and the last no next.
  std::uint16_t next_of(std::size_t stage) const { return stage > 0 ? previous + 1 : previous; }
  std::size_t slots_of(std::size_t stage) const {
    return next_of(stage) + (stage + 1 < stages_ ? 1U : 0U);
  }

  Multiplicity cells_per_copy() const { return static_cast<Multiplicity>(replicas_ / copies()); }
  ResourceId link(std::size_t stage, std::size_t copy, Link which) const {
    return id_at<ResourceId>(links_per_cell * (stage * copies() + copy) + which);
  }
  ResourceId leaf(std::size_t stage) const {
    return id_at<ResourceId>(links_per_cell * stages_ * copies() + stage);
  }
  ResourceId spine() const {
    return id_at<ResourceId>(links_per_cell * stages_ * copies() + stages_);
  }
  ClassId cell(std::size_t stage, std::size_t copy) const {
    return id_at<ClassId>(stage * copies() + copy);
  }
  std::uint64_t weight() { return dice_.between(1, 12) << dice_.between(30, 32); }
  BytesPerSecond capacity() {
    return BytesPerSecond(1e9 * static_cast<double>(dice_.between(1, 9)));
  }

  void add_resources() {
    for (std::size_t s = 0; s < stages_; ++s) {
      const std::array capacities{capacity(), capacity(), capacity()};
      for (std::size_t copy = 0; copy < copies(); ++copy) {
        for (const BytesPerSecond c : capacities) builder_.add(Resource{.capacity = c});
      }
    }
    for (std::size_t s = 0; s <= stages_; ++s) builder_.add(Resource{.capacity = capacity()});
  }

  KindId computation() {
    return builder_.intern(
        {.action =
             Compute{.duration = Duration{static_cast<std::int64_t>(dice_.between(0, 90'000))},
                     .sm = static_cast<float>(dice_.real(0.0, 1.0)),
                     .memory = static_cast<float>(dice_.real(0.0, 1.0))}});
  }
  KindId joining(std::uint16_t slot) {
    return builder_.intern({.action = Communicate{.slot = slot}});
  }

  Script script_of(std::size_t stage) {
    ScriptBuilder script("stage");
    for (const auto* lane : {"compute", "tensor", "data", "out", "in", "copy"}) script.lane(lane);
    for (std::size_t i = 0; i < slots_of(stage); ++i) script.slot(std::to_string(i));
    const auto bytes = Bytes(static_cast<std::int64_t>(dice_.between(1, 1000)));
    const KindId take = builder_.intern({.action = Allocate{.bytes = bytes}});
    const KindId give = builder_.intern({.action = Release{.bytes = bytes}});
    for (std::size_t m = 0; m < micro_batches_; ++m) {
      TaskPlace before;
      if (stage > 0) before = script.append(4, joining(previous));
      script.append(0, take, {.waits = {before}});
      const TaskPlace first = script.append(0, computation());
      const TaskPlace reduced = script.append(1, joining(tensor), {.waits = {first}});
      script.append(5, computation(), {.waits = {first}});
      script.append(0, computation());
      const TaskPlace second = script.append(0, computation(), {.waits = {reduced}});
      script.append(2, joining(data), {.waits = {second}});
      if (stage + 1 < stages_) script.append(3, joining(next_of(stage)), {.waits = {second}});
      script.append(0, give);
    }
    script.append(0, computation(), {.waits = {script.last(2)}});
    Script made = std::move(script).finish();
    made.memory_bandwidth = capacity();
    return made;
  }

  void add_classes(std::size_t stage, ScriptId script) {
    const double slowdown = dice_.chance(0.5) ? 1.0 : dice_.real(1.0, 1.5);
    for (std::size_t copy = 0; copy < copies(); ++copy) {
      const Multiplicity ranks = 2 * cells_per_copy();
      const ClassId id = builder_.add(RankClass{.script = script,
                                                .count = ranks,
                                                .representative = class_of_rank_.next_id(),
                                                .slowdown = slowdown,
                                                .groups = std::vector<GroupId>(slots_of(stage))});
      for (Multiplicity r = 0; r < ranks; ++r) class_of_rank_.push_back(id);
    }
  }

  PlanId plan() {
    TransferPlan made{.component = static_cast<Component>(dice_.between(1, component_count - 1))};
    made.sm = static_cast<float>(dice_.chance(0.5) ? dice_.real(0.0, 0.5) : 0.0);
    for (std::uint64_t p = dice_.between(0, 2); p > 0; --p) {
      Phase& phase = made.phases.emplace_back();
      phase.repeat = static_cast<std::uint32_t>(dice_.between(1, 3));
      for (std::uint64_t b = dice_.between(1, 2); b > 0; --b) {
        phase.bundles.push_back(
            {.bytes = dice_.chance(0.1) ? 0.0 : dice_.real(1.0, 400.0),
             .latency = Duration{static_cast<std::int64_t>(dice_.between(0, 2) * 5'000)}});
        if (dice_.chance(0.3)) phase.bundles.back().rate_cap = dice_.real(1e8, 4e9);
        if (dice_.chance(0.5)) phase.bundles.back().memory = weight() / 4;
      }
    }
    return builder_.intern(std::move(made));
  }

  void join(GroupId group, ClassId member, std::uint16_t slot) {
    builder_.rank_class(member).groups[slot] = group;
  }

  void add_groups(std::size_t stage) {
    add_tensor_groups(stage);
    add_data_group(stage);
    if (stage + 1 < stages_) add_next_groups(stage);
  }

  void add_tensor_groups(std::size_t stage) {
    const PlanId shared = plan();
    const std::uint64_t w = weight();
    for (std::size_t copy = 0; copy < copies(); ++copy) {
      const ClassId self = cell(stage, copy);
      const PatternId crossed =
          builder_.intern(Pattern{{.resource = link(stage, copy, inside), .weight = w}});
      join(builder_.add(Group{.name = "tensor",
                              .count = cells_per_copy(),
                              .members = {{.rank_class = self, .count = 2}},
                              .plans = {shared},
                              .patterns = {crossed}}),
           self, tensor);
    }
  }

  void add_data_group(std::size_t stage) {
    const std::array weights{weight(), weight(), weight()};
    Group group{.name = "data", .plans = {plan()}};
    Pattern crossed;
    for (std::size_t copy = 0; copy < copies(); ++copy) {
      group.members.push_back({.rank_class = cell(stage, copy), .count = 2 * cells_per_copy()});
      crossed.push_back({.resource = link(stage, copy, up), .weight = weights[0]});
      crossed.push_back({.resource = link(stage, copy, down), .weight = weights[1]});
    }
    crossed.push_back({.resource = leaf(stage), .weight = weights[2]});
    group.patterns = {builder_.intern(std::move(crossed))};
    const GroupId id = builder_.add(std::move(group));
    for (std::size_t copy = 0; copy < copies(); ++copy) join(id, cell(stage, copy), data);
  }

  void add_next_groups(std::size_t stage) {
    const PlanId shared = plan();
    const std::uint64_t w = weight();
    for (std::size_t copy = 0; copy < copies(); ++copy) {
      const ClassId source = cell(stage, copy);
      const ClassId target = cell(stage + 1, copy);
      const PatternId crossed =
          builder_.intern(Pattern{{.resource = link(stage, copy, up), .weight = w},
                                  {.resource = link(stage + 1, copy, down), .weight = w},
                                  {.resource = leaf(stage), .weight = w * cells_per_copy()},
                                  {.resource = spine(), .weight = w * cells_per_copy()}});
      const GroupId id =
          builder_.add(Group{.name = "next",
                             .count = 2 * cells_per_copy(),
                             .members = {{.rank_class = source}, {.rank_class = target}},
                             .plans = {shared},
                             .patterns = {crossed}});
      join(id, source, next_of(stage));
      join(id, target, previous);
    }
  }

  Fold fold_;
  Dice dice_;
  ProgramBuilder builder_;
  IdVector<RankId, ClassId> class_of_rank_;
  std::size_t stages_ = 1;
  std::size_t replicas_ = 1;
  std::size_t micro_batches_ = 1;
};

using SpanKey = std::tuple<std::uint16_t, std::uint32_t, Instant, Duration, Duration>;

struct Execution {
  RunResult result;
  RecordingSink rows;
};

Execution run(const Program& program) {
  EXPECT_THAT(verify(program), testing::IsEmpty());
  Execution made;
  const auto network = make_fair_share_network(program.resources);
  made.result = execute(program, *network, made.rows);
  return made;
}

std::vector<SpanKey> spans_of(const Execution& run, ClassId rank_class) {
  std::vector<SpanKey> spans;
  for (const Span& span : run.rows.spans) {
    if (span.rank_class != rank_class) continue;
    spans.emplace_back(span.lane, span.position, span.begin, span.duration, span.waited);
  }
  std::ranges::sort(spans);
  return spans;
}

void expect_alike(const Execution& folded, ClassId one, const Execution& whole, ClassId other) {
  ASSERT_EQ(spans_of(folded, one), spans_of(whole, other));
  const TimeUse& a = folded.result.time[one];
  const TimeUse& b = whole.result.time[other];
  ASSERT_EQ(a.by_component, b.by_component);
  ASSERT_EQ(a.bubble, b.bubble);
  ASSERT_EQ(a.busy, b.busy);
  ASSERT_EQ(folded.result.memory[one].at, whole.result.memory[other].at);
  ASSERT_EQ(folded.result.memory[one].bytes, whole.result.memory[other].bytes);
}

TEST(ProgramFold, AQuotientRunsLikeTheWholePicosecondForPicosecond) {
  std::uint64_t shared = 0;
  for_each_seed(400, [&shared](std::uint64_t seed) {
    Grid small(seed, Fold::on);
    Grid large(seed, Fold::off);
    const Execution folded = run(small.build());
    const Execution whole = run(large.build());
    ASSERT_EQ(folded.result.end, whole.result.end);
    shared += folded.result.shared_kernels;
    for (std::size_t s = 0; s < small.stages(); ++s) {
      for (std::size_t copy = 0; copy < large.copies(); ++copy) {
        expect_alike(folded, id_at<ClassId>(s), whole, id_at<ClassId>(s * large.copies() + copy));
        const auto link = id_at<ResourceId>(3 * s + 1);
        const auto same = id_at<ResourceId>(3 * (s * large.copies() + copy) + 1);
        ASSERT_EQ(folded.result.resources[link].peak_rate, whole.result.resources[same].peak_rate);
      }
    }
  });
  EXPECT_GT(shared, 400U) << "kernels that had company";
}

TEST(ProgramFold, TwoRunsHaveTheSameRowsInTheSameOrder) {
  for_each_seed(100, [](std::uint64_t seed) {
    const Program program = Grid(seed, Fold::off).build();
    const Execution first = run(program);
    const Execution second = run(program);
    ASSERT_EQ(first.rows.spans.size(), second.rows.spans.size());
    for (std::size_t i = 0; i < first.rows.spans.size(); ++i) {
      const Span& a = first.rows.spans[i];
      const Span& b = second.rows.spans[i];
      ASSERT_EQ(std::tie(a.begin, a.duration, a.rank_class, a.lane, a.position),
                std::tie(b.begin, b.duration, b.rank_class, b.lane, b.position));
    }
    ASSERT_EQ(first.rows.links.size(), second.rows.links.size());
  });
}

TEST(ProgramFold, SpansComeInOrderOfTheirEnds) {
  for_each_seed(100, [](std::uint64_t seed) {
    const Execution made = run(Grid(seed, Fold::off).build());
    EXPECT_TRUE(std::ranges::is_sorted(
        made.rows.spans, {}, [](const Span& span) { return span.begin + span.duration; }));
    EXPECT_TRUE(std::ranges::is_sorted(made.rows.links, {}, &LinkSample::at));
    EXPECT_TRUE(std::ranges::is_sorted(made.rows.memory, {}, &MemorySample::at));
  });
}

}  // namespace
}  // namespace orrery
