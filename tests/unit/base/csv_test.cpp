#include "base/csv.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Read {
  CsvTable table;
  Diagnostics findings;

  std::vector<std::string> texts(std::size_t record) const {
    std::vector<std::string> texts;
    for (const CsvCell& cell : table.records.at(record)) texts.push_back(cell.text);
    return texts;
  }
};

Read read(const std::string& text) {
  Read out;
  out.table = parse_csv(text, "runs.csv", out.findings);
  return out;
}

std::string only_finding(const Read& read) {
  return read.findings.all().size() == 1 ? to_string(read.findings.all().front()) : "not one";
}

TEST(Csv, KeepsCommasQuotesAndLineEndsInsideQuotes) {
  // RFC 4180, section 2, rules 6 and 7.
  const Read out = read("a,b\n\"x, y\",\"say \"\"hi\"\"\nthere\"\n");

  EXPECT_THAT(out.texts(0), ElementsAre("x, y", "say \"hi\"\nthere"));
  EXPECT_FALSE(out.findings.has_errors());
}

TEST(Csv, TakesBothLineEndsAndAFileWithoutTheLastOne) {
  const Read out = read("a,b\r\n1,2\r\n\r\n3,");

  EXPECT_THAT(out.texts(0), ElementsAre("1", "2"));
  EXPECT_THAT(out.texts(1), ElementsAre("3", ""));
}

TEST(Csv, PassesOverAByteOrderMark) {
  EXPECT_EQ(read("\xEF\xBB\xBFid\n1\n").table.header.front().text, "id");
}

TEST(Csv, PlacesCellsByLineAndCharacter) {
  const Read out = read("a,b\n\"é\n\",x\n");

  EXPECT_EQ(out.table.records[0][0].position, (SourcePosition{"runs.csv", 2, 1}));
  EXPECT_EQ(out.table.records[0][1].position, (SourcePosition{"runs.csv", 3, 3}));
}

TEST(Csv, RefusesARowOfAnotherLength) {
  EXPECT_THAT(only_finding(read("a,b\n1,2\n3\n")),
              HasSubstr("runs.csv:3:1: error: 1 cells in this row; wanted 2"));
}

TEST(Csv, RefusesAQuoteThatIsNeverClosed) {
  const Read out = read("a\n\"open\n");

  EXPECT_THAT(only_finding(out), HasSubstr("runs.csv:2:1: error: this quote is never closed"));
}

TEST(Csv, RefusesTextBehindAClosingQuote) {
  EXPECT_THAT(only_finding(read("a,b\n\"x\"y,2\n")), HasSubstr("runs.csv:2:4: error: text behind"));
}

TEST(Csv, RefusesTwoColumnsOfOneName) {
  EXPECT_THAT(only_finding(read("a,a\n")), HasSubstr("a second column 'a'"));
}

TEST(Csv, RefusesAnEmptyFile) {
  EXPECT_THAT(only_finding(read("\n")), HasSubstr("the table is empty"));
}

}  // namespace
}  // namespace orrery
