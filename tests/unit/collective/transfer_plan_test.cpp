#include "collective/transfer_plan.hpp"

#include "support/alone.hpp"
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

TransferPlan ring_plan(Choice choice, Steps steps) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);
  choice.algorithm = find_collective_algorithm("ring");
  const Shape shape =
      choice.algorithm->shape(CollectiveKind::all_reduce, first_gpus(8), cluster, steps);
  return make_transfer_plan({shape, choice, CollectiveKind::all_reduce, Bytes(8000), 8});
}

TEST(TransferPlan, AddsBaseHopsAndWire) {
  Choice choice;
  choice.base_latency = 5_us;
  choice.intra_hop = 1_us;

  const TransferPlan plan = ring_plan(choice, Steps::bundled);

  EXPECT_EQ(plan.phases.front().bundles.front().latency, 5_us + 14 * (1_us + 500_ns));
  EXPECT_DOUBLE_EQ(plan.bytes_sent_per_member, 14000.0);
}

TEST(TransferPlan, PaysTheBaseOnceHoweverManySteps) {
  Choice choice;
  choice.base_latency = 5_us;

  const TransferPlan plan = ring_plan(choice, Steps::explicit_steps);

  ASSERT_EQ(plan.phases.size(), 2);
  EXPECT_EQ(plan.phases[0].repeat + plan.phases[1].repeat, 14);
  EXPECT_EQ(plan.phases[0].bundles[0].latency, 5_us + 500_ns);
  EXPECT_EQ(plan.phases[1].bundles[0].latency, 500_ns);
  EXPECT_EQ(plan.phases[0].bundles[3].pattern, plan.phases[1].bundles[3].pattern);
}

TEST(TransferPlan, PutsTheProtocolsOverheadOnTheWire) {
  Choice choice;
  choice.payload_share = 0.5;

  EXPECT_DOUBLE_EQ(ring_plan(choice, Steps::bundled).phases.front().bundles.front().bytes, 28000.0);
}

TEST(TransferPlan, CapsRatesSoThatAllPhasesTakeSizeOverCap) {
  Choice choice;
  choice.rate_cap = 1e9;
  for (const Steps steps : {Steps::bundled, Steps::explicit_steps}) {
    double seconds = 0.0;
    for (const Phase& phase : ring_plan(choice, steps).phases) {
      const Bundle& bundle = phase.bundles.front();
      seconds += phase.repeat * bundle.bytes / bundle.rate_cap;
    }
    EXPECT_NEAR(seconds, 8e-6, 1e-15);
  }
}

TEST(TransferPlan, IsEmptyForOneMemberAndForNothing) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  EXPECT_TRUE(plan_of({CollectiveKind::all_reduce, 1_MiB, first_gpus(1)}, cluster).phases.empty());
  EXPECT_TRUE(plan_of({CollectiveKind::all_reduce, 0_B, first_gpus(8)}, cluster).phases.empty());
}

TEST(TransferPlan, SaysHowItRuns) {
  const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 8);

  EXPECT_EQ(plan_of({CollectiveKind::all_reduce, 1_MiB, first_gpus(8)}, cluster).name,
            "all_reduce ring");
  EXPECT_EQ(
      plan_of({CollectiveKind::all_reduce, 64_MiB, first_gpus(8), {"nccl-2.26", ""}}, cluster).name,
      "all_reduce nvls/simple");
}

}  // namespace
}  // namespace orrery
