#include "engine/engine.hpp"

#include "program/builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;
using testing::ElementsAre;
using testing::SizeIs;

/// Two links of a byte per ns; what a test adds is small enough to be read beside its expectation.
class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    for (int i = 0; i < 2; ++i) builder.add(Resource{.capacity = BytesPerSecond(1e9)});
  }

  KindId compute(Duration duration, float sm = 0.0F, float memory = 0.0F) {
    return builder.intern({.action = Compute{duration, sm, memory}, .flops = 10.0});
  }
  KindId join(std::uint16_t slot = 0) {
    return builder.intern({.action = Communicate{.slot = slot}});
  }
  KindId take(Bytes bytes) { return builder.intern({.action = Allocate{.bytes = bytes}}); }
  KindId give(Bytes bytes) { return builder.intern({.action = Release{.bytes = bytes}}); }

  /// One bundle of so many bytes over link 0.
  TransferPlan moving(double bytes) {
    return {.component = Component::dp, .phases = {{.bundles = {{.bytes = bytes}}}}};
  }
  GroupId group(TransferPlan plan, std::vector<Member> members) {
    return builder.add(Group{.name = "world",
                             .members = std::move(members),
                             .plans = {builder.intern(std::move(plan))},
                             .patterns = {builder.intern(Pattern{{.resource = ResourceId{0}}})}});
  }
  ClassId rank(ScriptBuilder script, std::vector<GroupId> groups = {}, double slowdown = 1.0) {
    const ScriptId id = builder.add(std::move(script).finish());
    return builder.add(RankClass{.script = id, .slowdown = slowdown, .groups = std::move(groups)});
  }

  RunResult run(const EngineOptions& options = {}) {
    const Program program = std::move(builder).finish();
    const auto network = make_fair_share_network(program.resources);
    return execute(program, *network, rows, options);
  }

  ProgramBuilder builder{"test"};
  RecordingSink rows;
};

std::int64_t ns(Duration duration) { return duration.count() / 1000; }
std::int64_t ns(Instant instant) { return ns(instant.time_since_epoch()); }
std::int64_t ns(const TimeUse& use, Component component) {
  return ns(use.by_component[static_cast<std::size_t>(component)]);
}

TEST_F(EngineTest, RunsTheTasksOfALaneOneAfterTheOther) {
  ScriptBuilder script("rank");
  const auto lane = script.lane("compute");
  script.append(lane, compute(3_ns));
  script.append(lane, compute(4_ns));
  rank(std::move(script));

  EXPECT_EQ(ns(run().end), 7);
  EXPECT_EQ(ns(rows.spans[1].begin), 3);
}

TEST_F(EngineTest, RunsLanesBesideEachOther) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), compute(3_ns));
  script.append(script.lane("copy"), compute(4_ns));
  rank(std::move(script));

  EXPECT_EQ(ns(run().end), 4);
}

TEST_F(EngineTest, HoldsATaskBackUntilAllItWaitsForHasEnded) {
  ScriptBuilder script("rank");
  const auto copy = script.append(script.lane("copy"), compute(4_ns));
  const auto load = script.append(script.lane("load"), compute(6_ns));
  script.append(script.lane("compute"), compute(1_ns), {.waits = {copy, load}});
  rank(std::move(script));

  EXPECT_EQ(ns(run().end), 7);
}

TEST_F(EngineTest, SlowsEveryComputationOfAStraggler) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), compute(10_ns));
  rank(std::move(script), {}, 1.25);

  EXPECT_EQ(run().end, simulation_start + 12'500_ps);
}

TEST_F(EngineTest, BeginsACollectiveWhenTheLastMemberHasJoined) {
  for (const Duration before : {2_ns, 5_ns}) {
    ScriptBuilder script("rank");
    script.append(script.lane("compute"), compute(before));
    script.append(script.lane("compute"), join());
    rank(std::move(script), {GroupId{0}});
  }
  group(moving(100.0), {{.rank_class = ClassId{0}}, {.rank_class = ClassId{1}}});

  EXPECT_EQ(ns(run().end), 105);
  ASSERT_THAT(rows.spans, SizeIs(4));
  EXPECT_EQ(ns(rows.spans[2].waited) + ns(rows.spans[3].waited), 3);
}

TEST_F(EngineTest, RepeatsPhasesAndRunsThemInOrder) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), join());
  const ClassId self = rank(std::move(script), {GroupId{0}});
  TransferPlan plan = moving(10.0);
  plan.phases[0].repeat = 3;
  plan.phases.push_back({.bundles = {{.bytes = 5.0, .latency = 2_ns}}});
  group(plan, {{.rank_class = self}});

  const RunResult result = run();
  EXPECT_EQ(ns(result.end), 37);
  EXPECT_EQ(result.network_events, 4U);
}

TEST_F(EngineTest, NeedsNoTimeForAPlanWithoutPhases) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), join());
  script.append(script.lane("compute"), compute(1_ns));
  const ClassId self = rank(std::move(script), {GroupId{0}});
  group({.name = "nothing"}, {{.rank_class = self}});

  EXPECT_EQ(ns(run().end), 1);
  EXPECT_THAT(rows.spans, SizeIs(2));
}

TEST_F(EngineTest, SharesALinkBetweenCollectivesThatOverlap) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), join(0));
  script.append(script.lane("data"), join(1));
  const ClassId self = rank(std::move(script), {GroupId{0}, GroupId{1}});
  group(moving(100.0), {{.rank_class = self}});
  group(moving(100.0), {{.rank_class = self}});

  EXPECT_EQ(ns(run().end), 200);
}

TEST_F(EngineTest, BooksIdleTimeToTheCollectiveWhoseBytesMoved) {
  for (const Duration before : {2_ns, 5_ns}) {
    ScriptBuilder script("rank");
    const auto lane = script.lane("compute");
    const auto first = script.append(lane, compute(before));
    const auto reduced = script.append(script.lane("data"), join(), {.waits = {first}});
    script.append(lane, compute(4_ns), {.waits = {reduced}});
    rank(std::move(script), {GroupId{0}});
  }
  group(moving(100.0), {{.rank_class = ClassId{0}}, {.rank_class = ClassId{1}}});

  const TimeUse early = run().time[ClassId{0}];
  EXPECT_EQ(ns(early, Component::compute), 6);
  EXPECT_EQ(ns(early, Component::dp), 100);
  EXPECT_EQ(ns(early.bubble), 3);
  EXPECT_EQ(ns(early.busy), 6);
}

TEST_F(EngineTest, BooksAQueueOfCollectivesInOneLaneAsExposedFromFirstToLast) {
  ScriptBuilder script("rank");
  const auto lane = script.lane("compute");
  const auto first = script.append(lane, compute(5_ns));
  TaskPlace last;
  for (int i = 0; i < 3; ++i) last = script.append(script.lane("data"), join(), {.waits = {first}});
  script.append(lane, compute(1_ns), {.waits = {last}});
  const ClassId self = rank(std::move(script), {GroupId{0}});
  group(moving(10.0), {{.rank_class = self}});

  const TimeUse use = run().time[self];
  EXPECT_EQ(ns(use, Component::dp), 30);
  EXPECT_EQ(ns(use.bubble), 0);
}

TEST_F(EngineTest, BooksOnlyTheExposedPartOfACollectiveThatOverlaps) {
  ScriptBuilder script("rank");
  const auto lane = script.lane("compute");
  script.append(lane, compute(70_ns));
  const auto reduced = script.append(script.lane("data"), join());
  script.append(lane, compute(1_ns), {.waits = {reduced}});
  const ClassId self = rank(std::move(script), {GroupId{0}});
  group(moving(100.0), {{.rank_class = self}});

  EXPECT_EQ(ns(run().time[self], Component::dp), 30);
}

TEST_F(EngineTest, FollowsWhatHeldUpACollectiveInAnotherLane) {
  ScriptBuilder script("rank");
  const auto gathered = script.append(script.lane("gather"), join(0));
  const auto reduced = script.append(script.lane("reduce"), join(1), {.waits = {gathered}});
  const auto lane = script.lane("compute");
  script.append(lane, compute(1_ns), {.waits = {reduced}});
  Script made = std::move(script).finish();
  std::swap(made.lanes[0], made.lanes[2]);
  for (Wait& wait : made.waits) wait.lane = static_cast<std::uint16_t>(wait.lane == 0 ? 2 : 1);
  const ClassId self =
      builder.add(RankClass{.script = builder.add(made), .groups = {GroupId{0}, GroupId{1}}});
  TransferPlan first = moving(10.0);
  first.component = Component::ep;
  group(first, {{.rank_class = self}});
  group(moving(20.0), {{.rank_class = self}});

  const TimeUse use = run().time[self];
  EXPECT_EQ(ns(use, Component::ep), 10);
  EXPECT_EQ(ns(use, Component::dp), 20);
}

TEST_F(EngineTest, CallsTheTimeAfterTheLastTaskBubble) {
  for (const Duration duration : {3_ns, 10_ns}) {
    ScriptBuilder script("rank");
    script.append(script.lane("compute"), compute(duration));
    rank(std::move(script));
  }

  EXPECT_EQ(ns(run().time[ClassId{0}].bubble), 7);
}

TEST_F(EngineTest, StretchesAKernelWhileCommunicationHoldsItsSms) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), compute(100_ns, 1.0F));
  script.append(script.lane("data"), join());
  const ClassId self = rank(std::move(script), {GroupId{0}});
  TransferPlan plan = moving(60.0);
  plan.sm = 0.5F;
  group(plan, {{.rank_class = self}});

  // For 60 ns half of the SMs are left, so 30 ns of work are done; the other 70 ns run alone.
  EXPECT_EQ(ns(run().end), 130);
}

TEST_F(EngineTest, KnowsNoStretchWithInterferenceOff) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), compute(100_ns, 1.0F));
  script.append(script.lane("data"), join());
  const ClassId self = rank(std::move(script), {GroupId{0}});
  TransferPlan plan = moving(60.0);
  plan.sm = 0.5F;
  group(plan, {{.rank_class = self}});

  EXPECT_EQ(ns(run({.interference = Interference::off}).end), 100);
}

TEST_F(EngineTest, ReportsWhatAnAllocatorReserves) {
  ScriptBuilder script("rank");
  const auto lane = script.lane("compute");
  script.append(lane, take(40_MiB));
  script.append(lane, give(40_MiB));
  script.append(lane, take(60_MiB));  // does not fit into what is kept of the first
  script.append(lane, give(60_MiB));
  script.set_memory_capacity(1_GiB);
  rank(std::move(script));

  const RunResult result = run({.allocator = find_allocator("caching")});
  EXPECT_EQ(result.memory[ClassId{0}].bytes, 60_MiB);
  EXPECT_EQ(result.memory[ClassId{0}].reserved, 100_MiB);
}

TEST_F(EngineTest, WritesAMemorySampleForEachChangeAndForWhatIsResident) {
  ScriptBuilder script("rank");
  script.hold(MemoryCategory::parameters, 100_B);
  const auto lane = script.lane("compute");
  script.append(lane, take(30_B));
  script.append(lane, compute(2_ns));
  script.append(lane, give(30_B));
  rank(std::move(script));

  EXPECT_EQ(run().memory[ClassId{0}].bytes, 130_B);
  ASSERT_THAT(rows.memory, SizeIs(3));
  EXPECT_EQ(rows.memory[0].bytes, 100_B);
  EXPECT_EQ(rows.memory[1].bytes, 30_B);
  EXPECT_EQ(ns(rows.memory[2].at), 2);
  EXPECT_EQ(rows.memory[2].bytes, 0_B);
}

TEST_F(EngineTest, ReportsWhatCrossedEachLinkAndHowFast) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), join());
  const ClassId self = rank(std::move(script), {GroupId{0}});
  group(moving(250.0), {{.rank_class = self}});

  const RunResult result = run();
  EXPECT_EQ(result.resources[ResourceId{0}].bytes, 250.0);
  EXPECT_EQ(result.resources[ResourceId{0}].peak_rate, 1e9);
  EXPECT_EQ(result.resources[ResourceId{1}].bytes, 0.0);
  ASSERT_THAT(rows.links, SizeIs(2));
  EXPECT_EQ(rows.links[1].bytes_per_second, 0.0);
}

TEST_F(EngineTest, CountsTasksAndFlops) {
  ScriptBuilder script("rank");
  const auto lane = script.lane("compute");
  script.append(lane, compute(1_ns));
  script.append(lane, compute(1_ns));
  script.append(lane, builder.intern({.action = Compute{1_ns}, .flops = 3.0, .recomputed = true}));
  const ClassId self = rank(std::move(script));

  const RunResult result = run();
  EXPECT_EQ(result.task_events, 3U);
  EXPECT_EQ(result.time[self].flops, 20.0);
  EXPECT_EQ(result.time[self].recomputed_flops, 3.0);
}

using EngineDeathTest = EngineTest;

TEST_F(EngineDeathTest, NamesWhoWaitsForWhatWhenNothingGoesOn) {
  ScriptBuilder script("stage 3");
  script.append(script.lane("compute"), join());
  const ClassId self = rank(std::move(script), {GroupId{0}});
  group(moving(1.0), {{.rank_class = self}, {.rank_class = ClassId{7}}});

  EXPECT_EXIT(run(), testing::ExitedWithCode(3), "stage 3: lane compute at task 0.*group world");
}

TEST_F(EngineDeathTest, RefusesALedgerThatDoesNotBalance) {
  ScriptBuilder script("rank");
  script.append(script.lane("compute"), take(30_B));
  rank(std::move(script));

  EXPECT_EXIT(run(), testing::ExitedWithCode(3), "ledger_balances");
}

}  // namespace
}  // namespace orrery
