#include "report/metrics.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace orrery {
namespace {

double number(const Summary& summary, std::string_view name) {
  const std::optional<MetricValue> metric = find_metric(summary, name);
  EXPECT_TRUE(metric) << name;
  return metric ? metric->number() : -1.0;
}

TEST(Metrics, HaveAValueForEverythingThatExpectMayName) {
  Example example;
  example.scenario.cluster.price_per_gpu_hour = 2.0;
  const Summary summary = example.summary();

  for (const Metric& metric : metrics()) {
    const auto found = find_metric(summary, metric.name);
    ASSERT_TRUE(found) << metric.name;
    EXPECT_EQ(found->unit, metric.unit) << metric.name;
  }
}

TEST(Metrics, MayAllBeNamedByExpectButThoseOfTheSimulationAndOfLinks) {
  for (const std::string& name : metric_names(Example().summary())) {
    const bool of_results = !name.starts_with("simulation.") && !name.starts_with("links.");
    EXPECT_TRUE(!of_results || find_metric(name) != nullptr) << name;
  }
}

TEST(Metrics, MayBeNamedWithoutTheirUnit) {
  const Summary summary = Example().summary();

  EXPECT_EQ(number(summary, "step_time"), 1.0);
  EXPECT_EQ(number(summary, "step_time_s"), 1.0);
  EXPECT_EQ(number(summary, "memory.peak"), 40e9);
  EXPECT_EQ(number(summary, "time.bubble"), summary.time.bubble.value());
}

TEST(Metrics, HaveOtherSpellings) {
  const Summary summary = Example().summary();

  EXPECT_EQ(number(summary, "world_size"), 6.0);
  EXPECT_EQ(number(summary, "peak_memory"), 40e9);
  EXPECT_EQ(number(summary, "fits"), 1.0);
  EXPECT_EQ(number(summary, "time_s.communication"), summary.time.exposed().value());
}

TEST(Metrics, DoNotMistakeARateForATime) {
  EXPECT_FALSE(find_metric(Example().summary(), "tokens_per"));
}

TEST(Metrics, OfLinksAreNamedByKind) {
  EXPECT_DOUBLE_EQ(number(Example().summary(), "links.nic.mean_utilization"), 0.2);
}

TEST(Metrics, AreUnknownWhenNobodyKnowsThem) {
  EXPECT_FALSE(find_metric(Example().summary(), "stepp_time"));
  EXPECT_FALSE(find_metric(Example().summary(), "cost.usd_per_step"));
}

TEST(Metrics, IncludePricesWhenTheyAreKnown) {
  Example example;
  example.scenario.cluster.price_per_gpu_hour = 2.0;

  EXPECT_DOUBLE_EQ(number(example.summary(), "cost.usd_per_hour"), 12.0);
}

TEST(Metrics, HaveEachTheirOwnName) {
  const std::vector<std::string> names = metric_names(Example().summary());

  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

TEST(Metrics, ArePrintedInTheirUnits) {
  EXPECT_EQ(format_metric(MetricUnit::seconds, 0.40194), "401.9 ms");
  EXPECT_EQ(format_metric(MetricUnit::bytes, 18.18e9), "18.18 GB");
  EXPECT_EQ(format_metric(MetricUnit::fraction, 0.413), "41.3 %");
  EXPECT_EQ(format_metric(MetricUnit::tflops, 612.0), "612.0 TFLOP/s");
  EXPECT_EQ(format_metric(MetricUnit::flag, 1.0), "yes");
  EXPECT_EQ(format_metric(MetricUnit::number, 13500.0), "13,500");
  EXPECT_EQ(format_metric(MetricUnit::number, 138.6e9), "138.6 B");
  EXPECT_EQ(format_metric(MetricUnit::number, 28.797), "28.80");
}

}  // namespace
}  // namespace orrery
