#include "scenario/expectations.hpp"

#include "scenario/toml_settings.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

struct Read {
  std::vector<Expectation> expectations;
  Diagnostics diagnostics;
};

Read read(const std::string& keys) {
  Read result;
  const TomlTree tree = parse_toml("[[expect]]\n" + keys, "s.toml", result.diagnostics);
  result.expectations = read_expectations(Settings(tree.root, result.diagnostics));
  return result;
}

std::string finding(const std::string& keys) {
  const Read result = read(keys);
  return result.diagnostics.all().empty() ? "" : result.diagnostics.all().front().message;
}

TEST(Expectation, KeepsValueToleranceAndWords) {
  const Read result = read(
      "metric = \"step_time\"\nvalue = \"401.94 ms\"\ntolerance = \"5 %\"\nsource = \"report\"\n");

  ASSERT_EQ(result.expectations.size(), 1U);
  const Expectation& expectation = result.expectations[0];
  EXPECT_EQ(expectation.metric, "step_time_s");
  EXPECT_DOUBLE_EQ(*expectation.value, 0.40194);
  EXPECT_DOUBLE_EQ(*expectation.tolerance, 0.05);
  EXPECT_EQ(expectation.claim, "401.94 ms");
  EXPECT_EQ(expectation.source, "report");
}

TEST(Expectation, TakesEachKindOfMetricInItsUnits) {
  EXPECT_DOUBLE_EQ(*read("metric = \"memory.peak\"\nat_most = \"80 GB\"").expectations[0].at_most,
                   80e9);
  EXPECT_DOUBLE_EQ(*read("metric = \"mfu\"\nvalue = \"41 %\"").expectations[0].value, 0.41);
  EXPECT_DOUBLE_EQ(*read("metric = \"mfu\"\nvalue = 0.41").expectations[0].value, 0.41);
  EXPECT_DOUBLE_EQ(*read("metric = \"feasible\"\nvalue = false").expectations[0].value, 0.0);
  EXPECT_DOUBLE_EQ(*read("metric = \"world_size\"\nvalue = 64").expectations[0].value, 64.0);
  EXPECT_DOUBLE_EQ(*read("metric = \"step_time_s\"\nvalue = 2").expectations[0].value, 2.0);
}

TEST(Expectation, TakesTflopsInTheUnitOfTheResult) {
  const std::string metric = "metric = \"model_tflops_per_gpu\"\n";

  EXPECT_DOUBLE_EQ(*read(metric + "value = \"612 TFLOP/s\"").expectations[0].value, 612.0);
  EXPECT_DOUBLE_EQ(*read(metric + "value = 612").expectations[0].value, 612.0);
}

TEST(Expectation, TakesCountsWithTheWordsOfReports) {
  const std::string text = "metric = \"tokens_per_s\"\nvalue = \"13500 tokens/s\"";

  EXPECT_DOUBLE_EQ(*read(text).expectations[0].value, 13500.0);
}

TEST(Expectation, NeedsAUnitWhereTheNameHasNone) {
  EXPECT_THAT(finding("metric = \"step_time\"\nvalue = 3"),
              HasSubstr("wanted a text with its unit"));
  EXPECT_THAT(finding("metric = \"memory.parameters\"\nvalue = 3"), HasSubstr("with its unit"));
}

TEST(Expectation, NeedsAValueOrBoundsAndNotBoth) {
  EXPECT_THAT(finding("metric = \"mfu\""), HasSubstr("needs either value or"));
  EXPECT_THAT(finding("metric = \"mfu\"\nvalue = 1\nat_most = 2"),
              HasSubstr("needs either value or"));
  EXPECT_THAT(finding("metric = \"mfu\"\nat_most = 2\ntolerance = 1"),
              HasSubstr("bounds have none"));
  EXPECT_EQ(finding("metric = \"mfu\"\nat_most = 2\nat_least = 1"), "");
}

}  // namespace
}  // namespace orrery
