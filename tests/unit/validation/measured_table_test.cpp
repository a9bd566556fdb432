#include "validation/measured_table.hpp"

#include "unit/validation/table_file.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using testing::complaint;
using ::testing::HasSubstr;
using testing::TableFile;

TEST(MeasuredTable, SetsKeysComparesMeasurementsAndCarriesTheRest) {
  const TableFile file("id,group,strategy.tp,measured.mfu\nA,paper,8,0.4\n");
  const MeasuredTable table = file.read();

  const MeasuredRow& row = table.rows.at(0);
  EXPECT_EQ(row.id, "A");
  ASSERT_EQ(row.settings.size(), 1U);
  EXPECT_EQ(row.settings[0].key + "=" + row.settings[0].text, "strategy.tp=8");
  ASSERT_EQ(row.measured.size(), 1U);
  EXPECT_EQ(row.measured[0].metric, "mfu");
  EXPECT_DOUBLE_EQ(row.measured[0].value, 0.4);
  EXPECT_EQ(row.cell("group"), "paper");
}

TEST(MeasuredTable, LeavesDefaultsWhereCellsAreEmpty) {
  const TableFile file("strategy.tp,strategy.pp,measured.mfu\n,2,0.4\n");
  const MeasuredTable table = file.read();

  ASSERT_EQ(table.rows[0].settings.size(), 1U);
  EXPECT_EQ(table.rows[0].settings[0].key, "strategy.pp");
  EXPECT_EQ(table.rows[0].id, "line 2");
}

TEST(MeasuredTable, KnowsWhatItMeasuresByItsColumns) {
  EXPECT_EQ(TableFile("gpus,measured.mfu\n8,0.4\n").read().kind, MeasuredKind::run);
  EXPECT_EQ(TableFile("kernel.op,measured.time_s\ngemm,1\n").read().kind, MeasuredKind::kernel);
  EXPECT_EQ(TableFile("collective.op,measured.time_s\nsend_recv,1\n").read().kind,
            MeasuredKind::collective);
}

TEST(MeasuredTable, SaysWhereAMeasurementIsNoNumber) {
  const TableFile file("id,measured.mfu\nA,40 %\n");

  EXPECT_THAT(complaint(file), HasSubstr(":2:3: error: measured.mfu is '40 %'"));
}

TEST(MeasuredTable, RefusesATableThatMeasuresNothing) {
  EXPECT_THAT(complaint(TableFile("id,gpus\nA,8\n")),
              HasSubstr("no column says what was measured"));
}

TEST(MeasuredTable, RefusesATableOfColumnsAlone) {
  EXPECT_THAT(complaint(TableFile("id,gpus,measured.mfu\n\n")),
              HasSubstr(":1:1: error: the table has columns and no rows; wanted one line for"));
}

TEST(MeasuredTable, RefusesAMeasurementOfZero) {
  EXPECT_THAT(complaint(TableFile("measured.mfu\n0\n")), HasSubstr("wanted a number above 0"));
}

TEST(MeasuredTable, RefusesTwoRowsOfOneId) {
  EXPECT_THAT(complaint(TableFile("id,measured.mfu\nA,0.4\nB,0.4\nA,0.5\n")),
              HasSubstr(":4:1: error: the id 'A' is that of line 2 already"));
}

TEST(MeasuredTable, RefusesBytesThatAreNotUtf8) {
  EXPECT_THAT(complaint(TableFile("id,measured.mfu\n\xE9,0.4\n")),
              HasSubstr(":2:1: error: the byte 0xE9"));
}

TEST(MeasuredTable, RefusesAConventionThatIsNone) {
  EXPECT_THAT(complaint(TableFile("mfu_convention,measured.mfu\ncasual,0.4\n")),
              HasSubstr("mfu_convention is 'casual'; wanted full or causal"));
}

}  // namespace
}  // namespace orrery
