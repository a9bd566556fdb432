#include "workload/flops.hpp"

#include "unit/workload/examples.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

/// Of all ops, each for the tokens it sees: what the plan adds up.
double sum_over_ops(const Model& model, const Job& job) {
  const Software software = fused_software();
  std::vector<Op> all = embedding_ops({model, software, 0, job});
  const auto append = [&](const std::vector<Op>& ops) {
    all.insert(all.end(), ops.begin(), ops.end());
  };
  for (std::int64_t layer = 0; layer < model.layers + model.mtp_layers; ++layer) {
    append(layer_ops({model, software, layer, job}));
  }
  append(head_ops({model, software, model.layers - 1, job}));
  double sum = 0.0;
  for (const Op& op : all) sum += forward_flops_per_token(op, job) * op.tokens_factor;
  const auto tokens = static_cast<double>(job.global_batch * job.tokens_per_sequence());
  return (job.trains() ? 3.0 : 1.0) * tokens * sum;
}

TEST(ModelFlops, AreThoseOfNarayanan2021) {
  // 96·B·s·l·h²·(1 + s/6h + V/16lh) with activation recomputation (arXiv 2104.04473, appendix);
  // without it 72·B·s·l·h²·(1 + s/6h + V/12lh).
  const double B = 16.0, s = 2048.0, l = 96.0, h = 12288.0, V = 51200.0;

  const double got = model_flops(gpt3(), training(2048), MfuConvention::full);

  EXPECT_DOUBLE_EQ(got, 72.0 * B * s * l * h * h * (1.0 + s / (6.0 * h) + V / (12.0 * l * h)));
  const double again = 24.0 * B * s * l * h * h * (1.0 + s / (6.0 * h));  // the layers, once more
  EXPECT_DOUBLE_EQ(got + again,
                   96.0 * B * s * l * h * h * (1.0 + s / (6.0 * h) + V / (16.0 * l * h)));
}

TEST(ModelFlops, AreSixPerParameterAndTokenBesideAttention) {
  // 6·N·D + 12·l·h·s·D; N counts matrices: 12·l·h² of layers and V·h of the head (Kaplan et al.
  // 2020).
  const double tokens = 16.0 * 2048.0, h = 12288.0;
  const double matrices = 12.0 * 96.0 * h * h + 51200.0 * h;

  EXPECT_DOUBLE_EQ(model_flops(gpt3(), training(2048), MfuConvention::full),
                   6.0 * matrices * tokens + 12.0 * 96.0 * h * 2048.0 * tokens);
}

TEST(ModelFlops, AreTheSumOverOps) {
  for (const Model& model : {gpt3(), llama(), deepseek()}) {
    for (const JobKind kind : {JobKind::training, JobKind::forward, JobKind::decode}) {
      Job job = training(4096);
      job.kind = kind;
      job.context_length = 1000;

      const double expected = model_flops(model, job, MfuConvention::full);

      EXPECT_NEAR(sum_over_ops(model, job) / expected, 1.0, 1e-12) << model.hidden;
    }
  }
}

TEST(ModelFlops, CountHalfTheScoresUnderACausalMask) {
  const double full = model_flops(gpt3(), training(2048), MfuConvention::full);
  const double causal = model_flops(gpt3(), training(2048), MfuConvention::causal);

  EXPECT_DOUBLE_EQ(full - causal, 6.0 * 96.0 * 12288.0 * 2048.0 * 16.0 * 2048.0);
}

TEST(ModelFlops, OfAForwardPassAreAThirdOfTraining) {
  Job forward = training(2048);
  forward.kind = JobKind::forward;

  EXPECT_DOUBLE_EQ(3.0 * model_flops(llama(), forward, MfuConvention::full),
                   model_flops(llama(), training(2048), MfuConvention::full));
}

TEST(ModelFlops, CountTheExpertsThatATokenMeets) {
  Model more = deepseek();
  more.experts->top_k = 9;

  const double one_expert = model_flops(more, training(4096), MfuConvention::full) -
                            model_flops(deepseek(), training(4096), MfuConvention::full);

  // 6 per weight, 3·h·f_e weights, 58 expert layers and the one that predicts ahead.
  EXPECT_DOUBLE_EQ(one_expert, 6.0 * 3.0 * 7168.0 * 2048.0 * 59.0 * 16.0 * 4096.0);
}

TEST(KeysPerQuery, AreLimitedByTheWindow) {
  const Job job = training(1000);

  EXPECT_DOUBLE_EQ(keys_per_query(job, 100, MfuConvention::full), 100.0);
  EXPECT_DOUBLE_EQ(keys_per_query(job, 100, MfuConvention::causal), 95.0);
  EXPECT_DOUBLE_EQ(keys_per_query(job, 5000, MfuConvention::causal), 500.0);
}

TEST(KeysPerQuery, AreTheCacheAndTheTokenItselfWhenDecoding) {
  Job job = training(1);
  job.kind = JobKind::decode;
  job.context_length = 4095;

  EXPECT_DOUBLE_EQ(keys_per_query(job, 0, MfuConvention::causal), 4096.0);
}

}  // namespace
}  // namespace orrery
