#include "scenario/toml_scan.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

TEST(TomlScan, FindsTheFirstByteThatIsNotUtf8) {
  const auto fault = find_encoding_fault("name = \"ok\"\nname = \"caf\xE9\"\n");

  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->line, 2U);
  EXPECT_EQ(fault->column, 12U);
  EXPECT_NE(fault->message.find("0xE9 is not UTF-8"), std::string::npos);
}

TEST(TomlScan, AcceptsUtf8OfEveryLength) { EXPECT_FALSE(find_encoding_fault("a é € 𝄞\n")); }

/// RFC 3629, section 3: surrogates and sequences longer than needed are not UTF-8.
TEST(TomlScan, RejectsOverlongAndSurrogateSequences) {
  EXPECT_TRUE(find_encoding_fault("\xC0\x80"));
  EXPECT_TRUE(find_encoding_fault("\xED\xA0\x80"));
  EXPECT_TRUE(find_encoding_fault("\xF5\x80\x80\x80"));
  EXPECT_TRUE(find_encoding_fault("\xE2\x82"));
}

TEST(TomlScan, KnowsWhichLinesBeginInsideBrackets) {
  const TomlScan scan = scan_toml("a = [1,\n 2]\nb = 3\n");

  EXPECT_EQ(scan.line_begins_inside, (std::vector<bool>{false, true, false, false}));
}

TEST(TomlScan, IsNotMisledByBracketsInTextsAndComments) {
  const TomlScan scan = scan_toml("a = \"[\" # {\nb = '{'\nc = \"\\\"[\"\n");

  EXPECT_EQ(scan.line_begins_inside, (std::vector<bool>{false, false, false, false}));
}

TEST(TomlScan, SeesMultiLineTexts) {
  const TomlScan scan = scan_toml("a = \"\"\"\n[\n\"\"\"\nb = 1");

  EXPECT_EQ(scan.line_begins_inside, (std::vector<bool>{false, true, true, false}));
}

TEST(TomlScan, RefusesKeysOfThousandsOfParts) {
  std::string text = "x = 1\na";
  for (int i = 0; i < 5000; ++i) text += ".a";

  const TomlScan scan = scan_toml(text + " = 1\n");

  ASSERT_TRUE(scan.too_much);
  EXPECT_EQ(scan.too_much->line, 2U);
}

TEST(TomlScan, AllowsManyDotsInATextAndManyNumbersInAnArray) {
  std::string numbers = "[1.5";
  for (int i = 0; i < 100; ++i) numbers += ", 1.5";

  EXPECT_FALSE(scan_toml("a = \"" + std::string(100, '.') + "\"\nb = " + numbers + "]\n").too_much);
}

}  // namespace
}  // namespace orrery
