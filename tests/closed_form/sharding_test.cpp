// ZeRO 2 and 3 against their closed forms (Rajbhandari et al. 2020; Zhao et al. 2023): traffic 2·P
// a step for stages 1 and 2, 3·P for 3 (2·P without resharding); memory (2 + 4 + 12)/d bytes per
// parameter and the units that are whole for a while; and against the timeline: nothing computes
// before it is gathered, never is more gathered than allowed.
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

constexpr double gathered_type = 2.0;
constexpr double wire_type = 4.0;

const Keys llama = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "4096"},
                    {"workload.global_batch", "8"},
                    {"strategy.dp", "8"}};
const Keys fsdp = llama + Keys{{"strategy.zero", "3"}};
const Keys twice = {{"workload.global_batch", "16"}};

double parameters_of(const Plan& plan, std::string_view layer) {
  const auto found = std::ranges::find(plan.layers, layer, &LayerPlan::name);
  return found == plan.layers.end() ? 0.0 : found->dense_parameters;
}

/// Embedding and head, which stay gathered until their backward.
double root_of(const Plan& plan) {
  return parameters_of(plan, "embedding") + parameters_of(plan, "head");
}

std::map<std::string, double> joined(const Keys& keys) {
  const Simulation run(keys);
  return joined_bytes(run.program(), run.class_of(0));
}

double parameters() { return Simulation(llama).plan().stages.front().dense_parameters; }

TEST(ShardedVolume, IsTwiceTheParametersWhereTheyAreGatheredOnce) {
  for (const Keys& keys :
       {llama + Keys{{"strategy.zero", "1"}}, llama + Keys{{"strategy.zero", "2"}},
        fsdp + Keys{{"strategy.reshard_after_forward", "false"}}}) {
    const auto bytes = joined(keys);
    EXPECT_DOUBLE_EQ(bytes.at("dp parameter_gather"), gathered_type * parameters());
    EXPECT_DOUBLE_EQ(bytes.at("dp gradient_scatter"), wire_type * parameters());
  }
}

TEST(ShardedVolume, IsThriceTheParametersButForTheRoot) {
  const Simulation run(fsdp);
  const auto bytes = joined_bytes(run.program(), run.class_of(0));
  const double twice_gathered = 2.0 * parameters() - root_of(run.plan());

  EXPECT_DOUBLE_EQ(bytes.at("dp parameter_gather"), gathered_type * twice_gathered);
  EXPECT_DOUBLE_EQ(bytes.at("dp gradient_scatter"), wire_type * parameters());
}

TEST(ShardedVolume, GrowsWithMicroBatchesUnlessReductionIsDeferred) {
  const Keys deferred = twice + Keys{{"strategy.no_sync", "true"}};

  EXPECT_DOUBLE_EQ(joined(fsdp + twice).at("dp gradient_scatter"), 2.0 * wire_type * parameters());
  EXPECT_DOUBLE_EQ(joined(fsdp + deferred).at("dp gradient_scatter"), wire_type * parameters());
  EXPECT_DOUBLE_EQ(joined(fsdp + deferred).at("dp parameter_gather"),
                   joined(fsdp + twice).at("dp parameter_gather"));
}

TEST(ShardedVolume, IsThatOfThePipelinesStageGatheredAndReducedOnce) {
  const Simulation run(fsdp + Keys{{"strategy.pp", "2"}, {"workload.global_batch", "32"}});
  const auto bytes = joined_bytes(run.program(), run.class_of(0));
  const double held = run.plan().stages.front().dense_parameters;

  EXPECT_DOUBLE_EQ(bytes.at("dp parameter_gather"), gathered_type * held);
  EXPECT_DOUBLE_EQ(bytes.at("dp gradient_scatter"), wire_type * held);
}

TEST(ShardedVolume, OfReplicatedSharesIsSummedOverThoseThatHoldTheSame) {
  const auto bytes = joined(fsdp + Keys{{"strategy.dp_replicate", "2"}});

  EXPECT_DOUBLE_EQ(bytes.at("dp_shard gradient_scatter"), wire_type * parameters());
  EXPECT_DOUBLE_EQ(bytes.at("dp_replicate gradient_share_sum"), wire_type * parameters() / 4.0);
  EXPECT_FALSE(bytes.contains("dp gradient_scatter"));
}

TEST(ShardedCopies, AreOfWhatTheStackKeepsInTensorsApart) {
  Scenario scenario = scenario_of(fsdp);
  scenario.software.bucket_copies = {"parameters", "gradients"};
  const Simulation run(scenario);

  // Every gather: 34 units forward, 32 again backward; every unit's gradients once.
  EXPECT_EQ(tasks_named(run.program(), run.class_of(0), "parameter_copy"), 66U);
  EXPECT_EQ(tasks_named(run.program(), run.class_of(0), "gradient_copy"), 34U);
  EXPECT_EQ(tasks_named(Simulation(fsdp).program(), run.class_of(0), "parameter_copy"), 0U);
}

// --- memory --------------------------------------------------------------------------------------

double held(const BytesByCategory& bytes, MemoryCategory category) {
  return static_cast<double>(bytes[static_cast<std::size_t>(category)].value());
}

double state(const BytesByCategory& bytes) {
  return held(bytes, MemoryCategory::parameters) + held(bytes, MemoryCategory::gradients) +
         held(bytes, MemoryCategory::optimizer);
}

TEST(ShardedMemory, ThatStaysIsADthOfEveryKindThatIsDivided) {
  const double p = parameters();
  const auto resident = [](const Keys& keys) {
    return state(Simulation(keys).plan().stages.front().resident);
  };

  EXPECT_NEAR(resident(llama + Keys{{"strategy.zero", "2"}}), p * (2.0 + (4.0 + 12.0) / 8.0), 2.0);
  EXPECT_NEAR(resident(fsdp), p * (2.0 + 4.0 + 12.0) / 8.0, 2.0);
  EXPECT_NEAR(resident(fsdp + Keys{{"strategy.dp_replicate", "2"}}), p * (2.0 + 4.0 + 12.0) / 4.0,
              2.0);
}

/// The most parameters gathered at once.
double most_gathered(const Keys& keys) {
  const Scenario scenario = scenario_of(keys);
  const Prepared prepared = prepare(scenario);
  RecordingSink rows;
  run(prepared, scenario, rows);
  double most = 0.0;
  for (const MemorySample& sample : rows.memory) {
    if (sample.category != MemoryCategory::parameters) continue;
    most = std::max(most, static_cast<double>(sample.bytes.value()));
  }
  return most - held(prepared.plan.stages.front().resident, MemoryCategory::parameters);
}

TEST(ShardedMemory, OfGatheredParametersIsTheUnitsAheadAndTheRoot) {
  const Plan plan = Simulation(fsdp).plan();
  const double layer = parameters_of(plan, "dense layer");
  const double embedding = parameters_of(plan, "embedding");
  // Either the head computes, itself a unit, or layers do; the embedding stays.
  const auto expected = [&](double ahead, double layers) {
    const double at_head = parameters_of(plan, "head") + ahead * layers * layer;
    return gathered_type * (embedding + std::max(at_head, (1.0 + ahead) * layers * layer));
  };

  EXPECT_DOUBLE_EQ(most_gathered(fsdp + Keys{{"strategy.fsdp_prefetch", "0"}}), expected(0.0, 1.0));
  EXPECT_DOUBLE_EQ(most_gathered(fsdp), expected(1.0, 1.0));
  EXPECT_DOUBLE_EQ(most_gathered(fsdp + Keys{{"strategy.fsdp_prefetch", "3"}}), expected(3.0, 1.0));
  EXPECT_DOUBLE_EQ(most_gathered(fsdp + Keys{{"strategy.fsdp_unit_layers", "4"}}),
                   expected(1.0, 4.0));
  EXPECT_DOUBLE_EQ(most_gathered(fsdp + Keys{{"strategy.reshard_after_forward", "false"}}),
                   gathered_type * parameters());
}

// --- time ----------------------------------------------------------------------------------------

double part(const Simulation& run, Component component) {
  const TimeUse& use = run.result.time[run.class_of(0)];
  return std::chrono::duration<double>(use.by_component[static_cast<std::size_t>(component)])
      .count();
}

const Keys undisturbed = {{"fidelity.interference", "\"off\""},
                          {"workload.sequence_length", "8192"},
                          {"cluster", "gb200-nvl72"}};

TEST(ShardedTime, IsThatOfComputingWhereExchangesHide) {
  const Simulation whole(llama + undisturbed + Keys{{"strategy.zero", "0"}});
  const Simulation divided(fsdp + undisturbed);
  const Simulation exposed(fsdp + undisturbed + Keys{{"strategy.overlap", "[]"}});

  // Elsewhere gradients are added up where the stack does not fuse that; Megatron-Core's does.
  EXPECT_DOUBLE_EQ(part(divided, Component::compute), part(whole, Component::compute));
  // The embedding's gather has nothing to hide behind, nor has the reduction of its gradients.
  EXPECT_LT(part(divided, Component::dp), 0.03 * divided.seconds());
  EXPECT_GT(part(exposed, Component::dp), 3.0 * part(divided, Component::dp));
}

struct Layers {
  std::map<std::uint16_t, std::vector<Span>> gathers;
  std::map<std::uint16_t, std::vector<Span>> kernels;
};

Layers by_layer(const Program& program, const std::vector<Span>& spans) {
  Layers layers;
  for (const Span& span : spans) {
    const Script& script = program.scripts[program.classes[span.rank_class].script];
    const Task& task = script.lanes[span.lane].tasks[span.position];
    const Kind& kind = program.kinds[task.kind];
    if (kind.name == "parameter_gather") layers.gathers[task.layer].push_back(span);
    if (task.layer != none_16 && std::holds_alternative<Compute>(kind.action)) {
      layers.kernels[task.layer].push_back(span);
    }
  }
  return layers;
}

TEST(ShardedTime, NeverLetsALayerComputeWhileItIsGathered) {
  const Scenario scenario = scenario_of(fsdp + twice);
  const Prepared prepared = prepare(scenario);
  RecordingSink rows;
  run(prepared, scenario, rows);
  Layers layers = by_layer(prepared.program, rows.spans);

  EXPECT_EQ(layers.gathers.size(), 33U);  // 32 layers, and those that have no number
  for (const auto& [layer, kernels] : layers.kernels) {
    const std::vector<Span>& gathers = layers.gathers[layer];
    ASSERT_EQ(gathers.size(), 4U);  // forward and backward of two micro-batches
    for (const Span& kernel : kernels) {
      EXPECT_GE(kernel.begin, gathers.front().begin + gathers.front().duration);
      for (const Span& gather : gathers) {
        const bool apart = kernel.begin + kernel.duration <= gather.begin ||
                           gather.begin + gather.duration <= kernel.begin;
        EXPECT_TRUE(apart) << "layer " << layer;
      }
    }
  }
}

}  // namespace
}  // namespace orrery
