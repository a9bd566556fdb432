#include "timeline/trace_json.hpp"

#include "base/diagnostics.hpp"
#include "unit/timeline/files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace orrery {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::ThrowsMessage;

constexpr Instant at(std::int64_t picoseconds) { return Instant{Duration{picoseconds}}; }

/// Class 0: a forward of 250 us, then its all-reduce, of which 1.5 us waiting; class 1: nothing but
/// memory.
std::filesystem::path example_file(const std::filesystem::path& folder) {
  TimelineFile file(folder / "a.h5", example_meta(), example_program());
  file.add(Span{.begin = at(1'000'001), .duration = Duration{250'000'000}, .position = 1});
  file.add(Span{.begin = at(251'000'001),
                .duration = Duration{12'000'000},
                .waited = Duration{1'500'000},
                .lane = 1});
  file.add(MemorySample{
      .at = at(2'000'000), .category = MemoryCategory::activations, .bytes = Bytes(64)});
  file.add(MemorySample{.at = at(9'000'000), .category = MemoryCategory::activations});
  file.add(LinkSample{.at = at(3'000'000), .bytes_per_second = 4.5e11});
  file.close("{}");
  return folder / "a.h5";
}

/// The events of a trace, of one phase.
std::vector<json> events(const TraceOptions& options, std::string_view phase) {
  const auto folder = test_folder();
  const TimelineReader timeline(example_file(folder));
  write_trace(timeline, folder / "a.json", options);
  std::vector<json> chosen;
  const json trace = json::parse(contents(folder / "a.json"));
  for (const json& event : trace["traceEvents"]) {
    if (event["ph"] == phase) chosen.push_back(event);
  }
  return chosen;
}

std::vector<RankId> ranks(std::string_view text) { return parse_ranks(text, 4); }

TEST(Trace, HasASliceForEverySpanOfEveryChosenRank) {
  const auto slices = events({.ranks = ranks("0,1")}, "X");

  ASSERT_EQ(slices.size(), 4U);
  EXPECT_EQ(slices[0]["name"], "layer.forward");
  EXPECT_EQ(slices[0]["pid"], 0);
  EXPECT_EQ(slices[1]["pid"], 1);
  EXPECT_EQ(slices[0]["args"], json({{"position", 1}, {"micro_batch", 0}, {"layer", 0}}));
  EXPECT_EQ(slices[2]["tid"], 1);
  EXPECT_EQ(slices[2]["args"]["waited_us"], 1.5);
  EXPECT_EQ(slices[2]["args"]["operation"], "all_reduce ring");
}

TEST(Trace, PrintsPicosecondsExactly) {
  const auto folder = test_folder();
  write_trace(TimelineReader(example_file(folder)), folder / "a.json");
  EXPECT_THAT(contents(folder / "a.json"), HasSubstr(R"("ts":1.000001,"dur":250,)"));
}

TEST(Trace, NamesRanksAndLanes) {
  const auto names = events({.ranks = ranks("2")}, "M");
  ASSERT_EQ(names.size(), 10U);
  EXPECT_EQ(names[0]["args"]["name"], "rank 2 · stage 1");
  EXPECT_EQ(names[2]["args"]["name"], "compute");
  EXPECT_EQ(names[6]["args"]["name"], "pipeline_receive");
}

TEST(Trace, ChoosesOneRankOfEachClassByItself) {
  const auto folder = test_folder();
  const TraceSize size = write_trace(TimelineReader(example_file(folder)), folder / "a.json");
  EXPECT_EQ(size.ranks, 2U);
  EXPECT_EQ(size.slices, 2U);
}

TEST(Trace, CountsMemoryAndLinks) {
  const auto counters = events({.ranks = ranks("0")}, "C");

  ASSERT_EQ(counters.size(), 4U);
  EXPECT_EQ(counters[0]["args"], json({{"parameters", 1 << 30}, {"activations", 0}}));
  EXPECT_EQ(counters[1]["args"]["activations"], 64);
  EXPECT_EQ(counters[2]["ts"], 9);
  EXPECT_EQ(counters[3]["name"], "node[0].gpu[0] → nvswitch (1 of 4)");
  EXPECT_EQ(counters[3]["args"]["GB/s"], 450.0);
}

TEST(Trace, KeepsToItsStretchOfTime) {
  const TraceOptions options{.ranks = ranks("0"), .from = at(251'000'002), .to = at(900'000'000)};
  const auto slices = events(options, "X");
  ASSERT_EQ(slices.size(), 1U);
  EXPECT_EQ(slices[0]["name"], "tp.all_reduce");
}

/// The state on entering the stretch counts, not the changes before it.
TEST(Trace, BeginsCountersWithWhatIsHeldThen) {
  const TraceOptions options{.ranks = ranks("0"), .from = at(5'000'000), .to = at(6'000'000)};
  const auto counters = events(options, "C");
  ASSERT_EQ(counters.size(), 2U);
  EXPECT_EQ(counters[0]["ts"], 5);
  EXPECT_EQ(counters[0]["args"]["activations"], 64);
}

TEST(Trace, IsTheSameBytesForTheSameFile) {
  const auto folder = test_folder();
  const TimelineReader timeline(example_file(folder));
  write_trace(timeline, folder / "a.json.gz");
  write_trace(timeline, folder / "b.json.gz");
  EXPECT_EQ(contents(folder / "a.json.gz"), contents(folder / "b.json.gz"));
}

TEST(TraceRanks, AreNumbersAndRanges) {
  const auto chosen = parse_ranks("9,0,8-10", 11);
  EXPECT_THAT(chosen, ElementsAre(RankId{0}, RankId{8}, RankId{9}, RankId{10}));
}

TEST(TraceRanks, ExplainWhatIsWrongWithThem) {
  EXPECT_THAT([] { ranks("0,4"); }, ThrowsMessage<InvalidScenario>(HasSubstr("the last is 3")));
  EXPECT_THAT([] { ranks("2-1"); }, ThrowsMessage<InvalidScenario>(HasSubstr("no range")));
  EXPECT_THAT([] { ranks("a"); }, ThrowsMessage<InvalidScenario>(HasSubstr("'a' is no rank")));
  EXPECT_THAT([] { ranks(""); }, ThrowsMessage<InvalidScenario>(HasSubstr("'' is no rank")));
  EXPECT_THAT([] { ranks("0-99999999999999999999"); }, testing::Throws<InvalidScenario>());
}

}  // namespace
}  // namespace orrery
