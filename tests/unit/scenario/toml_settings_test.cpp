#include "scenario/toml_settings.hpp"

#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TomlSettings, KeepsThePlaceOfKeysAndValues) {
  Diagnostics diagnostics;
  const TomlTree tree = parse_toml("# one\n[strategy]\n  tp = 4\n", "s.toml", diagnostics);

  const SettingsNode* tp = tree.root.find("strategy")->find("tp");

  ASSERT_NE(tp, nullptr);
  EXPECT_EQ(std::get<std::int64_t>(tp->value), 4);
  EXPECT_EQ(to_string(tp->position), "s.toml:3:8");
  const auto& table = std::get<SettingsTable>(tree.root.find("strategy")->value);
  EXPECT_EQ(to_string(table.front().key_position), "s.toml:3:3");
}

TEST(TomlSettings, KeepsTheOrderOfTheFile) {
  Diagnostics diagnostics;
  const TomlTree tree = parse_toml("z = 1\na = 2\nm = 3\n", "s.toml", diagnostics);

  EXPECT_THAT(Settings(tree.root, diagnostics).keys(), ElementsAre("z", "a", "m"));
}

TEST(TomlSettings, ReadsDottedKeysOfAVariant) {
  Diagnostics diagnostics;
  const TomlTree tree =
      parse_toml("[[variant]]\nname = \"EP4\"\nstrategy.ep = 4\n", "s.toml", diagnostics);

  const auto variants = Settings(tree.root, diagnostics).tables("variant");

  ASSERT_EQ(variants.size(), 1U);
  EXPECT_EQ(variants[0].table("strategy")->integer("ep"), 4);
}

TEST(TomlSettings, ReportsEveryUnreadableLineAndReadsTheRest) {
  Diagnostics diagnostics;
  const TomlTree tree =
      parse_toml("gpus = 80 GB\nseed = 3\nbig = 99999999999999999999\n", "s.toml", diagnostics);

  EXPECT_EQ(std::get<std::int64_t>(tree.root.find("seed")->value), 3);
  EXPECT_THAT(tree.unreadable_lines, ElementsAre(1U, 3U));
  EXPECT_THAT(lines_of(diagnostics),
              ElementsAre(AllOf(HasSubstr("1:11"), HasSubstr("stands in quotes")),
                          AllOf(HasSubstr("3:"), HasSubstr("not representable in 64 bits"))));
}

TEST(TomlSettings, SaysWhenAKeyIsWrittenTwice) {
  Diagnostics diagnostics;
  parse_toml("a = 1\na = 2\nb = 1\nb = 2\n", "s.toml", diagnostics);

  EXPECT_THAT(lines_of(diagnostics),
              ElementsAre(HasSubstr("cannot redefine existing integer 'a'"),
                          HasSubstr("cannot redefine existing integer 'b'")));
}

TEST(TomlSettings, StopsAtAMistakeLargerThanOneValue) {
  Diagnostics diagnostics;
  const TomlTree tree = parse_toml("a = [1,\nb = 2\nc = 3\n", "s.toml", diagnostics);

  EXPECT_FALSE(tree.complete);
  EXPECT_EQ(diagnostics.all().size(), 1U);
}

TEST(TomlSettings, RefusesDatesAndTimes) {
  Diagnostics diagnostics;
  parse_toml("a = 2024-01-01\nb = [07:32:00]\n", "s.toml", diagnostics);

  EXPECT_THAT(lines_of(diagnostics), ElementsAre(HasSubstr("1:5: this is a date or a time"),
                                                 HasSubstr("2:6: this is a date or a time")));
}

TEST(TomlSettings, NamesTheByteThatIsNotUtf8) {
  Diagnostics diagnostics;
  parse_toml("a = 1\nb = \"\xFF\xFE\"\n", "s.toml", diagnostics);

  EXPECT_THAT(lines_of(diagnostics), ElementsAre(HasSubstr("2:6: the byte 0xFF is not UTF-8")));
}

TEST(TomlSettings, SurvivesAKeyThatWouldOverflowTheStack) {
  std::string text = "a";
  for (int i = 0; i < 200'000; ++i) text += ".a";
  Diagnostics diagnostics;

  parse_toml(text + " = 1\n", "s.toml", diagnostics);

  EXPECT_THAT(lines_of(diagnostics), ElementsAre(HasSubstr("a key of more than 32 parts")));
}

TEST(TomlValue, IsWhatTomlSaysOrElseTheWords) {
  const SourcePosition here{"--set x", 0, 0};

  EXPECT_EQ(std::get<std::int64_t>(parse_toml_value("4", here).value), 4);
  EXPECT_EQ(std::get<bool>(parse_toml_value("true", here).value), true);
  EXPECT_EQ(std::get<std::string>(parse_toml_value("1f1b", here).value), "1f1b");
  EXPECT_EQ(std::get<std::string>(parse_toml_value("\"80 GB\"", here).value), "80 GB");
  EXPECT_EQ(std::get<std::string>(parse_toml_value("80 GB", here).value), "80 GB");
  EXPECT_EQ(std::get<SettingsArray>(parse_toml_value("[1, 2]", here).value).size(), 2U);
}

TEST(TomlValue, StandsWhereItWasSet) {
  const SettingsNode node = parse_toml_value("{ a = [1] }", {"--set x", 0, 0});

  const SettingsNode* item = &std::get<SettingsArray>(node.find("a")->value).front();
  EXPECT_EQ(to_string(item->position), "--set x");
}

}  // namespace
}  // namespace orrery
