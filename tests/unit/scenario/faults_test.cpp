#include "scenario/faults.hpp"

#include "scenario/validate.hpp"
#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A job on four of five nodes of eight GPUs, with faults.
std::string job(std::string_view faults, std::string_view nodes = "nodes = 5", int gpus = 32) {
  return "model = \"llama3-8b\"\ncluster = { extends = \"dgx-h100\", " + std::string(nodes) +
         " }\ngpus = " + std::to_string(gpus) +
         "\nworkload = { sequence_length = 1024, global_batch = 32 }\n"
         "strategy = { tp = 8 }\n" +
         std::string(faults);
}

Scenario load(std::string_view faults, std::string_view nodes = "nodes = 5", int gpus = 32) {
  return load_scenario_text(job(faults, nodes, gpus), "s.toml", from_checkout());
}

std::string fault(std::string_view keys) { return "[[fault]]\n" + std::string(keys) + "\n"; }

TEST(FailedGpu, TakesItsNodeOutOfService) {
  EXPECT_THAT(outage_of(load(fault("kind = \"failed_gpu\"\ngpu = \"node[1].gpu[5]\""))).nodes,
              ElementsAre(1));
  EXPECT_THAT(outage_of(load(fault("kind = \"failed_gpu\"\nrank = 17"))).nodes, ElementsAre(2));
  EXPECT_THAT(outage_of(load(fault("kind = \"failed_gpu\"\nnode = 3"))).nodes, ElementsAre(3));
}

TEST(FailedGpu, MovesRanksToASpareNode) {
  const Scenario scenario = load(fault("kind = \"failed_gpu\"\nnode = 0"));

  EXPECT_EQ(gpus_available(scenario), 32);
  EXPECT_EQ(gpus_spanned(scenario, 32), 40);
  ASSERT_EQ(scenario.findings.size(), 1U);
  EXPECT_EQ(scenario.findings[0].code, "gpus_failed");
  EXPECT_EQ(scenario.findings[0].severity, Severity::warning);
  EXPECT_THAT(scenario.findings[0].message, HasSubstr("node 0 is out of service with node[0]"));
}

TEST(FailedGpu, LeavesGpusMissingWhereNoNodeIsSpare) {
  const Scenario scenario = load(fault("kind = \"failed_gpu\"\nnode = 0"), "nodes = 4");

  EXPECT_EQ(gpus_available(scenario), 24);
  ASSERT_GE(scenario.findings.size(), 1U);
  EXPECT_EQ(to_sentence(scenario.findings[0]),
            "32 GPUs need 4 nodes of 8, the cluster DGX H100 has 4, 1 of them out of service: 8 "
            "GPUs are missing; at most gpus = 24, or cluster.nodes = 5, of which 1 is spare for "
            "what has failed");
}

TEST(FailedGpu, TakesItsNodeAlsoWhereThereIsNoOther) {
  const Scenario scenario = load(fault("kind = \"failed_gpu\"\nrank = 0"), "nodes = 1", 8);

  EXPECT_EQ(gpus_available(scenario), 0);
  ASSERT_EQ(scenario.findings.size(), 2U);
  EXPECT_EQ(to_sentence(scenario.findings[0]),
            "8 GPUs need 1 node of 8, the cluster DGX H100 has 1, 1 of them out of service: 8 GPUs "
            "are missing; cluster.nodes = 2, of which 1 is spare for what has failed");
  EXPECT_EQ(scenario.findings[1].message,
            "node 0 is out of service with the GPU of rank 0: a node is taken whole, and there are "
            "not enough others");
}

TEST(FailedGpu, GrowsAClusterThatGrows) {
  const Scenario scenario = load(fault("kind = \"failed_gpu\"\nnode = 1"), "price = \"1 USD/h\"");

  EXPECT_EQ(gpus_available(scenario), 32);
  EXPECT_EQ(gpus_spanned(scenario, 32), 40);
}

TEST(FailedGpu, IsARemarkWhereNoRankWouldRun) {
  const Scenario scenario = load(fault("kind = \"failed_gpu\"\nnode = 4"));

  ASSERT_EQ(scenario.findings.size(), 1U);
  EXPECT_EQ(scenario.findings[0].code, "no_effect");
  EXPECT_EQ(gpus_spanned(scenario, 32), 32);
}

TEST(FailedGpu, MustBeThereAndNamedOnce) {
  EXPECT_THAT(complaints_of(job(fault("kind = \"failed_gpu\"\nnode = 5"))),
              HasSubstr("s.toml:8:8: error: node[5] has failed, but there is none"));
  EXPECT_THAT(complaints_of(job(fault("kind = \"failed_gpu\"\ngpu = \"node[0].gpu[8]\""))),
              HasSubstr("wanted one up to node[4], each with gpu[0] to gpu[7]"));
  EXPECT_THAT(complaints_of(job(fault("kind = \"failed_gpu\"\ngpu = \"gpu 3\""))),
              HasSubstr("fault[0].gpu is 'gpu 3'; wanted a GPU's name"));
  EXPECT_THAT(complaints_of(job(fault("kind = \"failed_gpu\""))), HasSubstr("with none of gpu"));
  EXPECT_THAT(complaints_of(job(fault("kind = \"failed_gpu\"\nrank = 1\nnode = 1"))),
              HasSubstr("with several of gpu"));
}

TEST(SlowNode, SlowsTheRanksThatRunThere) {
  const std::vector<RankSlowdown> slow =
      slowdowns(load(fault("kind = \"failed_gpu\"\nnode = 0") +
                     fault("kind = \"slow_node\"\nnode = 2\nslowdown = 1.5")));

  ASSERT_EQ(slow.size(), 8U);
  EXPECT_EQ(slow.front().rank, 8);  // node 1 holds ranks 0 to 7
  EXPECT_EQ(slow.back().rank, 15);
  EXPECT_EQ(slow.back().slowdown, 1.5);
}

TEST(SlowNode, MustHoldRanksAndBeSlowedOnce) {
  const std::string slow = fault("kind = \"slow_node\"\nnode = 1\nslowdown = 1.5");

  EXPECT_THAT(complaints_of(job(fault("kind = \"slow_node\"\nnode = 4\nslowdown = 1.5"))),
              HasSubstr("s.toml:8:8: error: no rank runs on the slow node 4; wanted"));
  EXPECT_THAT(complaints_of(job(slow + slow)), HasSubstr("node 1 is slow already, at "));
  EXPECT_THAT(complaints_of(job(slow + fault("kind = \"straggler\"\nrank = 9\nslowdown = 2"))),
              HasSubstr("the straggler, rank 9, runs on node 1, which is slow by itself"));
}

TEST(Jitter, IsAFunctionOfSeedAndGpuAlone) {
  const Jitter jitter{Distribution::normal, 0.05, 7, {}};

  EXPECT_EQ(jitter_of(jitter, 3), jitter_of(jitter, 3));
  EXPECT_NE(jitter_of(jitter, 3), jitter_of(jitter, 4));
  EXPECT_NE(jitter_of(jitter, 3), jitter_of(Jitter{Distribution::normal, 0.05, 8, {}}, 3));
}

/// The mean of the factors is 1; their variance is spread², or a third of it when uniform.
TEST(Jitter, HasTheMeanAndTheVarianceOfItsDistribution) {
  for (const auto& [kind, variance] :
       {std::pair{Distribution::uniform, 0.0025 / 3.0}, std::pair{Distribution::normal, 0.0025}}) {
    double sum = 0.0;
    double squares = 0.0;
    constexpr int gpus = 20'000;
    for (int gpu = 0; gpu < gpus; ++gpu) {
      const double off = jitter_of({kind, 0.05, 1, {}}, gpu) - 1.0;
      sum += off;
      squares += off * off;
    }
    EXPECT_NEAR(sum / gpus, 0.0, 0.001);
    EXPECT_NEAR(squares / gpus, variance, 0.03 * variance);
  }
}

TEST(Jitter, GivesEveryRankItsOwnTimeOnTopOfOtherFaults) {
  const Scenario scenario =
      load(fault("kind = \"jitter\"\ndistribution = \"uniform\"\nspread = \"2 %\"") +
           fault("kind = \"straggler\"\nrank = 9\nslowdown = 2"));
  const std::vector<RankSlowdown> slow = slowdowns(scenario);

  ASSERT_EQ(slow.size(), 32U);
  EXPECT_EQ(slow[9].slowdown, 2.0 * jitter_of(*scenario.jitter, 9));
  EXPECT_LE(slow[10].slowdown, 1.02);
  EXPECT_GE(slow[10].slowdown, 0.98);
}

TEST(Jitter, SaysWhatIsWrong) {
  EXPECT_THAT(complaints_of(job(fault("kind = \"jitter\"\ndistribution = \"gauss\"\nspread = 3"))),
              AllOf(HasSubstr("wanted one of uniform and normal"),
                    HasSubstr("fault[0].spread is the whole number 3; wanted a text with its "
                              "unit")));
  EXPECT_THAT(
      complaints_of(job(fault("kind = \"jitter\"\ndistribution = \"normal\"\nspread = \"20 %\""))),
      HasSubstr("fault[0].spread = 20 % is out of range; wanted more than 0 % and at most 15 %"));
  EXPECT_THAT(complaints_of(job(fault("kind = \"jitter\""))),
              AllOf(HasSubstr("distribution is missing"), HasSubstr("spread is missing")));
}

TEST(Jitter, OfManyRanksIsMoreThanAProgramHolds) {
  const std::string said = complaints_of(
      "model = \"llama3-8b\"\ncluster = \"dgx-h100\"\ngpus = 65536\n"
      "workload = { sequence_length = 1024, global_batch = 65536 }\n" +
      fault("kind = \"jitter\"\ndistribution = \"normal\"\nspread = \"1 %\""));

  EXPECT_THAT(said, HasSubstr("no jitter, which makes every rank differ"));
}

TEST(Faults, ReadBackFromTheNormalForm) {
  const Scenario scenario =
      load(fault("kind = \"failed_gpu\"\ngpu = \"node[1].gpu[5]\"") +
           fault("kind = \"slow_node\"\nnode = 2\nslowdown = 1.5") +
           fault("kind = \"jitter\"\ndistribution = \"normal\"\nspread = \"1.7 %\"\nseed = 4"));

  const Scenario again = load_scenario_text(scenario.normalised, "n.toml", from_checkout());

  EXPECT_EQ(again.normalised, scenario.normalised);
  EXPECT_EQ(again.jitter->spread, scenario.jitter->spread);
  EXPECT_EQ(again.failed_gpus.at(0).place, 5);
}

}  // namespace
}  // namespace orrery
