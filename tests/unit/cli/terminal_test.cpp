#include "cli/terminal.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(Terminal, LeavesTextPlainForAFile) { EXPECT_EQ(Paint(std::tmpfile()).error("x"), "x"); }

TEST(Terminal, CountsCharactersAndNotBytes) {
  EXPECT_EQ(columns_of("µs"), 2U);
  EXPECT_EQ(padded("µs", 4), "µs  ");
}

}  // namespace
}  // namespace orrery
