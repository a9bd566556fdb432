#include "parallel/layout.hpp"

#include "parallel/plan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

TEST(Layout, NamesWhatEveryStageHolds) {
  const Layout layout = parse_layout("Ettt|tttt|tmL");

  ASSERT_FALSE(layout.error) << layout.error->message;
  EXPECT_EQ(layout.stages, (std::vector<StageShare>{{.embedding = true, .layers = 3},
                                                    {.layers = 4},
                                                    {.layers = 1, .mtp_layers = 1, .loss = true}}));
}

TEST(Layout, OfDeepSeekV3IsSixteenStagesOfSixtyOneLayers) {
  // Megatron-Core's documentation of pipeline_model_parallel_layout: 61 layers and one ahead.
  const Layout layout = parse_layout("Et*4|(t*4|)*14tmL");
  std::int64_t layers = 0;
  for (const StageShare& stage : layout.stages) layers += stage.layers;

  EXPECT_EQ(layout.stages.size(), 16U);
  EXPECT_EQ(layers, 61);
}

TEST(Layout, RepeatsBracketsInsideBrackets) {
  EXPECT_EQ(parse_layout("E|((t|)*2|)*2L").stages, parse_layout("E|t|t||t|t||L").stages);
}

TEST(Layout, LeavesStagesWithoutLayers) {
  const Layout layout = parse_layout("E||tt|L");

  EXPECT_EQ(layout.stages[0].layers, 0);
  EXPECT_EQ(layout.stages[1], StageShare{});
  EXPECT_TRUE(layout.stages[3].loss);
}

struct Wrong {
  std::string_view text;
  std::size_t offset;
  std::string_view message;
};

class WrongLayout : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongLayout, IsRefusedAtTheCharacterThatIsWrong) {
  const Layout layout = parse_layout(GetParam().text);

  ASSERT_TRUE(layout.error);
  EXPECT_EQ(layout.error->offset, GetParam().offset);
  EXPECT_THAT(layout.error->message, HasSubstr(std::string(GetParam().message)));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, WrongLayout,
    ::testing::Values(
        Wrong{"Et|x|L", 3, "'x' is no part of a layout"}, Wrong{"Et*|L", 2, "wants a whole number"},
        Wrong{"Et*0|L", 2, "wants a whole number"}, Wrong{"E(tt|L", 1, "is not closed"},
        Wrong{"Ett)|L", 3, "closes no '('"}, Wrong{"tEt|L", 1, "E is the first letter"},
        Wrong{"Et*2", 4, "L, is missing"}, Wrong{"tt|tL", 5, "E, is missing"},
        Wrong{"EtLt", 3, "no t can follow"}, Wrong{"EtL|t", 3, "no stage can follow"},
        Wrong{"Em|tL", 3, "no t can follow"}, Wrong{"EtLL", 3, "L stands a second time"},
        Wrong{"E((t*4000|)*4000|)*4000L", 3, "too long"}, Wrong{"", 0, "L, is missing"}));

std::vector<std::int64_t> layers_of(std::int64_t layers, std::int64_t pp) {
  Model model;
  model.layers = layers;
  Strategy strategy;
  strategy.pp = pp;
  return layers_per_virtual_stage(model, strategy);
}

// Megatron Bridge, recipes/deepseek: 61 layers on 4 and 8 stages.
TEST(StageShares, LackInTheLastStageWhatDoesNotDivide) {
  EXPECT_EQ(layers_of(61, 4), (std::vector<std::int64_t>{16, 16, 16, 13}));
  EXPECT_EQ(layers_of(61, 8), (std::vector<std::int64_t>{8, 8, 8, 8, 8, 8, 8, 5}));
}

TEST(StageShares, LackOneEachInTheLastStagesWhenMoreIsMissingThanOneHas) {
  EXPECT_EQ(layers_of(5, 4), (std::vector<std::int64_t>{2, 1, 1, 1}));
  EXPECT_EQ(layers_of(2, 4), (std::vector<std::int64_t>{1, 1, 0, 0}));
}

}  // namespace
}  // namespace orrery
