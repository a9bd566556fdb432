// What crosses between ranks in a step, by axis, against the closed forms: tensor parallelism two
// all-reduces of s·b·h each way per layer (Shoeybi et al. 2019), or as many all-gathers and
// reduce-scatters and one gather more per entering product (Korthikanti et al. 2022); experts four
// all-to-alls of s·b·k·h per layer; pipelines s·b·h per border, micro-batch and direction; replicas
// 2·P per step (Rajbhandari et al. 2020). Links carry what nccl-tests' PERFORMANCE.md says.
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery {
namespace {

constexpr double s = 1024.0;
constexpr double h = 4096.0;
constexpr double micro_batches = 4.0;
constexpr double layers = 32.0;
constexpr double rows = 2.0 * s * h;  // a 16-bit row of every token

const Keys llama = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "1024"},
                    {"workload.global_batch", "4"},
                    {"strategy.dp", "1"}};

std::map<std::string, double> joined(const Simulation& run, std::size_t rank) {
  return joined_bytes(run.program(), run.class_of(rank));
}

TEST(TensorVolume, IsTwoAllReducesEachWayPerLayer) {
  const Simulation run(llama + Keys{{"strategy.tp", "4"}});
  const auto bytes = joined(run, 0);

  // The embedding adds one forward, the head one backward.
  EXPECT_DOUBLE_EQ(bytes.at("tp output_sum"), micro_batches * (2.0 * layers + 1.0) * rows);
  EXPECT_DOUBLE_EQ(bytes.at("tp input_gradient_sum"), micro_batches * (2.0 * layers + 1.0) * rows);
}

TEST(TensorVolume, IsTheSameInPiecesWithSequenceParallelismAndAGatherMore) {
  const Simulation run(llama + Keys{{"strategy.tp", "4"}, {"strategy.sp", "true"}});
  const auto bytes = joined(run, 0);

  for (const char* piece : {"tp sequence_gather", "tp output_scatter", "tp output_gradient_gather",
                            "tp input_gradient_scatter", "tp sequence_gather_again"}) {
    EXPECT_DOUBLE_EQ(bytes.at(piece), micro_batches * (2.0 * layers + 1.0) * rows) << piece;
  }
  // Norms are whole on every rank, which sees a part of the tokens: 65 of them, in fp32.
  EXPECT_DOUBLE_EQ(bytes.at("tp norm_gradient_sum"), 4.0 * (2.0 * layers + 1.0) * h);
}

TEST(TensorVolume, IsHalvedWhereEightBitsAreGathered) {
  const Simulation run(llama + Keys{{"strategy.tp", "4"},
                                    {"strategy.sp", "true"},
                                    {"workload.precision", "\"fp8\""}});
  const auto bytes = joined(run, 0);

  // The head stays in 16 bits, as does the embedding; sums always are.
  EXPECT_DOUBLE_EQ(bytes.at("tp sequence_gather"),
                   micro_batches * (2.0 * layers / 2.0 + 1.0) * rows);
  EXPECT_DOUBLE_EQ(bytes.at("tp output_scatter"), micro_batches * (2.0 * layers + 1.0) * rows);
}

TEST(ExpertVolume, IsFourAllToAllsPerLayerOfAllCopiesOfTheTokens) {
  const Simulation run({{"model", "mixtral-8x7b"},
                        {"cluster", "dgx-h100"},
                        {"workload.sequence_length", "1024"},
                        {"workload.global_batch", "32"},
                        {"workload.routing.kind", "\"forced\""},
                        {"strategy.dp", "8"},
                        {"strategy.ep", "8"}});
  const auto bytes = joined(run, 0);

  for (const char* way :
       {"ep dispatch", "ep combine", "ep combine_gradient", "ep dispatch_gradient"}) {
    EXPECT_DOUBLE_EQ(bytes.at(way), micro_batches * layers * 2.0 * rows) << way;
  }
}

TEST(ExpertVolume, OfExpertTensorRanksIsGatheredBesides) {
  const Simulation run({{"model", "mixtral-8x7b"},
                        {"cluster", "dgx-h100"},
                        {"workload.sequence_length", "1024"},
                        {"workload.global_batch", "16"},
                        {"workload.routing.kind", "\"forced\""},
                        {"strategy.tp", "2"},
                        {"strategy.sp", "true"},
                        {"strategy.dp", "4"},
                        {"strategy.ep", "4"},
                        {"strategy.etp", "2"}});
  const auto bytes = joined(run, 0);

  // A rank sends the copies of its half of the tokens; both etp ranks gather what the two received.
  EXPECT_DOUBLE_EQ(bytes.at("ep dispatch"), micro_batches * layers * rows);
  EXPECT_DOUBLE_EQ(bytes.at("etp sequence_gather"), micro_batches * layers * 2.0 * rows);
  EXPECT_FALSE(bytes.contains("etp sequence_gather_again"));  // the gathered rows are kept
}

TEST(PipelineVolume, IsARowPerTokenAndBorderEachWay) {
  const Simulation run(llama + Keys{{"strategy.pp", "4"}});
  const auto bytes = joined(run, 1);

  EXPECT_DOUBLE_EQ(bytes.at("pp_activation_0_to_1 activation"), micro_batches * rows);
  EXPECT_DOUBLE_EQ(bytes.at("pp_activation_1_to_2 activation"), micro_batches * rows);
  EXPECT_DOUBLE_EQ(bytes.at("pp_gradient_2_to_1 gradient"), micro_batches * rows);
  EXPECT_DOUBLE_EQ(bytes.at("pp_gradient_1_to_0 gradient"), micro_batches * rows);
}

TEST(PipelineVolume, IsAsManyTimesThatAsThereAreChunks) {
  const Simulation run(llama + Keys{{"strategy.pp", "4"},
                                    {"strategy.vpp", "2"},
                                    {"strategy.schedule", "\"interleaved\""}});

  EXPECT_DOUBLE_EQ(joined(run, 1).at("pp_activation_0_to_1 activation"),
                   2.0 * micro_batches * rows);
  EXPECT_DOUBLE_EQ(joined(run, 0).at("pp_activation_3_to_0 activation"), micro_batches * rows);
}

const Keys replicas = {{"model", "llama3-8b"},
                       {"cluster", "dgx-h100"},
                       {"workload.sequence_length", "1024"},
                       {"workload.global_batch", "16"},
                       {"strategy.dp", "16"}};

TEST(ReplicaVolume, IsTheGradientsOnceReducedOrScatteredAndTheParametersGathered) {
  const Simulation summed(replicas);
  const Simulation divided(replicas + Keys{{"strategy.zero", "1"}});
  const double parameters = summed.plan().stages.front().dense_parameters;

  EXPECT_DOUBLE_EQ(joined(summed, 0).at("dp gradient_sum"), 4.0 * parameters);
  EXPECT_DOUBLE_EQ(joined(divided, 0).at("dp gradient_scatter"), 4.0 * parameters);
  EXPECT_DOUBLE_EQ(joined(divided, 0).at("dp parameter_gather"), 2.0 * parameters);
}

TEST(ReplicaVolume, TravelsInTheTypesOfTheStack) {
  Scenario scenario = scenario_of(replicas + Keys{{"strategy.zero", "1"}});
  scenario.software.types.gradient_wire = "compute";
  scenario.software.types.gather = "fp8";
  const Simulation run(scenario);
  const double parameters = run.plan().stages.front().dense_parameters;

  EXPECT_DOUBLE_EQ(joined(run, 0).at("dp gradient_scatter"), 2.0 * parameters);
  EXPECT_DOUBLE_EQ(joined(run, 0).at("dp parameter_gather"), 1.0 * parameters);
}

TEST(ReplicaVolume, IsHalvedForParametersThatAreKeptInEightBits) {
  const Simulation run(replicas + Keys{{"strategy.zero", "1"},
                                       {"workload.precision", "\"fp8\""},
                                       {"workload.fp8_param_gather", "true"}});
  const StagePlan& stage = run.plan().stages.front();

  EXPECT_DOUBLE_EQ(joined(run, 0).at("dp parameter_gather"),
                   2.0 * stage.dense_parameters - stage.narrow_dense);
}

std::size_t buckets(Scenario scenario, std::int64_t least, std::int64_t per_rank) {
  scenario.software.bucket_parameters = least;
  scenario.software.bucket_parameters_per_rank = per_rank;
  const Simulation run(scenario);
  return tasks_named(run.program(), run.class_of(0), "gradient_sum");
}

TEST(Buckets, CloseWithTheLayerThatFillsThem) {
  const Scenario scenario = scenario_of(replicas);  // layers of 218 million, 525 before and after

  EXPECT_EQ(buckets(scenario, 0, 0), 1U);
  EXPECT_EQ(buckets(scenario, 40'000'000, 0), 34U);
  EXPECT_EQ(buckets(scenario, 500'000'000, 0), 12U);  // the head, ten of three layers, the rest
  EXPECT_EQ(buckets(scenario, 40'000'000, 31'250'000), 12U);  // 16 ranks
}

TEST(Buckets, OfLaterStagesAndChunksAreOneEach) {
  const Simulation run(replicas + Keys{{"workload.global_batch", "64"},
                                       {"strategy.pp", "2"},
                                       {"strategy.vpp", "2"},
                                       {"strategy.zero", "1"},
                                       {"strategy.overlap", "[\"gradients\", \"parameters\"]"}});

  // The embedding, eight layers of the first chunk, the second chunk.
  for (const char* name : {"gradient_scatter", "parameter_gather"}) {
    EXPECT_EQ(tasks_named(run.program(), run.class_of(0), name), 10U) << name;
    EXPECT_EQ(tasks_named(run.program(), run.class_of(16), name), 2U) << name;
  }
}

TEST(Buckets, AreLayersWhereTheStackWrapsLayers) {
  Scenario scenario = scenario_of(replicas);
  scenario.software.bucket_by_layer = true;

  EXPECT_EQ(buckets(scenario, 0, 0), 34U);
}

// --- links ---------------------------------------------------------------------------------------

/// Payload that one execution of the plan puts on the links that leave GPUs.
double sent(const Program& program, const Group& group, const TransferPlan& plan) {
  double bytes = 0.0;
  for (const Phase& phase : plan.phases) {
    for (const Bundle& bundle : phase.bundles) {
      for (const Crossing& crossing : program.patterns[group.patterns[bundle.pattern]]) {
        const std::string& name = program.resources[crossing.resource].name;
        const std::string from = name.substr(0, name.find(" → "));
        if (from.find("gpu") == std::string::npos) continue;
        bytes += bundle.bytes * static_cast<double>(crossing.weight) * 0x1.0p-32 * phase.repeat;
      }
    }
  }
  return bytes;
}

TEST(Links, OfGpusCarryWhatTheOperationsFormulasSay) {
  const Simulation run([] {
    Scenario scenario = scenario_of({{"model", "mixtral-8x7b"},
                                     // One domain: no GPU hands over what another sends.
                                     {"cluster", "gb200-nvl72"},
                                     {"workload.sequence_length", "1024"},
                                     {"workload.global_batch", "16"},
                                     {"strategy.tp", "2"},
                                     {"strategy.sp", "true"},
                                     {"strategy.pp", "2"},
                                     {"strategy.ep", "4"},
                                     {"strategy.dp", "8"}});
    scenario.software.collectives = "none";  // the bytes alone: no protocol takes a share
    scenario.fidelity.fold = false;
    return scenario;
  }());
  std::size_t plans = 0;
  for (const Group& group : run.program().groups) {
    double members = 0.0;
    for (const Member& member : group.members) members += static_cast<double>(member.count);
    if (group.name.starts_with("pp_")) members = 1.0;  // one of the two sends
    for (const PlanId id : group.plans) {
      const TransferPlan& plan = run.program().plans[id];
      if (plan.size <= Bytes(1024)) continue;
      const double formula = plan.bytes_sent_per_member * members;
      ASSERT_NEAR(sent(run.program(), group, plan) / formula, 1.0, 1e-8) << group.name << plan.name;
      ++plans;
    }
  }
  EXPECT_GT(plans, 100U);
}

}  // namespace
}  // namespace orrery
