#include "workload/job.hpp"

#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

Table training_table() {
  Table table;
  table.with("sequence_length", 4096).with("global_batch", 1024);
  return table;
}

TEST(Job, TrainsInBf16WithAdamAndMasterWeightsByDefault) {
  Table table = training_table();

  const Job job = read_job(table.settings());

  EXPECT_EQ(table.findings(), "");
  EXPECT_EQ(job.kind, JobKind::training);
  EXPECT_EQ(job.global_batch, 1024);
  EXPECT_EQ(job.parameter_type, NumberType::bf16);
  EXPECT_EQ(job.gradient_type, NumberType::fp32);
  EXPECT_TRUE(job.master_weights);
  EXPECT_EQ(job.optimizer, Optimizer::adam);
}

TEST(Job, KeepsParametersInBf16WhenItComputesInFp8) {
  Table table = training_table();
  table.with("precision", "fp8");

  const Job job = read_job(table.settings());

  EXPECT_EQ(job.precision, NumberType::fp8);
  EXPECT_EQ(job.parameter_type, NumberType::bf16);
}

TEST(Job, NeedsNoMasterWeightsBesideFp32Parameters) {
  Table table = training_table();
  table.with("parameter_type", "fp32");

  EXPECT_FALSE(read_job(table.settings()).master_weights);
}

TEST(Job, TakesFromTheStackWhatTheScenarioLeavesOut) {
  Table table = training_table();
  table.with("precision", "fp16").with("optimizer_state_type", "fp32");

  const Job job = read_job(table.settings(), {.gradient_fp16 = "fp16", .optimizer_state = "bf16"});

  EXPECT_EQ(job.gradient_type, NumberType::fp16);
  EXPECT_EQ(job.optimizer_state_type, NumberType::fp32);
}

TEST(Job, ThatDecodesNeedsNeitherLengthNorBatch) {
  Table table;
  table.with("kind", "decode").with("context_length", 8192).with("micro_batch", 32);

  const Job job = read_job(table.settings());

  EXPECT_EQ(table.findings(), "");
  EXPECT_EQ(job.tokens_per_sequence(), 1);
  EXPECT_EQ(job.global_batch, 32);
  EXPECT_EQ(job.optimizer, Optimizer::none);
}

TEST(Job, ThatTrainsSaysItsLengthAndBatch) {
  Table table;

  read_job(table.settings());

  EXPECT_THAT(table.findings(), HasSubstr("sequence_length"));
  EXPECT_THAT(table.findings(), HasSubstr("global_batch"));
}

TEST(Job, HasAGlobalBatchOfWholeMicroBatches) {
  Table table = training_table();
  table.with("micro_batch", 3);

  read_job(table.settings());

  EXPECT_THAT(table.findings(),
              HasSubstr("global_batch = 1024 is not a multiple of micro_batch = 3"));
}

TEST(Job, RoutesEvenlyWhenForced) {
  Table table = training_table();
  table.with("routing.kind", "forced");

  EXPECT_EQ(read_job(table.settings()).routing.kind, RoutingKind::forced);
}

TEST(Job, HasActivationsOfTwoBytesUnlessItComputesInFp32) {
  EXPECT_EQ(activation_element_bytes({.precision = NumberType::nvfp4}), 2.0);
  EXPECT_EQ(activation_element_bytes({.precision = NumberType::fp16}), 2.0);
  EXPECT_EQ(activation_element_bytes({.precision = NumberType::tf32}), 4.0);
}

}  // namespace
}  // namespace orrery
