#include "parallel/shard.hpp"

#include "unit/workload/examples.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace orrery {
namespace {

struct Given {
  Model model = deepseek();
  Software software = fused_software();
  Job job = training(4096);
  Strategy strategy{};

  PlanInput input() const { return {model, software, job, strategy}; }
  LayerPlan layer(std::int64_t number) const {
    return plan_layer("layer", layer_ops({model, software, number, job}), Recomputable::yes,
                      input());
  }
};

const ShardedOp& op_of(const LayerPlan& layer, std::string_view name) {
  return *std::ranges::find_if(layer.ops, [&](const ShardedOp& op) { return op.op.name == name; });
}

TEST(Shard, SumsGradientsOverTensorRanksOnlyWithSequenceParallelism) {
  Given given;
  given.strategy.tp = 4;
  EXPECT_EQ(given.layer(0).summed_parameters, 0.0);

  given.strategy.sp = true;
  // Two norms, and the products onto latents with theirs.
  const double latents = 7168.0 * (1536.0 + 512.0 + 64.0) + 1536.0 + 512.0;
  EXPECT_DOUBLE_EQ(given.layer(0).summed_parameters, 2.0 * 7168.0 + latents);
}

TEST(Shard, RecomputesNoHead) {
  Given given;
  given.strategy.recompute = Recompute::full;
  const LayerPlan ahead = given.layer(61);

  EXPECT_TRUE(op_of(ahead, "mtp_projection").recomputed);
  EXPECT_FALSE(op_of(ahead, "output_projection").recomputed);
}

TEST(Shard, AddsWhatTheAllocatorLoses) {
  Given given;
  const Bytes exact = given.layer(0).saved;
  given.software.allocator_overhead = 0.05;

  EXPECT_NEAR(given.layer(0).saved / exact, 1.05, 1e-6);
}

TEST(Plan, CopiesTheEmbeddingForLayersThatPredictAhead) {
  Given given;
  given.strategy.pp = 2;
  const Plan plan = make_plan(given.input());

  EXPECT_DOUBLE_EQ(plan.embedding_copy, 129280.0 * 7168.0);
}

}  // namespace
}  // namespace orrery
