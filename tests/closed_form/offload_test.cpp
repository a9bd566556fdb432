// Offloading against closed forms: bytes over the links to the host a step, and the time of a step
// that they bind (Ren et al. 2021, ZeRO-Offload, section 4: 4 bytes of gradients down and 2 of
// parameters up per parameter when gradients are summed in fp32).
#include "parallel/offload.hpp"

#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

const Keys small = {{"model", "{ extends = \"llama3-8b\", layers = 4 }"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "2048"},
                    {"workload.global_batch", "4"},
                    {"strategy.dp", "1"}};
const Keys optimizer = {{"strategy.offload", "[\"optimizer\"]"}};
const Keys activations = {{"strategy.offload", "[\"activations\"]"}};

double seconds_of(const Simulation& run, Component component) {
  const TimeUse& use = run.result.time[run.class_of(0)];
  return to_seconds(use.by_component[static_cast<std::size_t>(component)]).value();
}

Bytes peak(const Simulation& run) { return run.result.memory[run.class_of(0)].bytes; }

Bytes resident(const Simulation& run, MemoryCategory category) {
  const Script& script = run.program().scripts[run.program().classes[run.class_of(0)].script];
  return script.resident[static_cast<std::size_t>(category)];
}

double duration_of(const Simulation& run, const std::string& kind) {
  for (const Kind& known : run.program().kinds) {
    if (known.name == kind) return to_seconds(std::get<Compute>(known.action).duration).value();
  }
  return -1.0;
}

constexpr double port = 64e9 * 0.84;
constexpr double host_memory_rate = 614.4e9 * 0.8;
constexpr double latency = 1.5e-6;
/// Per parameter on the host: the gradient is read, two moments and the fp32 copy are read and
/// written, the bf16 parameter is written.
constexpr double moved_on_host = 4.0 + 2.0 * (4.0 + 4.0 + 4.0) + 2.0;

TEST(OffloadedOptimizer, MovesGradientsDownAndParametersUp) {
  const Simulation run(small + optimizer);
  const double parameters = run.plan().stages.front().dense_parameters;
  auto bytes = joined_bytes(run.program(), run.class_of(0));

  EXPECT_DOUBLE_EQ(bytes["to_host gradients_to_host"], 4.0 * parameters);
  EXPECT_DOUBLE_EQ(bytes["from_host parameters_from_host"], 2.0 * parameters);
  EXPECT_DOUBLE_EQ(bytes["host optimizer_on_host"], moved_on_host * parameters);
  EXPECT_EQ(resident(run, MemoryCategory::optimizer), Bytes(0));
  EXPECT_DOUBLE_EQ(static_cast<double>(host_memory(run.plan(), 0).value()), 12.0 * parameters);
}

TEST(OffloadedOptimizer, TakesAsLongAsItsCopiesAndTheHostsMemory) {
  const Simulation run(small + optimizer);
  const double parameters = run.plan().stages.front().dense_parameters;
  const double copies = (4.0 + 2.0) * parameters / port + 2.0 * latency;
  const double update = moved_on_host * parameters / host_memory_rate;

  EXPECT_NEAR(seconds_of(run, Component::optimizer),
              duration_of(run, "gradient_norm") + copies + update, 1e-9);
}

TEST(OffloadedOptimizer, SharesTheRootPortAndTheHostsMemoryWithItsNeighbour) {
  const Keys two = {{"strategy.dp", "2"}};
  const Simulation one(small + optimizer);
  const Simulation both(small + optimizer + two);
  const double parameters = one.plan().stages.front().dense_parameters;

  // The copies and the host's work take twice as long each, the gradient norm as long as before.
  EXPECT_NEAR(seconds_of(both, Component::optimizer) - seconds_of(one, Component::optimizer),
              (4.0 + 2.0) * parameters / port + moved_on_host * parameters / host_memory_rate,
              1e-9);
}

TEST(OffloadedOptimizer, IsDividedByZero) {
  const Keys divided = {{"strategy.dp", "4"}, {"strategy.zero", "1"}};
  const Simulation run(small + optimizer + divided);
  const double share = run.plan().stages.front().dense_parameters / 4.0;
  auto bytes = joined_bytes(run.program(), run.class_of(0));

  EXPECT_NEAR(bytes["to_host gradients_to_host"], 4.0 * share, 1.0);
  EXPECT_NEAR(static_cast<double>(host_memory(run.plan(), 0).value()), 12.0 * share, 1.0);
}

TEST(OffloadedActivations, LeaveOnceAndComeBackOnceForEachMicroBatch) {
  const Simulation run(small + activations);
  const Plan& plan = run.plan();
  const ChunkPlan& chunk = plan.stages.front().chunks.front();
  double left = 0.0;
  for (std::size_t layer = 0; layer < chunk.layers.size(); ++layer) {
    if (!offloads_activations(plan, chunk, layer)) continue;
    left += static_cast<double>(plan.layers[chunk.layers[layer].plan].saved.value());
  }
  auto bytes = joined_bytes(run.program(), run.class_of(0));

  EXPECT_GT(left, 0.0);
  EXPECT_DOUBLE_EQ(bytes["to_host activations_to_host"], 4.0 * left);
  EXPECT_DOUBLE_EQ(bytes["from_host activations_from_host"], 4.0 * left);
}

TEST(OffloadedActivations, AreAllButTheLastLayersUnlessTheScenarioSaysHowMany) {
  const Simulation all(small + activations);
  const Simulation two(small + activations + Keys{{"strategy.offload_layers", "2"}});
  const auto copies = [](const Simulation& run) {
    return tasks_named(run.program(), run.class_of(0), "activations_to_host");
  };

  EXPECT_EQ(copies(all), 4U * 3U);
  EXPECT_EQ(copies(two), 4U * 2U);
}

TEST(OffloadedActivations, LeaveNoMoreThanTwoWholeLayersOnTheGpu) {
  const Simulation kept(small);
  const Simulation left(small + activations);
  const ChunkPlan& chunk = kept.plan().stages.front().chunks.front();
  const Bytes layer = kept.plan().layers[chunk.layers[1].plan].saved;

  // Of four layers one stays, one leaves while it runs, and so the other two are gone.
  EXPECT_EQ(peak(kept) - peak(left), 2 * layer);
}

TEST(OffloadedActivations, TakeTheTimeOfTheirCopiesWhereThoseAreTheSlowest) {
  // Over a link of 1 GB/s a layer's copy takes far longer than its passes: a step is all copies.
  const Keys narrow = {{"cluster.host.bandwidth", "\"1 GB/s\""},
                       {"cluster.host.payload_efficiency", "1.0"}};
  const Simulation run(small + activations + narrow);
  auto bytes = joined_bytes(run.program(), run.class_of(0));
  const double copies =
      bytes["to_host activations_to_host"] + bytes["from_host activations_from_host"];

  EXPECT_GT(run.seconds(), copies / 1e9);
  EXPECT_LT(run.seconds(), copies / 1e9 + Simulation(small).seconds());
}

TEST(OffloadedActivations, CostNothingWhereLinksAreWide) {
  const Keys wide = {{"cluster.host.bandwidth", "\"100 TB/s\""},
                     {"cluster.host.memory_bandwidth", "\"100 TB/s\""},
                     {"cluster.host.link", "\"c2c\""},
                     {"fidelity.interference", "\"off\""}};
  const double kept = Simulation(small).seconds();

  EXPECT_NEAR(Simulation(small + activations + wide).seconds(), kept, 0.01 * kept);
}

}  // namespace
}  // namespace orrery
