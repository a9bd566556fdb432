// Orders, written F0 B0 for chunk 0 and F0.1 for chunk 1, I and W for the halves of a backward and
// & for pairs, against the published ones: Megatron-LM's core/pipeline_parallel/schedules.py, the
// figures of Qi et al. 2024, PyTorch's ScheduleZBVZeroBubble and deepseek-ai/DualPipe.
#include "schedule/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

std::string text(const std::vector<Step>& steps) {
  std::string out;
  for (const Step& step : steps) {
    if (!out.empty() && out.back() != '&') out += ' ';
    out += "FBIW"[static_cast<int>(step.kind)] + std::to_string(step.micro_batch);
    if (step.chunk > 0) out += '.' + std::to_string(step.chunk);
    if (step.pairing == Pairing::with_next) out += '&';
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

TEST(Pairs, JoinAForwardWithTheBackwardOfTheMicroBatchBefore) {
  EXPECT_EQ(text(find_schedule("1f1b")->steps({1, 1, 3, Pairing::with_next}, 0)),
            "F0 F1&B0 F2&B1 B2");
  EXPECT_EQ(text(find_schedule("interleaved")->steps({2, 2, 2, Pairing::with_next}, 1)),
            "F0 F1 F0.1 F1.1&B0.1 B1.1 B0 B1");
}

TEST(ZbH1, FillsTheDrainWithWeightGradients) {
  EXPECT_EQ(order("zb-h1", {3, 1, 4}, 0), "F0 F1 F2 I0 W0 F3 I1 W1 I2 W2 I3 W3");
  EXPECT_EQ(order("zb-h1", {3, 1, 4}, 2), "F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3");
}

TEST(ZbH2, RunsTwiceAsFarAhead) {
  EXPECT_EQ(order("zb-h2", {2, 1, 4}, 0), "F0 F1 F2 I0 W0 F3 I1 W1 I2 W2 I3 W3");
  EXPECT_EQ(order("zb-h2", {2, 1, 4}, 1), "F0 I0 F1 I1 F2 I2 W0 F3 I3 W1 W2 W3");
}

TEST(ZbV, TurnsAtTheLastRank) {
  EXPECT_EQ(order("zb-v", {2, 2, 3}, 0),
            "F0 F1 F2 F0.1 I0.1 W0.1 F1.1 I1.1 W1.1 I0 W0 F2.1 I2.1 W2.1 I1 W1 I2 W2");
  EXPECT_EQ(order("zb-v", {2, 2, 3}, 1),
            "F0 F0.1 F1 F1.1 I0.1 W0.1 F2 I0 W0 F2.1 I1.1 W1.1 I1 I2.1 I2 W1 W2.1 W2");
}

TEST(DualPipe, MirrorsItsRanks) {
  // p = 2, m = 4: both ranks are innermost, and run their first pair one after the other.
  EXPECT_EQ(order("dualpipe", {2, 1, 4}, 0), "F0 F2.1 F1 B2.1 F3.1&B0 B3.1 I1 W1");
  EXPECT_EQ(order("dualpipe", {2, 1, 4}, 1), "F2.1 F0 F3.1 B0 F1&B2.1 B1 I3.1 W3.1");
}

TEST(DualPipe, GoesThroughItsEightSteps) {
  EXPECT_EQ(order("dualpipe", {4, 1, 8}, 0),
            "F0 F1 F2 F4.1 I4.1 W4.1 F5.1 F3&B5.1 F6.1&B0 B6.1 F7.1&B1 B7.1 I2 W2 I3 W3");
}

TEST(DualPipeV, PairsForwardsWithBackwardsOfTheOtherChunk) {
  EXPECT_EQ(order("dualpipev", {2, 2, 4}, 1),
            "F0 F0.1 F1 F1.1 F2 B0.1 F2.1&B0 F3&B1.1 F3.1&B1 B2.1 B2 I3.1 I3 W3.1 W3");
}

TEST(VHalf, FollowsItsBlock) {
  EXPECT_EQ(order("v-half", {3, 2, 3}, 0),
            "F0 F1 F2 F0.1 I0.1 W0.1 F1.1 I1.1 I0 W1.1 W0 F2.1 I2.1 I1 W2.1 W1 I2 W2");
  EXPECT_EQ(order("v-half", {3, 2, 3}, 2),
            "F0 F0.1 F1 F1.1 I0.1 I0 W0.1 W0 F2 F2.1 I1.1 I1 W1.1 W1 I2.1 I2 W2.1 W2");
}

TEST(VMin, FollowsItsBlock) {
  EXPECT_EQ(order("v-min", {3, 2, 3}, 0),
            "F0 F1 F2 F0.1 I0.1 W0.1 F1.1 I0 I1.1 W0 W1.1 F2.1 I2.1 I1 W2.1 W1 I2 W2");
  EXPECT_EQ(order("v-min", {3, 2, 3}, 2),
            "F0 F0.1 F1 F1.1 I0.1 I0 W0.1 W0 F2 F2.1 I1.1 I1 W1.1 W1 I2.1 I2 W2.1 W2");
}

TEST(ForwardSteps, TakeMicroBatchesInTurn) {
  EXPECT_EQ(text(forward_steps({4, 1, 3})), "F0 F1 F2");
  EXPECT_EQ(text(forward_steps({2, 2, 3})), "F0 F1 F0.1 F1.1 F2 F2.1");
}

}  // namespace
}  // namespace orrery
