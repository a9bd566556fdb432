#include "workload/low_precision.hpp"

#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

struct Read {
  LowPrecision low;
  NumberType precision = NumberType::fp8;
  std::string findings;
};

Read read(Table table, NumberType precision = NumberType::fp8) {
  Read out{.low = {}, .precision = precision, .findings = {}};
  out.low = read_low_precision(table.settings(), "delayed", out.precision);
  out.findings = table.findings();
  return out;
}

TEST(LowPrecision, OfFp8IsTheStacksRecipeUnlessTheScenarioNamesOne) {
  EXPECT_EQ(read(Table()).low.recipe, Fp8Recipe::delayed);
  EXPECT_EQ(read(Table().with("fp8_recipe", "tensorwise")).low.recipe, Fp8Recipe::tensorwise);
  EXPECT_EQ(read(Table(), NumberType::bf16).low.recipe, Fp8Recipe::none);
}

TEST(LowPrecision, OfARecipeWithATypeOfItsOwnIsThatType) {
  EXPECT_EQ(read(Table().with("fp8_recipe", "blockwise")).precision, NumberType::fp8_block);
  EXPECT_EQ(read(Table().with("fp8_recipe", "mxfp8")).precision, NumberType::mxfp8);
  EXPECT_EQ(read(Table(), NumberType::nvfp4).low.recipe, Fp8Recipe::nvfp4);
  // A scenario as normalised says both.
  EXPECT_EQ(read(Table().with("fp8_recipe", "blockwise"), NumberType::fp8_block).findings, "");
}

TEST(LowPrecision, RefusesARecipeOfAnotherType) {
  EXPECT_THAT(read(Table().with("fp8_recipe", "delayed"), NumberType::bf16).findings,
              HasSubstr("does not go with precision = \"bf16\"; wanted precision = \"fp8\""));
  EXPECT_THAT(read(Table().with("fp8_recipe", "blockwice")).findings, HasSubstr("blockwise"));
  EXPECT_THAT(read(Table().with("fp8_param_gather", true), NumberType::nvfp4).findings,
              HasSubstr("keeps parameters in 8 bits"));
}

TEST(LowPrecision, LeavesOneLayerAtEitherEndInBf16UnlessToldHowMany) {
  const Read one = read(Table().with("first_last_layers_bf16", true));
  EXPECT_EQ(one.low.bf16_layers_at_start + one.low.bf16_layers_at_end, 2);
  const Read four = read(Table()
                             .with("first_last_layers_bf16", true)
                             .with("num_layers_at_start_in_bf16", 0)
                             .with("num_layers_at_end_in_bf16", 4));
  EXPECT_EQ(four.low.bf16_layers_at_start, 0);
  EXPECT_EQ(four.low.bf16_layers_at_end, 4);
  EXPECT_THAT(read(Table().with("num_layers_at_end_in_bf16", 4)).findings,
              HasSubstr("wanted that key too"));
}

TEST(LowPrecision, KeepsACopyForEitherWayRound) {
  LowPrecision low{.recipe = Fp8Recipe::delayed};
  EXPECT_DOUBLE_EQ(cached_bytes(low, NumberType::fp8), 1.0);
  low.transposes = true;
  EXPECT_DOUBLE_EQ(cached_bytes(low, NumberType::fp8), 2.0);
  EXPECT_DOUBLE_EQ(cached_bytes({.recipe = Fp8Recipe::mxfp8}, NumberType::mxfp8), 2.0625);
  EXPECT_DOUBLE_EQ(cached_bytes({.recipe = Fp8Recipe::nvfp4}, NumberType::nvfp4), 1.125);
}

}  // namespace
}  // namespace orrery
