#include "report/text.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace orrery {
namespace {

using testing::HasSubstr;
using testing::Not;

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string without_colours(std::string text) {
  for (auto begin = text.find('\033'); begin != std::string::npos; begin = text.find('\033')) {
    text.erase(begin, text.find('m', begin) - begin + 1);
  }
  return text;
}

/// A run with everything that a page can have.
Example full_example() {
  Example example;
  example.set_memory(ClassId{2}, gb(8), gb(92));
  example.scenario.cluster.price_per_gpu_hour = 2.0;
  example.scenario.expectations = {expect("step_time_s", 0.8)};
  example.scenario.expectations[0].claim = "800 ms";
  example.scenario.expectations[0].source = "a report, page 3";
  return example;
}

TEST(Text, SaysTheVerdictBeforeAnyFigure) {
  const std::string fits = to_text(Example().summary());
  const std::string exceeds = to_text(full_example().summary());

  EXPECT_LT(fits.find("FITS  the fullest rank (stage 0) holds 40.00 GB of 80.00 GB"),
            fits.find("step time"));
  EXPECT_LT(exceeds.find("DOES NOT FIT"), exceeds.find("step time"));
  EXPECT_THAT(exceeds, HasSubstr("rank 3 (stage 1) needs 100.0 GB of 80.00 GB"));
}

TEST(Text, StaysWithinAHundredColumns) {
  for (const std::string& line : lines_of(to_text(full_example().summary()))) {
    EXPECT_LE(display_width(line), 100U) << line;
  }
}

TEST(Text, HasNoBlanksAtTheEndsOfLines) {
  for (const std::string& line : lines_of(to_text(full_example().summary()))) {
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
}

TEST(Text, ColoursOnlyWhenAsked) {
  const Summary summary = full_example().summary();

  EXPECT_THAT(to_text(summary), Not(HasSubstr("\033")));
  EXPECT_THAT(to_text(summary, Colour::on), HasSubstr("\033[1;31mDOES NOT FIT\033[0m"));
  EXPECT_EQ(without_colours(to_text(summary, Colour::on)), to_text(summary));
}

TEST(Text, OnlyTheLastLineDependsOnTheSimulation) {
  Summary one = Example().summary();
  Summary other = one;
  other.simulation.cost = {.wall_s = 9.0, .peak_rss_bytes = 7};

  std::vector<std::string> first = lines_of(to_text(one));
  std::vector<std::string> second = lines_of(to_text(other));

  EXPECT_NE(first.back(), second.back());
  first.pop_back();
  second.pop_back();
  EXPECT_EQ(first, second);
}

TEST(Text, ListsTimeFromTheLargestPart) {
  const std::string text = to_text(Example().summary());

  EXPECT_THAT(text, HasSubstr("computing       666.7 ms  66.7 %"));
  EXPECT_LT(text.find("  computing  "), text.find("  bubble  "));
  EXPECT_THAT(text, Not(HasSubstr("tensor exchanges")));
}

TEST(Text, SpeaksOfLatencyWhenNothingIsTrained) {
  Example example;
  example.scenario.job.kind = JobKind::forward;

  EXPECT_THAT(to_text(example.summary()), HasSubstr("latency"));
  EXPECT_THAT(to_text(example.summary()), Not(HasSubstr("step time")));
}

TEST(Text, LeavesOutStagesInTheMiddleAndSaysSo) {
  Summary summary = Example().summary();
  summary.stages.assign(16, summary.stages.front());
  for (std::size_t i = 0; i < 16; ++i) summary.stages[i].stage = static_cast<std::int64_t>(i);

  EXPECT_THAT(to_text(summary), HasSubstr("… 8 more stages between"));
}

TEST(Text, ShowsNoStagesWithoutAPipeline) {
  Summary summary = Example().summary();
  summary.stages.resize(1);

  EXPECT_THAT(to_text(summary), Not(HasSubstr("Pipeline stages")));
}

TEST(Text, TellsClaimsWithTheirErrors) {
  const std::string text = to_text(full_example().summary());

  EXPECT_THAT(text, HasSubstr("Claims  0 of 1 hold"));
  EXPECT_THAT(text, HasSubstr("NO  step_time_s"));
  EXPECT_THAT(text, HasSubstr("+25.0 %"));
}

TEST(Text, NumbersWhatToChange) {
  EXPECT_THAT(to_text(Example().summary()), HasSubstr("What to change\n  1. "));
}

TEST(Text, SaysWhatTheSimulationCost) {
  EXPECT_EQ(simulation_line(Example().summary()),
            "simulated 6 ranks as 3 classes with 42 events in 250.0 ms, 41.00 MB");
}

}  // namespace
}  // namespace orrery
