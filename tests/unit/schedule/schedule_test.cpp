// Makespans, bubbles and peaks of replays without communication, against an independent replay and
// against published closed forms.
#include "schedule/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace orrery {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Le;

const Schedule& named(std::string_view name) { return *find_schedule(name); }

Replay replayed(std::string_view name, const PipelineShape& shape) {
  const auto v = static_cast<double>(shape.chunks);
  return replay(named(name), shape, {.forward = 1.0 / v, .backward = 2.0 / v});
}

/// A row of pipeline_golden.csv: replays of the published orders without communication, by a
/// program of its own.
struct Golden {
  std::string_view schedule;
  PipelineShape shape;
  ReplayTimes times;  ///< of a chunk
  double makespan = 0.0;
  std::vector<std::int64_t> live_peak;
};

std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') quoted = !quoted;
    if (c == ',' && !quoted) cells.emplace_back();
    if (c != '"' && (c != ',' || quoted)) cells.back() += c;
  }
  return cells;
}

/// What the table calls a schedule, how it is called here, and its chunks per rank.
struct TableName {
  std::string_view begins;
  std::string_view name;
  std::int64_t chunks;
  double passes;  ///< how many of its chunks make up a rank's work on a micro-batch
};
constexpr std::array<TableName, 7> table_names{{{"GPipe", "gpipe", 1, 1.0},
                                                {"1F1B", "1f1b", 1, 1.0},
                                                {"Interleaved v=2", "interleaved", 2, 2.0},
                                                {"Interleaved v=4", "interleaved", 4, 4.0},
                                                {"ZBV", "zb-v", 2, 2.0},
                                                {"DualPipeV", "dualpipev", 2, 2.0},
                                                {"DualPipe ", "dualpipe", 1, 1.0}}};

Golden golden_of(const std::vector<std::string>& cells) {
  const auto* const known = std::ranges::find_if(
      table_names, [&](const TableName& name) { return cells[0].starts_with(name.begins); });
  EXPECT_NE(known, table_names.end()) << cells[0];
  Golden golden{.schedule = known->name,
                .shape = {std::stoll(cells[1]), known->chunks, std::stoll(cells[2])},
                .times = {},
                .makespan = std::stod(cells[6]),
                .live_peak = {}};
  const double i = std::stod(cells[4]) / known->passes;
  const double w = std::stod(cells[5]) / known->passes;
  const double f = std::stod(cells[3]) / known->passes;
  golden.times = {f, i + w, i, w, f + i + w};  // both of a pair end together
  std::istringstream peaks(cells[11]);
  for (std::string peak; std::getline(peaks, peak, '/');) {
    golden.live_peak.push_back(std::stoll(peak));
  }
  return golden;
}

TEST(Replay, AgreesWithAllOfTheGoldenTable) {
  std::ifstream table("tests/unit/schedule/pipeline_golden.csv");
  std::string line;
  std::getline(table, line);
  int rows = 0;
  for (; std::getline(table, line); ++rows) {
    SCOPED_TRACE(line);
    const Golden golden = golden_of(cells_of(line));
    const Replay result = replay(named(golden.schedule), golden.shape, golden.times);
    EXPECT_NEAR(result.makespan, golden.makespan, 1e-9);
    EXPECT_EQ(result.live_peak, golden.live_peak);
  }
  EXPECT_EQ(rows, 56);
}

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

struct Halves {
  double forward, input, weight;

  ReplayTimes times() const { return {forward, input + weight, input, weight}; }
};
constexpr std::array<Halves, 3> splits{{{1.0, 1.0, 1.0}, {1.0, 1.25, 0.75}, {2.0, 3.0, 1.0}}};

TEST(Bubble, OfZbH1IsSmallerByAForwardAndAWeightGradient) {
  // (p-1)(F+I-W): Qi et al., ICLR 2024, section 2.3; in 1F1B's memory.
  for (const Halves& h : splits) {
    const Replay result = replay(named("zb-h1"), {6, 1, 14}, h.times());

    EXPECT_DOUBLE_EQ(result.makespan - result.work[0], 5 * (h.forward + h.input - h.weight));
    EXPECT_THAT(result.live_peak, Each(6));
  }
}

TEST(Bubble, OfZbH2InsideARanksStepClosesWhenPassesAreAlike) {
  // (p-1)(F+I-2W) between a rank's first and last step: Qi et al., ICLR 2024, section 2.3.
  for (const Halves& h : splits) {
    const Replay result = replay(named("zb-h2"), {6, 1, 24}, h.times());

    EXPECT_DOUBLE_EQ(result.end[0] - result.begin[0] - result.work[0],
                     5 * (h.forward + h.input - 2 * h.weight));
    EXPECT_THAT(result.live_peak, Each(11));
  }
}

TEST(Bubble, OfZbVIsOnlyThatRanksBeginOneAfterAnother) {
  for (const PipelineShape& shape : {PipelineShape{4, 2, 8}, {8, 2, 20}, {6, 2, 64}}) {
    const Replay result = replay(named("zb-v"), shape, splits[0].times());

    EXPECT_DOUBLE_EQ(result.makespan - result.work[0], static_cast<double>(shape.ranks - 1));
    EXPECT_THAT(result.live_peak, Each(2 * shape.ranks));
  }
}

TEST(Bubble, OfDualPipeIsThatOfTheReportWithAndWithoutOverlap) {
  // (p/2-1)(F&B + B - 3W), of the innermost ranks, which run the most pairs: DeepSeek-V3 Technical
  // Report, table 2; p+1 micro-batches are held.
  for (const double pair : {3.0, 2.5}) {
    ReplayTimes times = splits[0].times();
    times.pair = pair;

    const Replay result = replay(named("dualpipe"), {8, 1, 20}, times);

    EXPECT_DOUBLE_EQ(result.makespan - std::ranges::min(result.work), 3 * (pair + 2.0 - 3.0));
    EXPECT_THAT(result.live_peak, Each(9));
  }
}

TEST(Bubble, OfDualPipeVIsThatOfTheReport) {
  for (const double pair : {3.0, 2.5}) {
    ReplayTimes times = splits[0].times();
    times.pair = pair;

    const Replay result = replay(named("dualpipev"), {4, 2, 20}, times);

    EXPECT_DOUBLE_EQ(result.makespan - std::ranges::min(result.work), 3 * (pair + 2.0 - 3.0));
    EXPECT_THAT(result.live_peak, Each(9));
  }
}

double bubble_over_1f1b(std::string_view name, std::int64_t p) {
  const Replay result = replay(named(name), {p, 2, 4 * p}, {0.5, 1.0, 0.5, 0.5});
  return (result.makespan - result.work[0]) / static_cast<double>(3 * (p - 1));
}

TEST(ControllableMemory, OfVHalfIsHalfOf1F1BsAndSoIsTheBubble) {
  // p/2 + 1 micro-batches of two chunks; Qi et al., NeurIPS 2024, table 1.
  for (const std::int64_t p : {4, 6, 8, 12, 16}) {
    EXPECT_THAT(replayed("v-half", {p, 2, 4 * p}).live_peak, Each(Le(p + 2)));
    EXPECT_LE(bubble_over_1f1b("v-half", p), 0.5);
  }
}

TEST(ControllableMemory, OfVMinIsAThirdOf1F1BsAtTwoThirdsOfTheBubble) {
  for (const std::int64_t p : {4, 6, 8, 12, 16}) {
    EXPECT_THAT(replayed("v-min", {p, 2, 4 * p}).live_peak, Each(Le(2 * p / 3 + 4)));
    EXPECT_LE(bubble_over_1f1b("v-min", p), 0.72);
  }
}

TEST(EverySchedule, RunsAllPassesOfAllMicroBatchesOnShapesItAccepts) {
  for (const Schedule* schedule : registered_schedules()) {
    for (std::int64_t p = 1; p <= 9; ++p) {
      for (const std::int64_t m : {1, 2, 3, 7, 8, 16, 18}) {
        const PipelineShape shape{p, std::max<std::int64_t>(schedule->chunks, 1), m};
        if (schedule->objection(shape)) continue;
        const Replay result = replay(*schedule, shape, splits[0].times());
        EXPECT_THAT(result.work, Each(static_cast<double>(3 * m * shape.chunks)));
      }
    }
  }
}

TEST(Pairs, RunOneForwardMoreAheadAndLeaveTheOrderOfEachPassAlone) {
  const PipelineShape shape{4, 2, 8, Pairing::with_next};

  const Replay result = replay(named("interleaved"), shape, {0.5, 1.0, 0.5, 0.5, 1.5});

  EXPECT_THAT(result.live_peak, ElementsAre(12, 10, 8, 6));
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

  EXPECT_EQ(looped_place(shape, {6}), (StagePlace{2, 1}));
  for (std::int64_t stage = 0; stage < 8; ++stage) {
    const StagePlace place = named("interleaved").place(shape, {stage});
    EXPECT_EQ(virtual_stage_of(named("interleaved"), shape, place), VirtualStage{stage});
  }
}

TEST(Schedule, PlacesVirtualStagesInAVWithBothEndsOnTheFirstRank) {
  const PipelineShape shape{4, 2, 8};

  EXPECT_EQ(v_place(shape, {0}), (StagePlace{0, 0}));
  EXPECT_EQ(v_place(shape, {3}), (StagePlace{3, 0}));
  EXPECT_EQ(v_place(shape, {4}), (StagePlace{3, 1}));
  EXPECT_EQ(v_place(shape, {7}), (StagePlace{0, 1}));
}

TEST(Schedule, PlacesTheTwoDirectionsOfDualPipeOppositeEachOther) {
  const PipelineShape shape{4, 1, 8};
  const Schedule& dualpipe = named("dualpipe");

  EXPECT_EQ(dualpipe.place(shape, {1, 0}), (StagePlace{1, 0}));
  EXPECT_EQ(dualpipe.place(shape, {1, 1}), (StagePlace{2, 1}));
  EXPECT_EQ(virtual_stage_of(dualpipe, shape, {2, 1}), (VirtualStage{1, 1}));
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

TEST(Objection, OfSchedulesInAVIsToOtherThanTwoChunks) {
  EXPECT_FALSE(named("zb-v").objection({4, 2, 3}));
  EXPECT_THAT(named("v-half").objection({4, 1, 8}).value(), HasSubstr("vpp must be 2"));
  EXPECT_THAT(named("v-min").objection({1, 2, 8}).value(), HasSubstr("pp of at least 2"));
  EXPECT_THAT(named("dualpipev").objection({4, 2, 7}).value(), HasSubstr("at least 2·pp = 8"));
}

TEST(Objection, OfDualPipeIsToOddPipelinesAndToFewOrOddMicroBatches) {
  EXPECT_FALSE(named("dualpipe").objection({4, 1, 10}));
  EXPECT_THAT(named("dualpipe").objection({3, 1, 8}).value(), HasSubstr("even pp"));
  EXPECT_THAT(named("dualpipe").objection({4, 1, 9}).value(), HasSubstr("even number"));
  EXPECT_THAT(named("dualpipe").objection({4, 1, 6}).value(), HasSubstr("at least 2·pp = 8"));
}

TEST(Objection, IsToMoreMicroBatchesThanTasksCanNumber) {
  EXPECT_FALSE(named("1f1b").objection({1, 1, 65535}));
  EXPECT_THAT(named("1f1b").objection({1, 1, 65536}).value(), HasSubstr("65535"));
}

}  // namespace
}  // namespace orrery
