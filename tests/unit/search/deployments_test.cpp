// The arithmetic of each deployment file, and what Orrery makes of its claims.
#include "cli/forecast.hpp"
#include "search/check.hpp"
#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::Contains;
using testing::Field;
using testing::IsEmpty;
using testing::Not;

CheckReport checked(const std::string& name) { return check(deployment(name), simulate_scenario); }

std::vector<std::string> failing(const CheckReport& report) {
  std::vector<std::string> metrics;
  for (const Claim& claim : report.claims) {
    if (claim.state == ClaimState::fails) metrics.push_back(claim.metric);
  }
  return metrics;
}

TEST(Deployments, SingleT4DoesNotFitAndDoesInHalfPrecision) {
  const CheckReport report = checked("single-t4");

  EXPECT_FALSE(report.feasibility.feasible());
  EXPECT_THAT(failing(report), Contains("model.attention_bytes"));
  EXPECT_EQ(*report.figures.find("model.attention_bytes"), 1024.0 * 1024.0 * 1024.0);
  EXPECT_EQ(report.remedies.front().candidate.changes,
            std::vector<std::string>{"precision fp32 → fp16"});
}

TEST(Deployments, SingleT4CorrectedWorks) { EXPECT_TRUE(checked("single-t4-corrected").passes()); }

TEST(Deployments, Ep16Dp4NeedsSixtyFourGpusOfSixteen) {
  const CheckReport report = checked("ep16-dp4");

  EXPECT_THAT(report.feasibility.verdicts, Contains(Field(&Finding::code, "gpus_missing")));
  EXPECT_EQ(report.figures.find("gpus_required"), 64.0);
  EXPECT_EQ(report.figures.find("gpus_available"), 16.0);
  EXPECT_THAT(report.remedies, Not(IsEmpty()));
}

TEST(Deployments, Ep16Dp4CorrectedHasFourExpertsARankAndDoesNotFit) {
  const CheckReport report = checked("ep16-dp4-corrected");

  EXPECT_EQ(report.figures.find("division.experts_per_rank"), 4.0);
  EXPECT_THAT(report.feasibility.verdicts, Contains(Field(&Finding::code, "memory_exceeded")));
}

TEST(Deployments, Ep64NeedsSixteenThousandGpus) {
  const CheckReport report = checked("ep64");

  EXPECT_THAT(report.feasibility.verdicts, Contains(Field(&Finding::code, "gpus_missing")));
  EXPECT_EQ(report.figures.find("gpus_required"), 64.0 * 16.0 * 4.0 * 4.0);
  EXPECT_EQ(deployment_text(report.remedies.front().scenario.strategy), "EP64_TP1_PP1_DP1");
}

TEST(Deployments, Ep64CorrectedDividesWellAndPromisesTooMuch) {
  const CheckReport report = checked("ep64-corrected");

  EXPECT_TRUE(report.feasibility.feasible());
  EXPECT_EQ(report.figures.find("division.expert_instances"), 1024.0);
  EXPECT_THAT(failing(report), Contains("latency_s"));
  EXPECT_THAT(failing(report), Not(Contains("division.experts_per_rank")));
}

TEST(Deployments, Tp8Needs2048GpusOf512) {
  const CheckReport report = checked("tp8-512");

  EXPECT_EQ(report.figures.find("gpus_required"), 2048.0);
  EXPECT_FALSE(report.feasibility.feasible());
}

TEST(Deployments, Tp8OptionOneDividesAsStatedAndHoldsMore) {
  const CheckReport report = checked("tp8-512-option-1");

  EXPECT_TRUE(report.feasibility.feasible());
  EXPECT_THAT(failing(report), Not(Contains("division.hidden_columns")));
  EXPECT_THAT(failing(report), Contains("memory.peak_bytes"));
}

TEST(Deployments, Tp8OptionTwoWorks) { EXPECT_TRUE(checked("tp8-512-option-2").passes()); }

TEST(Deployments, Ep16MemoryDoesNotFitWhatItClaimsIn18Gigabytes) {
  const CheckReport report = checked("ep16-memory");

  EXPECT_THAT(failing(report), Contains("feasible"));
  EXPECT_GT(*report.figures.find("memory.peak_bytes"), 80e9);
  ASSERT_TRUE(report.launch.has_value());
  EXPECT_THAT(report.launch->command, testing::HasSubstr("torchrun --nnodes=2"));
}

}  // namespace
}  // namespace orrery
