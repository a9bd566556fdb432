// What overlaps and what folds, on whole scenarios.
#include "support/scenarios.hpp"
#include "timeline/sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace orrery {
namespace {

const Keys llama = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "4096"},
                    {"workload.global_batch", "4"},
                    {"strategy.dp", "1"}};

const Keys tensor = llama + Keys{{"strategy.tp", "8"}, {"strategy.sp", "true"}};

double exposed(const Simulation& run, Component component) {
  const TimeUse& use = run.result.time[run.class_of(0)];
  return std::chrono::duration<double>(use.by_component[static_cast<std::size_t>(component)])
      .count();
}

TEST(TensorOverlap, LeavesLittleOfTheExchangesExposed) {
  const Simulation apart(tensor + Keys{{"strategy.overlap", "[]"}});
  const Simulation beside(tensor + Keys{{"strategy.overlap", "[\"tensor\"]"}});

  EXPECT_LT(exposed(beside, Component::tp), 0.6 * exposed(apart, Component::tp));
  EXPECT_LT(beside.seconds(), apart.seconds());
}

TEST(TensorOverlap, NeedsTheScatteringOfSequenceParallelism) {
  const Keys whole = llama + Keys{{"strategy.tp", "8"}};
  const Simulation apart(whole + Keys{{"strategy.overlap", "[]"}});
  const Simulation beside(whole + Keys{{"strategy.overlap", "[\"tensor\"]"}});

  EXPECT_EQ(beside.result.end, apart.result.end);
}

/// Spans of the tasks of layer 1 and micro-batch 0 of this kind, in order of their begin.
std::vector<Span> spans_of(const Simulation& run, const RecordingSink& rows,
                           const std::string& kind, const std::string& lane_name) {
  std::vector<Span> found;
  for (const Span& span : rows.spans) {
    const ClassId rank_class = span.rank_class;
    if (rank_class != run.class_of(0)) continue;
    const Lane& lane =
        run.program().scripts[run.program().classes[rank_class].script].lanes[span.lane];
    const Task& task = lane.tasks[span.position];
    const bool here = task.layer == 1 && task.micro_batch == 0 && lane.name == lane_name;
    if (here && run.program().kinds[task.kind].name == kind) found.push_back(span);
  }
  return found;
}

Duration sum_of(const std::vector<Span>& spans) {
  Duration sum{0};
  for (const Span& span : spans) sum += span.duration;
  return sum;
}

TEST(TensorOverlap, TakesTheLongerOfProductAndExchangeAndOnePieceMore) {
  const Scenario scenario = scenario_of(tensor + Keys{{"strategy.overlap", "[\"tensor\"]"}});
  const Simulation once(scenario);
  RecordingSink rows;
  run(once.prepared, scenario, rows);
  for (const auto& [kernel, piece] :
       {std::pair{"qkv.forward", "qkv.sequence_gather"},
        std::pair{"ffn_down.forward", "ffn_down.output_scatter"},
        std::pair{"ffn_down.input_gradient", "ffn_down.output_gradient_gather"}}) {
    const auto kernels = spans_of(once, rows, kernel, "compute");
    const auto pieces = spans_of(once, rows, piece, "tensor receive");
    ASSERT_EQ(kernels.size(), 8U) << kernel;
    ASSERT_EQ(pieces.size(), 7U) << piece;
    const Span& last = kernels.back();
    const Duration took = last.begin + last.duration - kernels.front().begin;
    EXPECT_LE(took, std::max(sum_of(kernels), sum_of(pieces)) + last.duration) << kernel;
  }
}

TEST(TensorOverlap, HoldsNoMultiprocessors) {
  const Simulation beside(tensor + Keys{{"strategy.overlap", "[\"tensor\"]"}});
  for (const Group& group : beside.program().groups) {
    if (group.name != "tp_ring") continue;
    for (const PlanId plan : group.plans) EXPECT_EQ(beside.program().plans[plan].sm, 0.0F);
  }
}

TEST(Host, HoldsUpAStepOfShortKernelsUnlessTheyAreCaptured) {
  const Keys short_kernels = llama + Keys{{"workload.kind", "\"decode\""},
                                          {"workload.context_length", "16"},
                                          {"model.layers", "4"},
                                          {"strategy.tp", "8"}};
  Scenario scenario = scenario_of(short_kernels);
  scenario.software.launch = Seconds(1e-3);
  const Simulation eager(scenario);
  scenario.strategy.cuda_graph = "full";
  const Simulation captured(scenario);

  EXPECT_GT(eager.seconds(), 10.0 * captured.seconds());
}

TEST(ContextParallelism, FoldsExactly) {
  Scenario scenario = scenario_of(llama + Keys{{"strategy.tp", "2"}});
  scenario.strategy.cp = 2;
  scenario.strategy.dp = 2;
  scenario.gpus = 8;
  const Simulation folded(scenario);
  scenario.fidelity.fold = false;
  const Simulation whole(scenario);

  EXPECT_EQ(folded.result.end, whole.result.end);
  EXPECT_LT(folded.program().classes.size(), whole.program().classes.size());
}

TEST(Decode, TakesAtLeastTheReadingOfWeightsAndCache) {
  const Simulation run(Keys{{"model", "llama3-8b"},
                            {"cluster", "dgx-h100"},
                            {"software", "vllm"},
                            {"workload.kind", "\"decode\""},
                            {"workload.global_batch", "8"},
                            {"workload.micro_batch", "8"},
                            {"workload.context_length", "8191"},
                            {"strategy.dp", "1"}});
  const StagePlan& stage = run.plan().stages.front();
  const auto held = [&](MemoryCategory category) {
    return static_cast<double>(stage.resident[static_cast<std::size_t>(category)].value());
  };
  // All but the embedding's rows is read once.
  const double bytes =
      held(MemoryCategory::parameters) - 2.0 * 128256.0 * 4096.0 + held(MemoryCategory::kv_cache);
  const double floor = bytes / 3.35e12;

  EXPECT_GT(run.seconds(), floor);
  EXPECT_LT(run.seconds(), 1.6 * floor);
}

}  // namespace
}  // namespace orrery
