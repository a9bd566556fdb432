#include "cli/options.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const Verb sample = {
    .name = "sample",
    .synopsis = "FILE [OTHER]",
    .summary = "",
    .details = "",
    .least_words = 1,
    .most_words = 2,
    .options = {{"output", 'o', "FILE", ""}, {"json", 0, "", ""}, {"set", 0, "KEY=VALUE", ""}},
    .run = nullptr};

std::string complaint(const std::vector<std::string>& typed) {
  try {
    parse_arguments(sample, typed);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "";
}

TEST(Options, SortsWordsAndOptions) {
  const Arguments arguments = parse_arguments(sample, {"a.toml", "-o", "x.h5", "--json", "b.toml"});

  EXPECT_THAT(arguments.words, ElementsAre("a.toml", "b.toml"));
  EXPECT_EQ(arguments.value("output"), "x.h5");
  EXPECT_TRUE(arguments.has("json"));
}

TEST(Options, TakesAnOptionAsOftenAsWanted) {
  const Arguments arguments =
      parse_arguments(sample, {"a.toml", "--set", "a=1", "--set=b=2", "--set", "c = d"});

  EXPECT_THAT(arguments.values("set"), ElementsAre("a=1", "b=2", "c = d"));
}

TEST(Options, SuggestsTheOptionThatWasMeant) {
  EXPECT_THAT(complaint({"a.toml", "--jsn"}), HasSubstr("no option --jsn; did you mean '--json'?"));
}

TEST(Options, DoesNotGuessFromABeginning) {
  EXPECT_THAT(complaint({"a.toml", "--out", "x"}), HasSubstr("no option --out"));
}

TEST(Options, SaysWhatIsMissingOrTooMuch) {
  EXPECT_THAT(complaint({}), HasSubstr("sample needs one word more"));
  EXPECT_THAT(complaint({"a", "b", "c"}), HasSubstr("does not know what to do with 'c'"));
  EXPECT_THAT(complaint({"a", "--output"}), HasSubstr("usage: orrery sample FILE [OTHER]"));
}

TEST(Options, ReadsWholeNumbers) {
  EXPECT_EQ(parse_integer("--jobs", "4", 1), 4);
  for (const char* wrong : {"0", "-1", "4x", "", "1e3", "99999999999999999999"}) {
    EXPECT_THROW(parse_integer("--jobs", wrong, 1), UsageError) << wrong;
  }
}

}  // namespace
}  // namespace orrery
