#include "search/links.hpp"

#include "search/feasibility.hpp"
#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::Contains;
using testing::Field;
using testing::Not;

std::vector<LinkDemand> demands_of(const Scenario& scenario) {
  const Plan plan = *judge_feasibility(scenario).plan;
  Diagnostics diagnostics;
  return link_demands(plan, build_cluster(scenario.cluster, scenario.gpus, {}, diagnostics));
}

TEST(Links, CountTheGradientsOfReplicas) {
  const Scenario scenario = deployment("tp8-512-option-2");
  const Plan plan = *judge_feasibility(scenario).plan;

  // A ring all-reduce sends 2(n − 1)/n of fp32 gradients; experts have 64·8/(8·8) = 8 copies a
  // stage.
  const auto demands = demands_of(scenario);
  const auto expert = std::ranges::find(demands, GroupAxis::expert_dp, &LinkDemand::axis);
  ASSERT_NE(expert, demands.end());
  EXPECT_EQ(expert->members, 8);
  EXPECT_NEAR(static_cast<double>(expert->sent.value()),
              2.0 * 7.0 / 8.0 * 4.0 * plan.stages[0].expert_parameters, 8.0);
}

TEST(Links, ShareTheAdaptersOfANode) {
  // Eight adapters of 200 Gb/s for eight GPUs: 97 % of 25 GB/s each.
  for (const LinkDemand& demand : demands_of(deployment("ep64-corrected"))) {
    if (demand.leaving.value() == 0) continue;
    EXPECT_NEAR(demand.capacity.value(), 0.97 * 25e9, 1e6);
  }
}

TEST(Links, AreSaturatedWhereNoOverlapCouldHideThem) {
  const auto saturated = Contains(Field(&Finding::code, "links_saturated"));

  EXPECT_THAT(judge_feasibility(deployment("tp8-512-option-1")).verdicts, saturated);
  EXPECT_THAT(judge_feasibility(deployment("single-t4-corrected")).verdicts, Not(saturated));
}

}  // namespace
}  // namespace orrery
