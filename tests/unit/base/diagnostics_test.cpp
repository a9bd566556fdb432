#include "base/diagnostics.hpp"

#include <gtest/gtest.h>

#include <array>

namespace orrery {
namespace {

TEST(Diagnostics, AreThrownOnceInOrderOfTheirPositions) {
  Diagnostics diagnostics;
  diagnostics.error({"a.toml", 9, 1}, "second");
  diagnostics.error({"a.toml", 2, 5}, "first");

  try {
    diagnostics.throw_if_errors();
    FAIL() << "nothing was thrown";
  } catch (const InvalidScenario& invalid) {
    EXPECT_STREQ(invalid.what(), "a.toml:2:5: error: first\na.toml:9:1: error: second\n");
  }
}

TEST(Diagnostics, SayOnceWhatTwoReadersFound) {
  Diagnostics diagnostics;
  for (int reader = 0; reader < 2; ++reader) diagnostics.error({"a.toml", 2, 5}, "wrong");

  try {
    diagnostics.throw_if_errors();
    FAIL() << "nothing was thrown";
  } catch (const InvalidScenario& invalid) {
    EXPECT_STREQ(invalid.what(), "a.toml:2:5: error: wrong\n");
  }
}

TEST(Diagnostics, WarningsAloneThrowNothing) {
  Diagnostics diagnostics;
  diagnostics.warning({"a.toml", 1, 1}, "odd");

  EXPECT_NO_THROW(diagnostics.throw_if_errors());
}

TEST(EditDistance, CountsASwapOfNeighboursAsOne) {
  EXPECT_EQ(edit_distance("recompute", "recompute"), 0U);
  EXPECT_EQ(edit_distance("hidden", "hiddne"), 1U);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3U);
  EXPECT_EQ(edit_distance("", "abc"), 3U);
}

TEST(DidYouMean, SuggestsTheNearestAndNothingFarOff) {
  const std::array<std::string, 2> words = {"schedule", "sequence_length"};

  EXPECT_EQ(did_you_mean("schedul", words), "; did you mean 'schedule'?");
  EXPECT_EQ(did_you_mean("gpu", words), "");
}

TEST(Enumerate, ReadsAsASentence) {
  const std::array<std::string, 3> words = {"a", "b", "c"};

  EXPECT_EQ(enumerate(words), "a, b and c");
}

}  // namespace
}  // namespace orrery
