// Context parallelism against its closed forms: what each form of attention sends, that a ring
// sends beside what it computes, that a causal mask leaves every rank the same work, and that a
// rank keeps 1/cp of the activations (Liu et al. 2023, arXiv 2310.01889; Jacobs et al. 2023, arXiv
// 2309.14509; Grattafiori et al. 2024, arXiv 2407.21783, section 3.3.2).
#include "support/scenarios.hpp"
#include "timeline/sink.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace orrery {
namespace {

constexpr double s = 8192.0;
constexpr double micro_batches = 2.0;
constexpr double layers = 4.0;
constexpr double queries = 2.0 * 32.0 * 128.0;  // bytes per token of all heads' queries
constexpr double keys = 2.0 * 8.0 * 128.0;      // and of keys, or of values

const Keys llama = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"model.layers", "4"},
                    {"model.parameters_total", "\"1.92e9\""},
                    {"workload.sequence_length", "8192"},
                    {"workload.global_batch", "2"},
                    {"strategy.dp", "1"}};

Keys by(const std::string& form, const std::string& cp) {
  return llama + Keys{{"strategy.cp", cp}, {"strategy.cp_comm_type", "\"" + form + "\""}};
}

std::map<std::string, double> joined(const Simulation& run) {
  return joined_bytes(run.program(), run.class_of(0));
}

TEST(ContextVolume, OfARingIsAllBlocksButOnesOwnAndInBackwardTheirGradientsToo) {
  const auto bytes = joined(Simulation(by("p2p", "4")));
  const double block = s / 4.0 * 2.0 * keys;

  const double forward = micro_batches * layers * 3.0 * block;
  EXPECT_DOUBLE_EQ(bytes.at("cp_ring_send key_value_block"), forward);
  EXPECT_DOUBLE_EQ(bytes.at("cp_ring_receive key_value_block"), forward);
  EXPECT_DOUBLE_EQ(bytes.at("cp_ring_send key_value_gradient_block"), 2.0 * forward);
}

TEST(ContextVolume, OfAGatherIsKeysAndValuesOfAllTokensThreeTimes) {
  const auto bytes = joined(Simulation(by("all_gather", "4")));

  for (const char* way :
       {"cp key_value_gather", "cp key_value_gather_again", "cp key_value_gradient_scatter"}) {
    EXPECT_DOUBLE_EQ(bytes.at(way), micro_batches * layers * s * 2.0 * keys) << way;
  }
}

TEST(ContextVolume, OfExchangedHeadsIsTheRanksOwnTokensOnceEachWay) {
  const auto bytes = joined(Simulation(by("a2a", "4")));
  const double tokens = micro_batches * layers * s / 4.0;

  for (const char* way : {"", "_gradient"}) {
    const auto sent = [&](const std::string& what) {
      return bytes.at("cp " + what + way + "_exchange");
    };
    EXPECT_DOUBLE_EQ(sent("query"), tokens * queries);
    EXPECT_DOUBLE_EQ(sent("key"), tokens * keys);
    EXPECT_DOUBLE_EQ(sent("value"), tokens * keys);
    EXPECT_DOUBLE_EQ(sent("result"), tokens * queries);
  }
}

TEST(ContextVolume, OfTwoLevelsIsThatOfHeadsInsideAndOfARingAcross) {
  const Simulation run(by("a2a+p2p", "8") +
                       Keys{{"strategy.hierarchical_context_parallel_sizes", "[4, 2]"}});
  const auto bytes = joined(run);
  const double tokens = micro_batches * layers * s / 8.0;

  EXPECT_DOUBLE_EQ(bytes.at("cp_a2a query_exchange"), tokens * queries);
  // After the exchange a rank has four times the tokens of a quarter of the heads.
  EXPECT_DOUBLE_EQ(bytes.at("cp_p2p_ring_send key_value_block"), tokens * 2.0 * keys);
}

TEST(ContextVolume, OfGradientsIsAsIfContextRanksWereReplicas) {
  const Simulation run(by("p2p", "4") + Keys{{"strategy.zero", "1"}});
  const auto bytes = joined(run);
  const double parameters = run.plan().stages.front().dense_parameters;

  EXPECT_EQ(run.plan().mesh.group_size(GroupAxis::dp), 4);
  EXPECT_DOUBLE_EQ(bytes.at("dp gradient_scatter"), 4.0 * parameters);
}

// --- the timeline of a ring ----------------------------------------------------------------------

/// The spans of the tasks of layer 0 and micro-batch 0 whose kind and lane have these names.
std::vector<Span> spans_of(const Simulation& run, const RecordingSink& rows,
                           const std::string& kind, const std::string& lane_name) {
  std::vector<Span> found;
  for (const Span& span : rows.spans) {
    if (span.rank_class != run.class_of(0)) continue;
    const Script& script = run.program().scripts[run.program().classes[span.rank_class].script];
    const Lane& lane = script.lanes[span.lane];
    const Task& task = lane.tasks[span.position];
    const bool here = task.layer == 0 && task.micro_batch == 0 && lane.name == lane_name;
    if (here && run.program().kinds[task.kind].name == kind) found.push_back(span);
  }
  return found;
}

TEST(RingAttention, ReceivesTheNextBlockBesideTheKernelOfTheOneBefore) {
  const Scenario scenario = scenario_of(by("p2p", "4"));
  const Simulation run(scenario);
  RecordingSink rows;
  orrery::run(run.prepared, scenario, rows);
  const auto kernels = spans_of(run, rows, "attention_core.forward", "compute");
  const auto blocks = spans_of(run, rows, "attention_core.key_value_block", "context receive");

  ASSERT_EQ(kernels.size(), 4U);
  ASSERT_EQ(blocks.size(), 3U);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(blocks[i].begin, kernels[i].begin);
    EXPECT_LT(blocks[i].begin + blocks[i].duration, kernels[i + 1].begin);
  }
}

double exposed(const Simulation& run) {
  const TimeUse& use = run.result.time[run.class_of(0)];
  const auto cp = static_cast<std::size_t>(Component::cp);
  return std::chrono::duration<double>(use.by_component[cp]).count();
}

TEST(RingAttention, WaitsOnlyWhereABlockTakesLongerThanItsStep) {
  const Simulation near(by("p2p", "4"));
  const Simulation far(by("p2p", "4") +
                       Keys{{"strategy.tp", "8"}, {"workload.sequence_length", "2048"}});

  EXPECT_EQ(exposed(near), 0.0);
  EXPECT_GT(exposed(far), 0.0);
}

TEST(RingAttention, HidesWhatAGatherExposes) {
  EXPECT_LT(exposed(Simulation(by("p2p", "8"))), exposed(Simulation(by("all_gather", "8"))));
}

// --- work and memory -----------------------------------------------------------------------------

TEST(ContextParallelism, GivesEveryRankTheSameWorkAndAllOfThemTheModels) {
  for (const char* form : {"p2p", "all_gather", "a2a"}) {
    Scenario scenario = scenario_of(by(form, "8"));
    scenario.fidelity.fold = false;
    const Simulation run(scenario);
    double sum = 0.0;
    for (const TimeUse& use : run.result.time) {
      EXPECT_NEAR(8.0 * use.flops / run.plan().model_flops, 1.0, 1e-9) << form;
      EXPECT_EQ(use.busy, run.result.time.begin()->busy) << form;
      sum += use.flops;
    }
    EXPECT_NEAR(sum / run.plan().model_flops, 1.0, 1e-9) << form;
  }
}

TEST(ContextParallelism, KeepsOneRanksShareOfTheActivations) {
  const auto kept = [](const Keys& strategy) {
    const Plan plan = Simulation(strategy).plan();
    return std::accumulate(plan.layers.begin(), plan.layers.end(), 0.0,
                           [](double sum, const LayerPlan& layer) {
                             return sum + static_cast<double>(layer.saved.value());
                           });
  };
  const double whole = kept(llama);

  for (const char* form : {"p2p", "all_gather", "a2a"}) {
    EXPECT_NEAR(kept(by(form, "4")) / whole, 0.25, 1e-9) << form;
  }
}

TEST(ContextParallelism, HoldsTheBlocksAndResultsOfAllStepsOfARing) {
  const Simulation run(by("p2p", "4"));
  const auto is_core = [](const ShardedOp& op) { return op.op.kind == OpKind::attention; };
  const LayerPlan& layer = run.plan().layers.at(1);
  const ShardedOp& core = *std::ranges::find_if(layer.ops, is_core);

  EXPECT_EQ(core.workspace, Bytes(std::llround(s / 4.0 * (3.0 * 2.0 * keys + 4.0 * queries))));
  EXPECT_EQ(core.backward_workspace,
            Bytes(std::llround(s / 4.0 * (5.0 * 2.0 * keys + 2.0 * queries))));
}

TEST(ContextParallelism, LeavesTheBubbleOfAPipelineAsItIs) {
  const auto bubble = [](const Keys& strategy) {
    // Almost no embedding and head: stages are equal.
    const Simulation run(strategy + Keys{{"model.vocabulary", "1024"},
                                         {"model.parameters_total", "\"0.881e9\""},
                                         {"strategy.pp", "2"},
                                         {"workload.global_batch", "16"}});
    const TimeUse& use = run.result.time[run.class_of(0)];
    return std::chrono::duration<double>(use.bubble).count() / run.seconds();
  };

  EXPECT_NEAR(bubble(by("p2p", "4")), bubble(llama), 0.01);
}

}  // namespace
}  // namespace orrery
