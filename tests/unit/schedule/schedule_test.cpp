// Golden makespans and peaks: replays of the orders without communication, F = 1 and B = 2 of a
// rank, so 1/v and 2/v of a chunk; checked against the closed forms of Narayanan et al., SC'21,
// section 2.2.
#include "schedule/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Schedule& named(std::string_view name) { return *find_schedule(name); }

Replay replayed(std::string_view name, const PipelineShape& shape) {
  const auto v = static_cast<double>(shape.chunks);
  return replay(named(name), shape, {.forward = 1.0 / v, .backward = 2.0 / v});
}

struct Golden {
  std::string_view schedule;
  PipelineShape shape;
  double makespan;
  std::int64_t peak_of_rank_0;
  std::int64_t peak_of_last_rank;
};

class GoldenReplay : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenReplay, AgreesWithTheIndependentReplay) {
  const Golden& golden = GetParam();

  const Replay result = replayed(golden.schedule, golden.shape);

  EXPECT_DOUBLE_EQ(result.makespan, golden.makespan);
  EXPECT_EQ(result.live_peak.front(), golden.peak_of_rank_0);
  EXPECT_EQ(result.live_peak.back(), golden.peak_of_last_rank);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, GoldenReplay,
    ::testing::Values(
        Golden{"gpipe", {4, 1, 8}, 33.0, 8, 8}, Golden{"1f1b", {4, 1, 8}, 33.0, 4, 1},
        Golden{"interleaved", {4, 2, 8}, 28.5, 11, 5},
        Golden{"interleaved", {4, 4, 8}, 26.25, 19, 13}, Golden{"gpipe", {4, 1, 16}, 57.0, 16, 16},
        Golden{"1f1b", {4, 1, 16}, 57.0, 4, 1}, Golden{"interleaved", {4, 2, 16}, 52.5, 11, 5},
        Golden{"interleaved", {4, 4, 16}, 50.25, 19, 13}, Golden{"gpipe", {8, 1, 16}, 69.0, 16, 16},
        Golden{"1f1b", {8, 1, 16}, 69.0, 8, 1}, Golden{"interleaved", {8, 2, 16}, 58.5, 23, 9},
        Golden{"interleaved", {8, 4, 16}, 53.25, 39, 25},
        Golden{"gpipe", {8, 1, 32}, 117.0, 32, 32}, Golden{"1f1b", {8, 1, 32}, 117.0, 8, 1},
        Golden{"interleaved", {8, 2, 32}, 106.5, 23, 9},
        Golden{"interleaved", {8, 4, 32}, 101.25, 39, 25}));

TEST(Bubble, IsAllButOneStageOfOneMicroBatchIn1F1B) {
  // (p-1)(F+B): Narayanan et al., SC'21, section 2.2.1.
  const PipelineShape shape{6, 1, 10};

  const Replay result = replay(named("1f1b"), shape, {.forward = 3.0, .backward = 5.0});

  EXPECT_DOUBLE_EQ(result.makespan - result.work[0], (6 - 1) * (3.0 + 5.0));
}

TEST(Bubble, ShrinksByTheNumberOfChunksWhenInterleaved) {
  // (p-1)(F+B)/v: Narayanan et al., SC'21, section 2.2.2; here F and B are a chunk's.
  const PipelineShape shape{6, 3, 12};

  const Replay result = replay(named("interleaved"), shape, {.forward = 3.0, .backward = 5.0});

  EXPECT_DOUBLE_EQ(result.makespan - result.work[0], (6 - 1) * (3.0 + 5.0));
  EXPECT_DOUBLE_EQ(result.work[0], 12 * 3 * (3.0 + 5.0));
}

TEST(LivePeak, FallsByTwoChunksPerRankWhenInterleaved) {
  EXPECT_THAT(replayed("interleaved", {4, 2, 8}).live_peak, ElementsAre(11, 9, 7, 5));
}

TEST(LivePeak, IsWhatThereIsWhenMicroBatchesAreFew) {
  EXPECT_THAT(replayed("1f1b", {4, 1, 2}).live_peak, ElementsAre(2, 2, 2, 1));
  EXPECT_THAT(replayed("interleaved", {4, 2, 4}).live_peak, ElementsAre(8, 8, 7, 5));
}

TEST(Schedule, IsFoundByItsNameInFiles) {
  EXPECT_EQ(named("1f1b").name, "1f1b");
  EXPECT_EQ(find_schedule("one_f_one_b"), nullptr);
}

TEST(Schedule, PlacesVirtualStagesInLoops) {
  const PipelineShape shape{4, 2, 8};

  EXPECT_EQ(looped_place(shape, 6), (StagePlace{2, 1}));
  for (std::int64_t stage = 0; stage < 8; ++stage) {
    const StagePlace place = named("interleaved").place(shape, stage);
    EXPECT_EQ(virtual_stage_of(named("interleaved"), shape, place), stage);
  }
}

TEST(Objection, OfGpipeAnd1F1BIsToVirtualStages) {
  EXPECT_FALSE(named("1f1b").objection({4, 1, 3}));
  EXPECT_THAT(named("1f1b").objection({4, 2, 8}).value(), HasSubstr("vpp must be 1"));
  EXPECT_THAT(named("gpipe").objection({4, 2, 8}).value(), HasSubstr("interleaved"));
}

TEST(Objection, OfInterleavedNamesTheNearestMicroBatchCounts) {
  EXPECT_FALSE(named("interleaved").objection({4, 2, 8}));
  EXPECT_THAT(named("interleaved").objection({4, 2, 10}).value(), HasSubstr("8 or 12"));
  EXPECT_THAT(named("interleaved").objection({4, 1, 8}).value(), HasSubstr("vpp of at least 2"));
  EXPECT_THAT(named("interleaved").objection({1, 2, 8}).value(), HasSubstr("pp of at least 2"));
}

TEST(Objection, IsToMoreMicroBatchesThanTasksCanNumber) {
  EXPECT_FALSE(named("1f1b").objection({1, 1, 65535}));
  EXPECT_THAT(named("1f1b").objection({1, 1, 65536}).value(), HasSubstr("65535"));
}

}  // namespace
}  // namespace orrery
