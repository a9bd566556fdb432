#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// Complaints of a sound scenario with this `[search]` from line 6 on.
std::string of_search(std::string_view table) {
  return complaints_of(
      "model = \"llama3-8b\"\ncluster = \"dgx-h100\"\ngpus = 8\n"
      "workload = { sequence_length = 4096, global_batch = 8 }\n[search]\n" +
      std::string(table));
}

TEST(SearchTable, MaySayAllThereIs) {
  EXPECT_EQ(of_search("objective = \"cost_per_token\"\nbudget = \"10 min\"\n"
                      "[search.axes]\ntp = [1, 2]\nschedule = [\"1f1b\", \"zb-v\"]\n"
                      "sp = [true, false]\nmicro_batch = [1, 2]\ngpus = [8, 16]\n"
                      "overlap = [[\"tensor\"], []]\n"
                      "[[search.bound]]\nmetric = \"memory.peak\"\nat_most = \"70 GB\"\n"),
            "");
  EXPECT_EQ(of_search("budget = 200\n"), "");
}

TEST(SearchTable, RefusesAnObjectiveThatNobodyKnows) {
  EXPECT_THAT(of_search("objective = \"tokens_per_second\"\n"),
              AllOf(HasSubstr("s.toml:6:13: error: search.objective = 'tokens_per_second' is"),
                    HasSubstr("did you mean 'tokens_per_s'?")));
}

TEST(SearchTable, RefusesKeysAndAxesThatAreNone) {
  EXPECT_THAT(of_search("objectives = 1\naxes.tpp = [1]\naxes.micro_batches = [1, 2]\n"),
              AllOf(HasSubstr("s.toml:6:1: error: unknown key 'search.objectives'; did you mean"),
                    HasSubstr("s.toml:7:6: error: unknown key 'strategy.tpp'; did you mean 'tp'"),
                    HasSubstr("s.toml:8:6: error: unknown key 'strategy.micro_batches'")));
}

TEST(SearchTable, RefusesValuesThatTheirKeysCouldNotHave) {
  EXPECT_THAT(
      of_search("axes.tp = [1, 0]\naxes.schedule = [\"1f1c\"]\naxes.gpus = 8\naxes.zero = []\n"
                "axes.micro_batch = [\"1\"]\n"),
      AllOf(HasSubstr("s.toml:6:15: error: strategy.tp = 0 is out of range"),
            HasSubstr("s.toml:7:18: error: there is no schedule '1f1c'; wanted one of"),
            HasSubstr("did you mean '1f1b'?"),
            HasSubstr("s.toml:8:13: error: search.axes.gpus is the whole number 8; wanted an"),
            HasSubstr("s.toml:9:13: error: search.axes.zero is empty; wanted an array"),
            HasSubstr("s.toml:10:20: error: search.axes.micro_batch is an array; wanted")));
}

TEST(SearchTable, RefusesBudgetsAndBoundsThatSayNothing) {
  EXPECT_THAT(of_search("budget = 0\n"), HasSubstr("s.toml:6:10: error: search.budget = 0 is out"));
  EXPECT_THAT(of_search("budget = \"0 s\"\n"), HasSubstr("is no time at all"));
  EXPECT_THAT(of_search("budget = true\n"), HasSubstr("search.budget is true; wanted a time"));
  EXPECT_THAT(of_search("[[search.bound]]\nmetric = \"memory.peek\"\nat_most = \"1 GB\"\n"),
              HasSubstr("s.toml:7:10: error: there is no metric 'memory.peek'"));
  EXPECT_THAT(of_search("[[search.bound]]\nmetric = \"memory.peak\"\nvalue = \"1 GB\"\n"),
              HasSubstr("s.toml:8:9: error: search.bound.value: a bound has a side"));
}

}  // namespace
}  // namespace orrery
