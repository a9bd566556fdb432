// What a layer keeps per token, against Korthikanti et al. 2022 (arXiv 2205.05198), table 2: bytes
// per layer of s·b tokens, h hidden, a heads, t ranks of tensor parallelism. That table has 16-bit
// activations, dropout with one-byte masks and no gating, as Megatron-LM trained GPT.
#include "unit/workload/examples.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

enum class Tokens {
  whole,
  divided
};  // outside tensor regions: without and with sequence parallelism

double divided(const Extent& extent, double t) {
  return extent.axis == Axis::none ? extent.size : extent.size / t;
}

/// Bytes per token of one rank of t.
double kept(const std::vector<Op>& ops, double t, Tokens tokens) {
  double sum = 0.0;
  for (const Op& op : ops) {
    double bytes = op.saved_bytes;
    for (const Extent& extent : op.saved) bytes += 2.0 * divided(extent, t);
    bytes += op.saved_bytes_per_score * divided(op.heads, t) * 2048.0;
    const bool shared = op.region == Region::sequence && tokens == Tokens::divided;
    sum += bytes * op.tokens_factor / (shared ? t : 1.0);
  }
  return sum;
}

std::vector<Op> gpt_layer(const Software& software) {
  static const Model model = gpt3();
  return layer_ops({model, software, 0, training(2048)});
}

Software with_dropout() {
  Software software = fused_software();
  software.dropout = true;
  return software;
}

constexpr double h = 12288.0;
constexpr double scores = 5.0 * 96.0 * 2048.0;  // 5·a·s

TEST(KeptActivations, Are34HiddenWidthsWithFlashAttention) {
  EXPECT_DOUBLE_EQ(kept(gpt_layer(with_dropout()), 1.0, Tokens::whole), 34.0 * h);
}

TEST(KeptActivations, Are18And4TimesTheInnerWidthForAnyInnerWidth) {
  // s·b·h·(18 + 4·f/h): Megatron-LM training/theoretical_memory_usage.py.
  Model model = gpt3();
  model.ffn = 30000;

  const auto ops = layer_ops({model, with_dropout(), 0, training(2048)});

  EXPECT_DOUBLE_EQ(kept(ops, 1.0, Tokens::whole), 18.0 * h + 4.0 * 30000.0);
}

TEST(KeptActivations, AreDividedWhollyBySequenceParallelism) {
  EXPECT_DOUBLE_EQ(kept(gpt_layer(with_dropout()), 8.0, Tokens::divided), 34.0 * h / 8.0);
}

TEST(KeptActivations, AreTenWholeAnd24DividedByTensorParallelismAlone) {
  EXPECT_DOUBLE_EQ(kept(gpt_layer(with_dropout()), 8.0, Tokens::whole), (10.0 + 24.0 / 8.0) * h);
}

TEST(KeptActivations, AddFiveBytesPerScoreWhenAttentionIsUnfused) {
  Software software = with_dropout();
  software.attention = AttentionForm::unfused;

  EXPECT_DOUBLE_EQ(kept(gpt_layer(software), 1.0, Tokens::whole), 34.0 * h + scores);
  EXPECT_DOUBLE_EQ(kept(gpt_layer(software), 8.0, Tokens::divided), (34.0 * h + scores) / 8.0);
}

TEST(KeptActivations, LoseTheirMasksWithoutDropout) {
  Software unfused = fused_software();
  unfused.attention = AttentionForm::unfused;

  EXPECT_DOUBLE_EQ(kept(gpt_layer(fused_software()), 1.0, Tokens::whole), 32.0 * h);
  EXPECT_DOUBLE_EQ(kept(gpt_layer(unfused), 1.0, Tokens::whole), 32.0 * h + scores * 2.0 / 5.0);
}

TEST(KeptActivations, OfAnMlpAre19HiddenWidths) {
  // Table 2: 2h of input (here the norm's output), 8h, 8h and a mask of h; the norm's input is 2h
  // more.
  double sum = 0.0;
  bool in_mlp = false;
  for (const Op& op : gpt_layer(with_dropout())) {
    in_mlp = in_mlp || op.name == "ffn_norm";
    if (in_mlp) sum += kept({op}, 1.0, Tokens::whole);
  }

  EXPECT_DOUBLE_EQ(sum, (19.0 + 2.0) * h);
}

TEST(KeptActivations, OfAGatedMlpAreThreeInnerWidths) {
  // Gate, up and their product: 6·f bytes; unfused the activated gate as well.
  const auto ops = layer_ops({llama(), fused_software(), 0, training(2048)});

  EXPECT_DOUBLE_EQ(kept({op_named(ops, "ffn_up"), op_named(ops, "activation")}, 1.0, Tokens::whole),
                   6.0 * 28672.0);
  const auto unfused = layer_ops({llama(), Software{}, 0, training(2048)});
  EXPECT_DOUBLE_EQ(kept({op_named(unfused, "activation")}, 1.0, Tokens::whole), 4.0 * 28672.0);
}

TEST(KeptActivations, OfExpertsCountPerCopyOfAToken) {
  // 2·h received, 4·f_e and 2·f_e around the activation, 8 of maps (Megatron-Core MoE README), 8
  // copies.
  const auto ops = layer_ops({deepseek(), fused_software(), 10, training(4096)});

  const double bytes = kept(
      {op_named(ops, "dispatch"), op_named(ops, "expert_up"), op_named(ops, "expert_activation"),
       op_named(ops, "expert_down"), op_named(ops, "combine")},
      1.0, Tokens::whole);

  EXPECT_DOUBLE_EQ(bytes, 8.0 * (2.0 * 7168.0 + 6.0 * 2048.0 + 8.0));
}

TEST(KeptActivations, OfTheHeadAreLogitsInFp32AndTheNormedStream) {
  // 4·s·b·h·(1 + v/h) with the last layer's output (2h), which that layer counts here (section
  // 4.3).
  const auto ops = head_ops({gpt3(), with_dropout(), 95, training(2048)});

  EXPECT_DOUBLE_EQ(kept(ops, 1.0, Tokens::whole) + 2.0 * h, 4.0 * h * (1.0 + 51200.0 / h));
  EXPECT_DOUBLE_EQ(kept({op_named(ops, "cross_entropy")}, 8.0, Tokens::divided),
                   4.0 * 51200.0 / 8.0);
}

TEST(KeptActivations, OfAFusedCrossEntropyAreTheLogitsThemselves) {
  Software software = fused_software();
  software.fused.emplace_back("cross_entropy");

  const auto ops = head_ops({gpt3(), software, 95, training(2048)});

  EXPECT_DOUBLE_EQ(kept({op_named(ops, "cross_entropy")}, 1.0, Tokens::whole), 2.0 * 51200.0);
}

TEST(KeptActivations, OfTheEmbeddingAreTokensRowsAndAMask) {
  // 8 and h bytes (Megatron-LM training/theoretical_memory_usage.py), beside the first layer's
  // input.
  const auto ops = embedding_ops({gpt3(), with_dropout(), 0, training(2048)});

  EXPECT_DOUBLE_EQ(kept(ops, 1.0, Tokens::whole), 8.0 + h + 2.0 * h);
}

TEST(KeptActivations, OfFp32TensorsCountOneElementInAnFp32Job) {
  Job job = training(2048);
  job.precision = NumberType::fp32;

  const auto ops = head_ops({gpt3(), with_dropout(), 95, job});

  EXPECT_DOUBLE_EQ(op_named(ops, "cross_entropy").saved.front().size, 51200.0);
}

}  // namespace
}  // namespace orrery
