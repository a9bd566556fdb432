#include "report/expectations.hpp"

#include "unit/report/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

/// The judgement of one expectation on a run whose step takes one second and whose peak is 40 GB.
Judgement judged(Expectation expectation) {
  Example example;
  example.scenario.expectations = {std::move(expectation)};
  return example.summary().expects.at(0);
}

TEST(Expectations, HoldWithinFivePercentUnlessToldOtherwise) {
  EXPECT_TRUE(judged(expect("step_time_s", 1.05)).ok);
  EXPECT_FALSE(judged(expect("step_time_s", 1.06)).ok);
  EXPECT_TRUE(judged(expect("step_time_s", 1.06, 0.06)).ok);
  EXPECT_FALSE(judged(expect("step_time_s", 1.01, 0.0)).ok);
}

TEST(Expectations, MeasureTheErrorFromWhatWasExpected) {
  const Judgement judgement = judged(expect("step_time_s", 0.8));

  EXPECT_EQ(judgement.expected, 0.8);
  EXPECT_EQ(*judgement.got, 1.0);
  EXPECT_NEAR(*judgement.error, 0.25, 1e-12);
}

TEST(Expectations, OfAtMostHoldUpToTheBound) {
  EXPECT_TRUE(judged(at_most("memory.peak_bytes", 40e9)).ok);
  EXPECT_FALSE(judged(at_most("memory.peak_bytes", 39.9e9)).ok);
}

TEST(Expectations, OfAtLeastHoldFromTheBoundOn) {
  EXPECT_TRUE(judged(at_least("tokens_per_s", 6144.0)).ok);
  EXPECT_FALSE(judged(at_least("tokens_per_s", 6145.0)).ok);
}

TEST(Expectations, OfTwoBoundsReportTheBrokenOne) {
  Expectation between = at_most("step_time_s", 3.0);
  between.at_least = 2.0;

  const Judgement judgement = judged(between);

  EXPECT_FALSE(judgement.ok);
  EXPECT_EQ(judgement.expected, 2.0);
}

TEST(Expectations, OfFlagsHoldExactlyOrNotAtAll) {
  const Judgement wrong = judged(expect("feasible", 0.0));

  EXPECT_TRUE(judged(expect("feasible", 1.0)).ok);
  EXPECT_FALSE(wrong.ok);
  EXPECT_FALSE(wrong.error);
}

TEST(Expectations, OfZeroHaveNoRelativeError) {
  const Judgement judgement = judged(expect("memory.kv_cache", 0.0));

  EXPECT_TRUE(judgement.ok);
  EXPECT_FALSE(judgement.error);
}

TEST(Expectations, NameTheMixUpBehindADifference) {
  // 40 GB are 37.25 GiB.
  const Judgement units = judged(expect("memory.peak_bytes", 37.25e9));
  const Judgement share = judged(expect("memory.peak_bytes", 240e9));

  EXPECT_THAT(units.reason, testing::HasSubstr("GiB, written as GB"));
  EXPECT_EQ(share.reason, "it is for all 6 GPUs together");
}

TEST(Expectations, FailWhenTheRunHasNoSuchFigure) {
  const Judgement judgement = judged(at_most("cost.usd_per_step", 3.0));

  EXPECT_FALSE(judgement.ok);
  EXPECT_FALSE(judgement.got);
  EXPECT_EQ(judgement.reason, "a run of this kind has no such figure");
}

TEST(Expectations, KeepTheirSourceAndNote) {
  Expectation expectation = expect("step_time_s", 1.0);
  expectation.source = "page 3";
  expectation.note = "why";

  const Judgement judgement = judged(expectation);

  EXPECT_EQ(judgement.source, "page 3");
  EXPECT_EQ(judgement.note, "why");
}

}  // namespace
}  // namespace orrery
