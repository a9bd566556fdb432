// Orders, written F0 B0 for chunk 0 and F0.1 for chunk 1, against Megatron-LM's
// core/pipeline_parallel/schedules.py.
#include "schedule/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

std::string text(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    if (!out.empty()) out += ' ';
    out += (step.kind == StepKind::forward ? 'F' : 'B') + std::to_string(step.micro_batch);
    if (step.chunk > 0) out += '.' + std::to_string(step.chunk);
  }
  return out;
}

std::string order(std::string_view name, const PipelineShape& shape, std::int64_t rank) {
  return text(find_schedule(name)->steps(shape, rank));
}

TEST(Gpipe, RunsAllForwardsBeforeAllBackwards) {
  EXPECT_EQ(order("gpipe", {2, 1, 3}, 0), "F0 F1 F2 B0 B1 B2");
}

TEST(OneFOneB, RunsAheadByTheRanksBehind) {
  EXPECT_EQ(order("1f1b", {3, 1, 4}, 0), "F0 F1 F2 B0 F3 B1 B2 B3");
  EXPECT_EQ(order("1f1b", {3, 1, 4}, 2), "F0 B0 F1 B1 F2 B2 F3 B3");
}

TEST(OneFOneB, RunsAheadNoFurtherThanThereAreMicroBatches) {
  EXPECT_EQ(order("1f1b", {4, 1, 2}, 0), "F0 F1 B0 B1");
}

TEST(Interleaved, GoesThroughChunksInGroupsOfThePipelineSize) {
  // Rank 1 of 2 runs 2(2-1-1) + (2-1)2 = 2 forwards ahead.
  EXPECT_EQ(order("interleaved", {2, 2, 4}, 1),
            "F0 F1 F0.1 B0.1 F1.1 B1.1 F2 B0 F3 B1 F2.1 B2.1 F3.1 B3.1 B2 B3");
}

TEST(Interleaved, RunsAllForwardsFirstWhenTheyAllAreAhead) {
  EXPECT_EQ(order("interleaved", {2, 2, 2}, 0), "F0 F1 F0.1 F1.1 B0.1 B1.1 B0 B1");
}

TEST(ForwardSteps, TakeMicroBatchesInTurn) {
  EXPECT_EQ(text(forward_steps({4, 1, 3})), "F0 F1 F2");
  EXPECT_EQ(text(forward_steps({2, 2, 3})), "F0 F1 F0.1 F1.1 F2 F2.1");
}

}  // namespace
}  // namespace orrery
