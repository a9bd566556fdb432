#include "validation/validation.hpp"

#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;
using testing::TableFile;

/// Predicts a step time of 1.1 s for every row, but for those on no GPU.
Prediction always(const MeasuredRow& row) {
  if (row.cell("gpus") == "0") return {.metrics = {}, .components = {}, .objection = "no GPU"};
  return {.metrics = {{"step_time_s", 1.1}}, .components = {}, .objection = ""};
}

Validation validate(const std::string& text, const std::string& by = "group") {
  const TableFile file(text);
  return validate_table(file.read(), by, always);
}

TEST(Validation, ComparesPredictedWithMeasured) {
  const Validation out = validate("id,gpus,measured.step_time_s\nA,8,1.0\n");

  ASSERT_EQ(out.comparisons.size(), 1U);
  EXPECT_NEAR(out.comparisons[0].error(), 0.1, 1e-12);
  EXPECT_TRUE(out.skipped.empty());
}

TEST(Validation, ListsWhatCannotBePredictedWithTheReason) {
  const Validation out = validate("id,gpus,measured.step_time_s\nA,0,1.0\nB,8,1.0\n");

  ASSERT_EQ(out.skipped.size(), 1U);
  EXPECT_EQ(out.skipped[0].id, "A");
  EXPECT_EQ(out.skipped[0].reason, "no GPU");
  EXPECT_EQ(out.groups.at(0).errors.rows, 1U);
}

TEST(Validation, ListsAMetricThatNobodyPredicts) {
  const Validation out = validate("id,gpus,measured.weight_kg\nA,8,1.0\n");

  ASSERT_EQ(out.skipped.size(), 1U);
  EXPECT_EQ(out.skipped[0].reason, "weight_kg is not predicted");
}

TEST(Validation, GroupsByAnyColumn) {
  const Validation out =
      validate("group,gpus,measured.step_time_s\nX,8,1.0\nY,8,1.0\nY,16,1.1\n", "gpus");

  ASSERT_EQ(out.groups.size(), 2U);
  EXPECT_EQ(out.groups[0].group, "8");
  EXPECT_EQ(out.groups[0].errors.rows, 2U);
  EXPECT_NEAR(out.groups[1].errors.mean_absolute, 0.0, 1e-12);
}

TEST(Validation, WeighsSourcesTheSameWhateverIsGroupedBy) {
  const Validation out =
      validate("group,gpus,measured.step_time_s\nX,8,1.1\nX,8,1.1\nX,8,1.1\nY,8,1.0\n", "gpus");

  ASSERT_EQ(out.overall.size(), 1U);
  EXPECT_EQ(out.overall[0].sources, 2U);
  EXPECT_NEAR(out.overall[0].errors.mean_absolute, 0.05, 1e-12);
}

TEST(Validation, SumsUpRowsWithNothingAssumedOnTheirOwn) {
  const Validation out =
      validate("group,assumed,gpus,measured.step_time_s\nX,,8,1.1\nY,overlap,8,1.0\n");

  ASSERT_EQ(out.overall.size(), 2U);
  EXPECT_EQ(out.overall[1].which, OverallErrors::Rows::known);
  EXPECT_EQ(out.overall[1].sources, 1U);
  EXPECT_NEAR(out.overall[1].errors.mean_absolute, 0.0, 1e-12);
}

TEST(Validation, SuggestsTheColumnThatWasMeant) {
  try {
    validate("id,gpus,measured.step_time_s\nA,8,1.0\n", "gpu");
    FAIL() << "the table has no column gpu";
  } catch (const InvalidScenario& invalid) {
    EXPECT_THAT(invalid.what(), HasSubstr("did you mean 'gpus'"));
  }
}

}  // namespace
}  // namespace orrery
