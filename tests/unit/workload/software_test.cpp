#include "workload/software.hpp"

#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

Table profile() {
  Table table;
  table.with("name", "a stack").with("source", "nowhere").with("attention_kernel", "flash2");
  table.with("fused", {"norm", "rope"}).with("overlap", {"gradients"}).with("dropout", true);
  table.with("types.parameter", "compute").with("types.master", "fp32");
  table.with("types.gradient", "fp32").with("types.optimizer_state", "bf16");
  table.with("host.launch", "4.5 us").with("memory.context", "0.5 GiB");
  return table;
}

TEST(Software, SaysWhatItFusesAndOverlaps) {
  Table table = profile();

  const Software software = read_software(table.settings());

  EXPECT_EQ(table.findings(), "");
  EXPECT_TRUE(software.fuses("rope"));
  EXPECT_FALSE(software.fuses("permutation"));
  EXPECT_TRUE(software.overlaps_by_default("gradients"));
  EXPECT_TRUE(software.dropout);
  EXPECT_EQ(software.attention, AttentionForm::flash2);
  EXPECT_EQ(software.overhead, Bytes(536870912));
  EXPECT_EQ(software.types.optimizer_state, "bf16");
}

TEST(Software, StoresScoresWhenAttentionIsUnfused) {
  Table table = profile();
  table.with("attention_kernel", "unfused");

  EXPECT_EQ(read_software(table.settings()).attention, AttentionForm::unfused);
}

TEST(Software, MovesParametersAndGradientsInTheTypesItKeepsThem) {
  Table table = profile();
  table.with("types.gradient_fp16", "fp16");

  const SoftwareTypes types = read_software(table.settings()).types;

  EXPECT_EQ(types.gather, "compute");
  EXPECT_EQ(types.gradient_wire, "fp32");
  EXPECT_EQ(types.gradient_fp16, "fp16");
}

TEST(Software, MeasuresBucketsInParametersOfTheWiresType) {
  Table table = profile();
  table.with("buckets.gradient_parameters", 1000).with("buckets.unit", "layer");

  const Software software = read_software(table.settings());

  EXPECT_EQ(software.gradient_bucket, Bytes(4000));
  EXPECT_TRUE(software.bucket_by_layer);
}

TEST(Software, HasFusionsThatAreKnown) {
  Table table = profile();
  table.with("fused", {"ropes"});

  read_software(table.settings());

  EXPECT_THAT(table.findings(), HasSubstr("did you mean 'rope'?"));
}

TEST(Software, MustSayWhatItOverlapsAndKeeps) {
  Table table;
  table.with("name", "a stack");

  read_software(table.settings());

  EXPECT_THAT(table.findings(), HasSubstr("overlap is missing"));
  EXPECT_THAT(table.findings(), HasSubstr("attention_kernel is missing"));
}

}  // namespace
}  // namespace orrery
