#include "cli/table.hpp"

#include "cli/terminal.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(TextTable, LinesUpItsColumns) {
  TextTable table({TextTable::Side::left, TextTable::Side::right});
  table.add({"a", "1"});
  table.add({"long", "100", "end"});

  EXPECT_EQ(table.text(), "a       1\nlong  100  end\n");
}

TEST(TextTable, CountsCharactersAndNotBytes) {
  TextTable table;
  table.add({"µs", "x"});
  table.add({"abc", "y"});

  EXPECT_EQ(table.text(), "µs   x\nabc  y\n");
}

TEST(Terminal, LeavesTextPlainForAFile) { EXPECT_EQ(Paint(std::tmpfile()).error("x"), "x"); }

}  // namespace
}  // namespace orrery
