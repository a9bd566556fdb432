#include "program/builder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;
using testing::ElementsAre;

Kind kernel(std::string name, Duration duration) {
  return {.name = std::move(name), .action = Compute{.duration = duration}};
}

TEST(ProgramBuilder, GivesEqualKindsOneIdentity) {
  ProgramBuilder builder("p");
  const KindId a = builder.intern(kernel("gemm", 5_us));
  const KindId b = builder.intern(kernel("gemm", 6_us));

  EXPECT_NE(a, b);
  EXPECT_EQ(builder.intern(kernel("gemm", 5_us)), a);
  EXPECT_EQ(std::move(builder).finish().kinds.size(), 2U);
}

TEST(ProgramBuilder, TellsKindsApartByEveryField) {
  ProgramBuilder builder("p");
  const Kind kind = kernel("gemm", 5_us);
  builder.intern(kind);

  Kind other = kind;
  other.recomputed = true;
  EXPECT_NE(index_of(builder.intern(other)), 0U);
  other = kind;
  other.flops = 1.0;
  EXPECT_NE(index_of(builder.intern(other)), 0U);
  other = kind;
  other.action = Allocate{.bytes = 5_MB};
  EXPECT_NE(index_of(builder.intern(other)), 0U);
}

TEST(ProgramBuilder, InternsPlansAndPatterns) {
  ProgramBuilder builder("p");
  const Pattern pattern{{.resource = id_at<ResourceId>(0), .weight = one_transfer}};
  const TransferPlan plan{.name = "ring", .phases = {{.bundles = {{.bytes = 8.0}}}}};

  EXPECT_EQ(builder.intern(pattern), builder.intern(pattern));
  EXPECT_EQ(builder.intern(plan), builder.intern(plan));
  TransferPlan other = plan;
  other.phases[0].bundles[0].rate_cap = 1e9;
  EXPECT_NE(builder.intern(plan), builder.intern(other));
}

TEST(ScriptBuilder, FindsALaneByItsName) {
  ScriptBuilder script("s");
  EXPECT_EQ(script.lane("compute"), 0);
  EXPECT_EQ(script.lane("tensor"), 1);
  EXPECT_EQ(script.lane("compute"), 0);
}

TEST(ScriptBuilder, FindsASlotByItsName) {
  ScriptBuilder script("s");
  EXPECT_EQ(script.slot("tp"), 0);
  EXPECT_EQ(script.slot("dp"), 1);
  EXPECT_EQ(script.slot("tp"), 0);
}

TEST(ScriptBuilder, RecordsWhatATaskWaitsFor) {
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  const auto tensor = script.lane("tensor");
  const TaskPlace done = script.append(compute, KindId{}, {.micro_batch = 2, .layer = 7});
  script.append(tensor, KindId{}, {.waits = {done}});

  const Script written = std::move(script).finish();
  EXPECT_THAT(written.waits, ElementsAre(Wait{.position = 0, .lane = 0}));
  EXPECT_EQ(written.lanes[0].tasks[0].layer, 7);
  EXPECT_EQ(written.lanes[1].tasks[0].wait_count, 1);
}

TEST(ScriptBuilder, KeepsOnlyTheLatestWaitOnALane) {
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  const auto tensor = script.lane("tensor");
  const TaskPlace first = script.append(compute, KindId{});
  const TaskPlace second = script.append(compute, KindId{});
  script.append(tensor, KindId{}, {.waits = {second, first}});

  EXPECT_THAT(std::move(script).finish().waits, ElementsAre(Wait{.position = 1, .lane = 0}));
}

TEST(ScriptBuilder, LeavesOutWaitsThatTheLaneHasSeenAlready) {
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  const auto tensor = script.lane("tensor");
  const TaskPlace done = script.append(compute, KindId{});
  const TaskPlace first = script.append(tensor, KindId{}, {.waits = {done}});
  script.append(tensor, KindId{}, {.waits = {done, first, TaskPlace{}}});

  const Script written = std::move(script).finish();
  EXPECT_EQ(written.lanes[1].tasks[1].wait_count, 0);
  EXPECT_EQ(written.waits.size(), 1U);
}

TEST(ScriptBuilder, KnowsTheLastTaskOfALane) {
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  EXPECT_FALSE(script.last(compute).exists());
  const TaskPlace done = script.append(compute, KindId{});
  EXPECT_EQ(script.last(compute), done);
}

TEST(ScriptBuilder, AddsUpWhatIsResident) {
  ScriptBuilder script("s");
  script.hold(MemoryCategory::parameters, 3_GB);
  script.hold(MemoryCategory::parameters, 1_GB);
  EXPECT_EQ(std::move(script).finish().resident[0], 4_GB);
}

TEST(ScriptBuilderDeath, RefusesAWaitOnATaskThatDoesNotExistYet) {
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  EXPECT_EXIT(script.append(compute, KindId{}, {.waits = {{.lane = 0, .position = 0}}}),
              testing::ExitedWithCode(3), "");
}

}  // namespace
}  // namespace orrery
