#include "cli/command_line.hpp"
#include "unit/cli/outcome.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace orrery {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

namespace fs = std::filesystem;

constexpr std::string_view small = R"(
name = "small"
model = { extends = "llama3-8b", layers = 4 }
cluster = { extends = "dgx-h100", nodes = 1 }
gpus = 8
workload = { sequence_length = 1024, global_batch = 8 }
strategy = { tp = 2, pp = 2, zero = 1 }
)";

/// A file of the test's own, named after it.
std::string path_to(std::string_view name) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const fs::path folder = fs::path(::testing::TempDir()) / test->test_suite_name() / test->name();
  fs::create_directories(folder);
  return (folder / name).string();
}

std::string written(std::string_view text, std::string_view name = "small.toml") {
  const std::string path = path_to(name);
  std::ofstream(path) << text;
  return path;
}

TEST(Run, RefusesAnOutputWhereNoneIsWanted) {
  const Outcome outcome = orrery_of({"run", written(small), "--no-output", "-o", "kept.h5"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("--no-output"));
}

TEST(Run, PrintsOneJsonObjectAndNothingElse) {
  const Outcome outcome = orrery_of({"run", written(small), "--json", "--no-output"});

  EXPECT_EQ(outcome.status, exit_done);
  const json result = json::parse(outcome.out);
  EXPECT_EQ(result["scenario"], "small");
  EXPECT_EQ(result["strategy"]["dp"], 2);
  EXPECT_GT(result["step_time_s"], 0.0);
  EXPECT_THAT(outcome.error, IsEmpty());
}

TEST(Run, WritesATimelineThatTraceReads) {
  const std::string timeline = path_to("small.h5");
  const std::string trace = path_to("small.json");

  EXPECT_EQ(orrery_of({"run", written(small), "-o", timeline}).status, exit_done);
  EXPECT_EQ(orrery_of({"trace", timeline, "-o", trace, "--ranks", "0,5-7"}).status, exit_done);

  std::ifstream file(trace);
  EXPECT_GT(json::parse(file)["traceEvents"].size(), 100U);
}

TEST(Run, WritesTheSameFileTwice) {
  const std::string one = path_to("one.h5");
  const std::string two = path_to("two.h5");
  orrery_of({"run", written(small), "-o", one});
  orrery_of({"run", written(small), "-o", two});

  std::ifstream first(one, std::ios::binary);
  std::ifstream second(two, std::ios::binary);
  const std::string a{std::istreambuf_iterator<char>(first), {}};
  const std::string b{std::istreambuf_iterator<char>(second), {}};
  EXPECT_GT(a.size(), 1000U);
  EXPECT_TRUE(a == b);
}

TEST(Run, FailsAScenarioWhoseClaimDoesNotHold) {
  const std::string claim =
      std::string(small) + "[[expect]]\nmetric = \"step_time\"\nat_most = \"1 us\"\n";

  EXPECT_EQ(orrery_of({"run", written(claim), "--no-output"}).status, exit_failed);
}

TEST(Run, SupposesGpusThatAreMissingAndFails) {
  const Outcome outcome =
      orrery_of({"run", written(small), "--json", "--no-output", "--set", "strategy.dp=4"});

  EXPECT_EQ(outcome.status, exit_failed);
  const json result = json::parse(outcome.out);
  EXPECT_EQ(result["feasible"], false);
  EXPECT_EQ(result["gpus_required"], 16);
  EXPECT_EQ(result["gpus_available"], 8);
  EXPECT_EQ(result["verdicts"][0]["code"], "gpus_missing");
  EXPECT_GT(result["step_time_s"], 0.0);
}

TEST(Run, RefusesWhatNoNumberOfGpusMends) {
  const std::vector<std::string> typed = {"run",
                                          written(small),
                                          "--no-output",
                                          "--set",
                                          "strategy.dp=4",
                                          "--set",
                                          "workload.global_batch=10",
                                          "--json"};

  const Outcome outcome = orrery_of(typed);

  EXPECT_EQ(outcome.status, exit_failed);
  const json result = json::parse(outcome.out);
  EXPECT_TRUE(result["step_time_s"].is_null());
  EXPECT_TRUE(result["remedies"].is_array());
}

TEST(Run, NamesPlansThatWorkBelowOneThatDoesNot) {
  const std::vector<std::string> typed = {"run", written(small), "--no-output", "--set",
                                          "strategy.dp=4"};

  const Outcome outcome = orrery_of(typed);

  EXPECT_EQ(outcome.status, exit_failed);
  EXPECT_THAT(outcome.out, HasSubstr("Plans that work, nearest first"));
  EXPECT_THAT(outcome.out, HasSubstr("(8 GPUs)"));
  EXPECT_THAT(outcome.out, HasSubstr("torchrun --nnodes=1 --nproc-per-node=8"));
  EXPECT_THAT(outcome.out, HasSubstr("memory.peak_bytes above"));
}

TEST(Run, GivesTheRemediesOfCheckAsJson) {
  const auto result_of = [](const std::string& verb) {
    std::vector<std::string> typed = {verb, written(small), "--json", "--set", "strategy.dp=4"};
    if (verb == "run") typed.emplace_back("--no-output");
    return json::parse(orrery_of(typed).out);
  };

  const json ran = result_of("run");

  EXPECT_FALSE(ran["remedies"].empty());
  EXPECT_EQ(ran["remedies"], result_of("check")["remedies"]);
  EXPECT_EQ(ran["launch"], result_of("check")["launch"]);
}

TEST(Run, KeepsQuietAboutOtherPlansWhenItsOwnWorks) {
  const std::string path = written(small);

  EXPECT_EQ(json::parse(orrery_of({"run", path, "--json", "--no-output"}).out).count("remedies"),
            0U);
  EXPECT_THAT(orrery_of({"run", path, "--no-output"}).out, Not(HasSubstr("Plans that work")));
}

/// A deployment report: 128 sequences in 8 ms are 16,000 a second, not 120,000.
TEST(Run, SaysWhenClaimsContradictOneAnother) {
  const std::string claims = std::string(small) +
                             "[[expect]]\nmetric = \"step_time\"\nvalue = \"8 ms\"\n" +
                             "[[expect]]\nmetric = \"sequences_per_s\"\nvalue = 120000\n";

  const Outcome outcome = orrery_of({"run", written(claims), "--no-output"});

  EXPECT_THAT(outcome.out, HasSubstr("8 sequences in 8.000 ms are 1000 a second"));
}

TEST(Run, JudgesClaimsAsCheckDoes) {
  const std::string claim =
      std::string(small) +
      "[[expect]]\nmetric = \"memory.gradients\"\nvalue = \"1 MB\"\ntolerance = 0.1\n";
  const std::string path = written(claim);

  const json run = json::parse(orrery_of({"run", path, "--json", "--no-output"}).out);
  const json check = json::parse(orrery_of({"check", path, "--json"}).out);

  const double got = run["expects"][0]["got"];
  EXPECT_DOUBLE_EQ(run["expects"][0]["error"], got / 1e6 - 1.0);
  EXPECT_EQ(run["expects"][0]["error"], check["claims"][0]["error"]);
  EXPECT_EQ(run["expects"][0]["reason"], check["claims"][0]["reason"]);
  EXPECT_NE(run["expects"][0]["reason"], "");
}

TEST(Run, ExitsWithTwoForAnIllegalStrategy) {
  const Outcome outcome = orrery_of({"run", written(small), "--set", "strategy.tp=3"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("--set strategy.tp: error:"));
  EXPECT_THAT(outcome.out, IsEmpty());
}

TEST(Run, SaysWhereItCannotWrite) {
  const Outcome outcome = orrery_of({"run", written(small), "-o", "/proc/none/x.h5"});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("/proc/none"));
}

TEST(Compare, PutsVariantsSideBySide) {
  const std::string variants = std::string(small) +
                               "[[variant]]\nname = \"one\"\n"
                               "[[variant]]\nname = \"two\"\nstrategy.pp = 1\n";

  const json result = json::parse(orrery_of({"compare", written(variants), "--json"}).out);

  ASSERT_EQ(result["scenarios"].size(), 2U);
  EXPECT_EQ(result["scenarios"][1]["scenario"], "two");
  EXPECT_EQ(result["ratios"][0]["step_time_s"], 1.0);
  const double first = result["scenarios"][0]["step_time_s"];
  const double second = result["scenarios"][1]["step_time_s"];
  EXPECT_DOUBLE_EQ(result["ratios"][1]["step_time_s"], second / first);
  EXPECT_EQ(result["pareto"].size(), 1U);
}

TEST(Compare, ShowsRatiosToTheFirst) {
  const std::string path = written(small);
  const std::string other = written(std::string(small) + "description = \"x\"\n", "other.toml");

  const Outcome outcome = orrery_of({"compare", path, path});

  EXPECT_EQ(outcome.status, exit_done) << other;
  EXPECT_THAT(outcome.out, HasSubstr("Pareto front"));
  EXPECT_THAT(outcome.out, HasSubstr("step_time_s"));
}

/// nccl-tests doc/PERFORMANCE.md: the bus bandwidth of an all-reduce is 2(n-1)/n times algbw.
TEST(Collective, CountsAsNcclTestsDoes) {
  const json result = json::parse(orrery_of({"collective", "--cluster", "dgx-h100", "--gpus", "8",
                                             "--op", "all_reduce", "--size", "256M", "--json"})
                                      .out);

  const double algbw = result["algbw_bytes_per_s"];
  const double seconds = result["time_s"];
  EXPECT_EQ(result["size_bytes"], 268435456);
  EXPECT_DOUBLE_EQ(algbw, 268435456.0 / seconds);
  EXPECT_DOUBLE_EQ(result["busbw_bytes_per_s"], algbw * 1.75);
  EXPECT_LT(result["base_latency_s"], result["latency_s"]);
  EXPECT_LT(result["latency_s"], seconds);
}

TEST(Collective, ForcesAnAlgorithm) {
  const Outcome ring = orrery_of({"collective", "--cluster", "dgx-h100", "--gpus", "8", "--op",
                                  "all_reduce", "--size", "256M", "--algorithm", "ring", "--json"});
  const Outcome unknown = orrery_of({"collective", "--cluster", "dgx-h100", "--gpus", "8", "--op",
                                     "all_reduce", "--size", "1M", "--algorithm", "rng"});

  EXPECT_EQ(json::parse(ring.out)["algorithm"], "ring");
  EXPECT_THAT(unknown.error, HasSubstr("did you mean 'ring'?"));
}

TEST(Collective, NamesWhatIsWrong) {
  const auto error = [](const std::string& option, const std::string& value) {
    std::vector<std::string> typed = {"collective", "--cluster", "dgx-h100", "--gpus", "8",  "--op",
                                      "all_reduce", "--size",    "1M",       option,   value};
    const Outcome outcome = orrery_of(typed);
    EXPECT_EQ(outcome.status, exit_invalid);
    return outcome.error;
  };

  EXPECT_THAT(error("--op", "allreduce"), HasSubstr("did you mean 'all_reduce'?"));
  EXPECT_THAT(error("--size", "big"), HasSubstr("wanted bytes"));
  EXPECT_THAT(error("--size", "0.5 B"), HasSubstr("wanted a whole number of bytes"));
  EXPECT_THAT(error("--gpus", "1"), HasSubstr("wanted a whole number of 2 or more"));
  EXPECT_THAT(error("--gpus", "9999999"), HasSubstr("wanted at most 1048576"));
  EXPECT_THAT(error("--cluster", "dgx"), HasSubstr("--cluster: error: there is no cluster"));
}

TEST(Trace, RefusesWhatIsNoTimeline) {
  const Outcome outcome = orrery_of({"trace", written("not HDF5", "x.h5")});

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_THAT(outcome.error, HasSubstr("x.h5"));
}

}  // namespace
}  // namespace orrery
