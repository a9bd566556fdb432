#include "cli/command_line.hpp"

#include "cli/options.hpp"
#include "cli/verbs.hpp"
#include "unit/cli/outcome.hpp"
#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace orrery {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(CommandLine, ListsEveryVerbInHelp) {
  const Outcome outcome = orrery_of({"help"});

  EXPECT_EQ(outcome.status, exit_done);
  for (const Verb* verb : all_verbs()) EXPECT_THAT(outcome.out, HasSubstr(std::string(verb->name)));
  EXPECT_THAT(outcome.error, IsEmpty());
}

TEST(CommandLine, ExplainsEachVerb) {
  for (const Verb* verb : all_verbs()) {
    const Outcome outcome = orrery_of({std::string(verb->name), "--help"});
    EXPECT_EQ(outcome.status, exit_done);
    EXPECT_THAT(outcome.out, HasSubstr("usage: orrery " + std::string(verb->name)));
  }
}

TEST(CommandLine, PrintsItsVersion) {
  EXPECT_THAT(orrery_of({"--version"}).out, ::testing::MatchesRegex("orrery [0-9.]+\n"));
}

TEST(CommandLine, SuggestsTheVerbThatWasMeant) {
  const Outcome outcome = orrery_of({"kernle"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("there is no verb 'kernle'; did you mean 'kernel'?"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(CommandLine, WritesNoColourToWhatIsNoTerminal) {
  EXPECT_THAT(orrery_of({"nosuch"}).error, ::testing::Not(HasSubstr("\x1b")));
}

class ListOf : public ::testing::TestWithParam<const char*> {};

TEST_P(ListOf, HasALineForEachThingAndTheSameAsJson) {
  const std::string kind = GetParam();
  const Outcome text = orrery_of({"list", kind});
  const auto json = nlohmann::json::parse(orrery_of({"list", kind, "--json"}).out);

  EXPECT_EQ(text.status, exit_done) << text.error;
  EXPECT_GT(json[kind].size(), 0U);
  EXPECT_EQ(std::ranges::count(text.out, '\n'), json[kind].size());
}

/// A folder with one broken and one sound model, in which commands are typed.
class BrokenShelf : public ::testing::Test {
 protected:
  BrokenShelf() : before_(std::filesystem::current_path()) {
    folder_.write("models/broken.toml", "name = \"B\"\nlayers = \"two\"\n");
    std::filesystem::current_path(folder_ / "");
  }
  ~BrokenShelf() override { std::filesystem::current_path(before_); }

 private:
  ScratchFolder folder_;
  std::filesystem::path before_;
};

TEST_F(BrokenShelf, HidesNoneOfTheFilesBesideTheBrokenOne) {
  const Outcome outcome = orrery_of({"list", "models"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("\nllama3-8b "), ::testing::Not(HasSubstr("broken"))));
  EXPECT_THAT(outcome.error, HasSubstr("models/broken.toml:2:10: error: layers is the text 'two'"));
}

TEST_F(BrokenShelf, IsOneObjectWithJson) {
  const auto json = nlohmann::json::parse(orrery_of({"list", "models", "--json"}).out);

  EXPECT_GT(json["models"].size(), 1U);
  EXPECT_EQ(json["error"], "invalid input");
  EXPECT_THAT(json["diagnostics"][0]["file"], HasSubstr("models/broken.toml"));
}

INSTANTIATE_TEST_SUITE_P(Kinds, ListOf,
                         ::testing::Values("models", "clusters", "gpus", "software", "schedules",
                                           "algorithms", "layers", "fabrics"));

TEST(Kernel, SaysWhichLimitBinds) {
  const std::vector<std::string> large = {"kernel", "--gpu", "h100-sxm", "--op",  "gemm",
                                          "8192",   "8192",  "8192",     "--json"};
  const std::vector<std::string> thin = {"kernel", "--gpu", "h100-sxm", "--op",  "gemm",
                                         "8",      "8192",  "8192",     "--json"};

  const auto compute = nlohmann::json::parse(orrery_of(large).out);
  const auto memory = nlohmann::json::parse(orrery_of(thin).out);

  EXPECT_EQ(compute["limit"], "arithmetic");
  EXPECT_EQ(memory["limit"], "memory");
  EXPECT_DOUBLE_EQ(compute["flops"], 2.0 * 8192 * 8192 * 8192);
}

TEST(Kernel, NamesTheOptionThatIsWrong) {
  const Outcome size = orrery_of({"kernel", "--gpu", "h100-sxm", "--op", "gemm", "--m", "0"});
  const Outcome op = orrery_of({"kernel", "--gpu", "h100-sxm", "--op", "gemmm"});
  const Outcome gpu = orrery_of({"kernel", "--gpu", "h100sxm", "--op", "gemm"});

  EXPECT_EQ(size.status, exit_invalid);
  EXPECT_THAT(size.error, HasSubstr("--m: error: m = 0 is out of range"));
  EXPECT_THAT(op.error, HasSubstr("did you mean 'gemm'?"));
  EXPECT_THAT(gpu.error, HasSubstr("--gpu: error: there is no GPU called 'h100sxm'"));
}

TEST(Kernel, RefusesAnOptionThatTheOpDoesNotTake) {
  const Outcome outcome =
      orrery_of({"kernel", "--gpu", "h100-sxm", "--op", "gemm", "8", "8", "8", "--heads", "4"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("unknown key 'heads'"));
}

Outcome collective(const std::string& op, const std::string& gpus, const std::string& size) {
  return orrery_of(
      {"collective", "--cluster", "dgx-h100", "--gpus", gpus, "--op", op, "--size", size});
}

TEST(Reach, EndsCollectivesAtSizesThatFitTheClock) {
  const Outcome largest = collective("all_reduce", "16", "1 PB");
  const Outcome larger = collective("all_reduce", "16", "8000 PB");

  EXPECT_EQ(largest.status, exit_done);
  EXPECT_EQ(larger.status, exit_invalid);
  EXPECT_THAT(larger.error, HasSubstr("--size is 8000.0 PB; wanted at most 1.000 PB"));
}

TEST(Reach, EndsExchangesOfAllPairsBefore65536Ranks) {
  const Outcome outcome = collective("all_to_all", "1000000", "1 GB");

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("--gpus is 1000000; wanted at most 65535"));
}

/// A timeline of the test's own: tests run side by side.
std::string timeline() {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string stem = ::testing::TempDir() + test->name();
  const std::string scenario = stem + ".toml";
  std::ofstream(scenario) << "model = { extends = \"llama3-8b\", layers = 2 }\n"
                             "cluster = \"dgx-h100\"\ngpus = 1\n"
                             "workload = { sequence_length = 1024, global_batch = 1 }\n";
  const std::string file = stem + ".h5";
  orrery_of({"run", scenario, "-o", file});
  return file;
}

TEST(Reach, WritesNoTraceOverItsTimeline) {
  const std::string file = timeline();
  const auto size = std::filesystem::file_size(file);

  const Outcome outcome = orrery_of({"trace", file, "-o", file});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("is the timeline itself"));
  EXPECT_EQ(std::filesystem::file_size(file), size);
}

TEST(Reach, RefusesATraceThatEndsBeforeItBegins) {
  const Outcome outcome = orrery_of({"trace", timeline(), "--from", "2 ms", "--to", "1 ms"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("--from is later than --to"));
}

}  // namespace
}  // namespace orrery
