#include "lower/kernels.hpp"

#include "parallel/shard.hpp"
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace orrery {
namespace {

/// Remembers which kernels it was asked about.
class EqualTimes final : public KernelTimes {
 public:
  KernelTime time(const Kernel& kernel) const override {
    asked.push_back(kernel);
    return {.total = Seconds(1e-6), .sm = Seconds(1e-6), .memory = Seconds(0.0), .spread = {}};
  }
  mutable std::vector<Kernel> asked;
};

struct Lowered {
  explicit Lowered(const Scenario& scenario)
      : plan(make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy})) {}

  /// The kernels of an op of the first layer that has it, on the first of the ranks that share
  /// experts.
  OpKernels kernels(const std::string& name) {
    for (const PlacedLayer& placed : plan.stages.front().chunks.front().layers) {
      for (const ShardedOp& op : layer_on(plan, placed, 0).ops) {
        if (op.op.name == name) return KernelLowering(plan, times).kernels(op);
      }
    }
    return {};
  }
  template <typename K>
  const K& asked(std::size_t i) const {
    return std::get<K>(times.asked.at(i));
  }

  Plan plan;
  EqualTimes times;
};

const Keys llama = {{"model", "llama3-8b"},
                    {"cluster", "dgx-h100"},
                    {"workload.sequence_length", "1024"},
                    {"workload.global_batch", "1"},
                    {"strategy.dp", "1"}};

TEST(Kernels, OfAProductAreOneForwardAndTwoBackward) {
  Lowered lowered(scenario_of(llama));
  const OpKernels kernels = lowered.kernels("ffn_down");

  ASSERT_EQ(kernels.forward.size() + kernels.input_gradient.size() + kernels.weight_gradient.size(),
            3U);
  EXPECT_EQ(lowered.asked<GemmKernel>(0).k, 14336);
  EXPECT_EQ(lowered.asked<GemmKernel>(1).n, 14336);
  EXPECT_EQ(lowered.asked<GemmKernel>(2).k, 1024);
  EXPECT_EQ(lowered.asked<GemmKernel>(2).output_type, NumberType::fp32);
}

TEST(Kernels, AddUpWeightGradientsWhereTheProductDoesNot) {
  Scenario scenario = scenario_of(llama);
  std::erase(scenario.software.fused, "gradient_accumulation");
  Lowered lowered(scenario);
  const OpKernels kernels = lowered.kernels("ffn_down");

  ASSERT_EQ(kernels.weight_gradient.size(), 2U);
  EXPECT_EQ(lowered.asked<GemmKernel>(2).output_type, NumberType::bf16);
  // Reads the result of two bytes, reads and writes the sum of four.
  EXPECT_EQ(lowered.asked<MemoryKernel>(3).bytes, Bytes(10LL * 4096 * 14336));
}

/// Bytes per parameter that an update moves, its gradient's norm included.
double update_bytes(const std::string& software) {
  const Lowered lowered(scenario_of(llama + Keys{{"software", software}}));
  KernelLowering(lowered.plan, lowered.times).optimizer(1e6, 0.0);
  return static_cast<double>(lowered.asked<MemoryKernel>(0).bytes.value()) / 1e6;
}

TEST(Kernels, OfAnUpdateMoveThriceTheBytesWhereEveryOperationIsOne) {
  // bf16 parameters written from fp32 ones, two moments, the gradient twice.
  EXPECT_DOUBLE_EQ(update_bytes("megatron-core"), 2.0 + 4.0 * 2.0 + 4.0 * 4.0 + 2.0 * 4.0);
  // fp32 parameters in place; 22 accesses of Composer's DecoupledAdamW, and the norm's.
  EXPECT_DOUBLE_EQ(update_bytes("llm-foundry"), 4.0 * (22.0 + 1.0));
  EXPECT_DOUBLE_EQ(update_bytes("torchtitan"), 4.0 * (7.0 + 1.0));
}

TEST(Kernels, OfTheHeadAreNeverNarrow) {
  Lowered lowered(scenario_of(llama + Keys{{"workload.precision", "\"fp8\""}}));
  lowered.kernels("ffn_up");
  lowered.kernels("output_projection");

  EXPECT_EQ(lowered.asked<GemmKernel>(0).type, NumberType::fp8);
  EXPECT_EQ(lowered.asked<GemmKernel>(3).type, NumberType::bf16);
}

/// Query-key pairs of all forward attention kernels of a rank, over those of the whole sequence.
double share_of_pairs(const std::string& form) {
  Scenario scenario = scenario_of(llama);
  Lowered whole(scenario);
  whole.kernels("attention_core");
  scenario.strategy.cp = 4;
  scenario.strategy.cp_comm_type = form;
  Lowered shared(scenario);
  shared.kernels("attention_core");
  double mine = 0.0;
  for (const Kernel& kernel : shared.times.asked) {
    const auto* attention = std::get_if<AttentionKernel>(&kernel);
    if (attention == nullptr || attention->phase != AttentionKernel::Phase::forward) continue;
    mine += executed_flops(kernel).value();
  }
  return mine / executed_flops(whole.asked<AttentionKernel>(0)).value();
}

TEST(Kernels, OfAttentionShareACausalSequenceEvenlyOverContextRanks) {
  EXPECT_NEAR(4.0 * share_of_pairs("p2p"), 1.0, 0.001);
  EXPECT_NEAR(4.0 * share_of_pairs("all_gather"), 1.0, 0.01);
  EXPECT_NEAR(4.0 * share_of_pairs("a2a"), 1.0, 0.001);
}

TEST(Kernels, OfRingAttentionAreTheDiagonalAndThenAllQueriesWithHalfTheKeys) {
  Scenario scenario = scenario_of(llama);
  scenario.strategy.cp = 4;
  Lowered lowered(scenario);
  const OpKernels kernels = lowered.kernels("attention_core");

  // Asked in turn: attention and correction forward; backward and two sums.
  EXPECT_TRUE(lowered.asked<AttentionKernel>(0).causal);
  EXPECT_EQ(lowered.asked<AttentionKernel>(0).key_length, 256);
  EXPECT_FALSE(lowered.asked<AttentionKernel>(2).causal);
  EXPECT_EQ(lowered.asked<AttentionKernel>(5).query_length, 256);
  EXPECT_EQ(lowered.asked<AttentionKernel>(5).key_length, 128);
  EXPECT_EQ(kernels.forward.size(), 8U);
  EXPECT_EQ(kernels.backward_steps.back().merges, 12U);
}

TEST(Kernels, OfUnfusedAttentionDropOutItsScores) {
  Scenario scenario = scenario_of(llama + Keys{{"software", "megatron-2021"}});
  Lowered lowered(scenario);
  const OpKernels kernels = lowered.kernels("attention_core");

  ASSERT_EQ(kernels.forward.size(), 2U);
  EXPECT_EQ(kernels.forward[1].name, "attention_core.dropout");
  EXPECT_EQ(lowered.asked<MemoryKernel>(2).bytes, Bytes(5LL * 32 * 1024 * 1024));
}

TEST(Kernels, OfExpertsReadThoseThatAnyTokenDrew) {
  // 4 tokens of 8 copies each over 256 experts: all 32 apart when forced, on average
  // 256·(1 − (1 − 8/256)^4) = 30.5 when drawn.
  const Keys decode = {{"model", "deepseek-v3"},
                       {"cluster", "dgx-h200"},
                       {"workload.kind", "\"decode\""},
                       {"workload.context_length", "100"},
                       {"workload.global_batch", "4"},
                       {"workload.micro_batch", "4"},
                       {"strategy.dp", "1"},
                       {"strategy.tp", "1"}};
  Lowered forced(scenario_of(decode + Keys{{"workload.routing.kind", "\"forced\""}}));
  forced.kernels("expert_down");
  Lowered drawn(scenario_of(decode));
  drawn.kernels("expert_down");

  EXPECT_EQ(forced.asked<GroupedGemmKernel>(0).groups, 32);
  const auto& down = drawn.asked<GroupedGemmKernel>(0);
  EXPECT_GE(down.groups, 26);
  EXPECT_LE(down.groups, 32);
  EXPECT_EQ(std::ssize(down.rows), down.groups);
  EXPECT_DOUBLE_EQ(std::accumulate(down.rows.begin(), down.rows.end(), 0.0), 32.0);
}

/// Weight gradients sum over the rows of each expert: what differs is k.
TEST(Kernels, OfUnevenExpertsSayWhatEachHas) {
  const Keys mixtral = {{"model", "mixtral-8x7b"},           {"cluster", "dgx-h100"},
                        {"workload.sequence_length", "512"}, {"workload.global_batch", "1"},
                        {"workload.routing.kind", "zipf"},   {"strategy.dp", "1"}};
  Lowered lowered(scenario_of(mixtral));
  lowered.kernels("expert_up");

  const auto& forward = lowered.asked<GroupedGemmKernel>(0);
  const auto& weight = lowered.asked<GroupedGemmKernel>(2);
  EXPECT_EQ(forward.rows.size(), 8U);
  EXPECT_EQ(forward.rows_are, GroupedGemmKernel::RowsAre::m);
  EXPECT_EQ(weight.rows, forward.rows);
  EXPECT_EQ(weight.rows_are, GroupedGemmKernel::RowsAre::k);
}

TEST(Kernels, OfAbsorbedAttentionReadOneCache) {
  Lowered lowered(scenario_of({{"model", "deepseek-v3"},
                               {"cluster", "dgx-h200"},
                               {"workload.kind", "\"decode\""},
                               {"workload.context_length", "100"},
                               {"workload.global_batch", "1"},
                               {"strategy.dp", "1"}}));
  lowered.kernels("attention_core");

  EXPECT_EQ(lowered.asked<AttentionKernel>(0).cache, AttentionKernel::Cache::shared);
  EXPECT_EQ(lowered.asked<AttentionKernel>(0).key_length, 101);
}

std::vector<Kind> kernels_of(std::initializer_list<int> microseconds) {
  std::vector<Kind> kinds;
  for (const int us : microseconds) {
    kinds.push_back({.name = "kernel", .action = Compute{Duration{us * 1'000'000LL}, 0.5F, 1.0F}});
  }
  return kinds;
}

Duration after_launching(std::vector<Kind>& kinds, int microseconds) {
  std::vector<PassKernel> pass;
  for (Kind& kind : kinds) pass.push_back({.kind = &kind, .from_host = true});
  launch_from_host(pass, Duration{microseconds * 1'000'000LL});
  Duration sum{0};
  for (const Kind& kind : kinds) sum += std::get<Compute>(kind.action).duration;
  return sum;
}

TEST(LaunchFromHost, TakesAsLongAsTheLaunchesOfShortKernels) {
  std::vector<Kind> kinds = kernels_of({1, 2, 6});

  EXPECT_EQ(after_launching(kinds, 5), Duration{15'000'000});
  EXPECT_EQ(std::get<Compute>(kinds[2].action).duration, Duration{6'000'000});
  // Twice as long a kernel needs half the share of the SMs.
  EXPECT_LT(std::get<Compute>(kinds[0].action).sm, 0.5F);
}

TEST(LaunchFromHost, LeavesToTheirGraphWhatWasCaptured) {
  std::vector<Kind> kinds = kernels_of({1, 1, 1});
  launch_from_host({{&kinds[0], false}, {&kinds[1], true}, {&kinds[2], false}},
                   Duration{5'000'000LL});

  EXPECT_EQ(std::get<Compute>(kinds[0].action).duration, Duration{1'000'000});
  EXPECT_EQ(std::get<Compute>(kinds[1].action).duration, Duration{3'000'000});
}

TEST(LaunchFromHost, RunsAheadDuringALongKernel) {
  std::vector<Kind> kinds = kernels_of({1, 2, 100});

  EXPECT_EQ(after_launching(kinds, 5), Duration{103'000'000});
}

}  // namespace
}  // namespace orrery
