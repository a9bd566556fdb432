#include "report/table.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(DisplayWidth, CountsCharactersAndNoColours) {
  EXPECT_EQ(display_width("µs · →"), 6U);
  EXPECT_EQ(display_width(toned("FITS", Tone::good, Colour::on)), 4U);
}

TEST(AlignedTable, MakesColumnsAsWideAsTheirWidestCell) {
  AlignedTable table({{"name"}, {"time", Align::right}});
  table.add({"attention", "1 ms"});
  table.add({"ffn", "12 ms"});

  EXPECT_EQ(table.text(2),
            "  name        time\n"
            "  attention   1 ms\n"
            "  ffn        12 ms\n");
}

TEST(AlignedTable, AlignsWhatHasColoursOrManyBytes) {
  AlignedTable table({{}, {}});
  table.add({toned("ok", Tone::good, Colour::on), "a"});
  table.add({"µs", "b"});

  EXPECT_EQ(table.text(), "\033[32mok\033[0m  a\nµs  b\n");
}

TEST(AlignedTable, PutsRemarksBetweenRows) {
  AlignedTable table({{}, {}});
  table.add({"1", "a"});
  table.add_remark("… 7 more");
  table.add({"9", "b"});

  EXPECT_EQ(table.text(), "1  a\n… 7 more\n9  b\n");
}

TEST(AlignedTable, LeavesOutColumnsThatAreBlank) {
  AlignedTable table({{}, {}, {}});
  table.add({"a", "", "b"});

  EXPECT_EQ(table.text(), "a  b\n");
}

TEST(AlignedTable, FillsRowsThatAreTooShort) {
  AlignedTable table({{}, {}});
  table.add({"a"});

  EXPECT_EQ(table.text(), "a\n");
}

TEST(Bar, DrawsEighthsOfAColumn) {
  EXPECT_EQ(bar(1.0, 4), "████");
  EXPECT_EQ(bar(0.5, 4), "██");
  EXPECT_EQ(bar(0.53125, 4), "██▏");
  EXPECT_EQ(bar(0.0, 4), "");
}

TEST(Bar, ShowsTheSmallestPartAndStopsAtTheEnd) {
  EXPECT_EQ(bar(1e-9, 4), "▏");
  EXPECT_EQ(bar(7.0, 4), "████");
}

TEST(Elide, CutsTheMiddle) {
  EXPECT_EQ(elide("abcdefghij", 10), "abcdefghij");
  EXPECT_EQ(elide("abcdefghij", 5), "ab…ij");
  EXPECT_EQ(elide("µµµµµµ", 4), "µ…µµ");
}

TEST(Wrap, BreaksBetweenWordsUnderTheLead) {
  EXPECT_EQ(wrap("one two three", 10, "→ "), "→ one two\n  three\n");
}

TEST(Wrap, LeavesAWordWholeThatIsTooLong) {
  EXPECT_EQ(wrap("a extraordinary b", 6), "a\nextraordinary\nb\n");
}

TEST(GroupDigits, SeparatesThousands) {
  EXPECT_EQ(group_digits(0), "0");
  EXPECT_EQ(group_digits(999), "999");
  EXPECT_EQ(group_digits(1234567), "1,234,567");
  EXPECT_EQ(group_digits(-1000), "-1,000");
}

}  // namespace
}  // namespace orrery
