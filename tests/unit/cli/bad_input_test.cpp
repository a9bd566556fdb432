// What the command line makes of input that is wrong: exit status 2, findings on stderr, and with
// --json the same findings as one object on stdout.
#include "unit/cli/outcome.hpp"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <fstream>

namespace orrery {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view drawn = R"(
model = { extends = "llama3-8b", layers = 4 }
gpus = 4
workload = { sequence_length = 1024, global_batch = 8 }
[cluster]
name = "a desk"
gpu = "h100-sxm"
gpus_per_node = 2
nodes = 1
scale_out = { fabric = "custom" }
[[cluster.link]]
source = "node[0].gpu[0]"
target = "node[0].gpu[1]"
bandwidth = "100 GB/s"
)";

constexpr std::string_view sound = R"(
model = { extends = "llama3-8b", layers = 4 }
cluster = { extends = "dgx-h100", nodes = 2 }
gpus = 16
workload = { sequence_length = 1024, global_batch = 48 }
strategy = { tp = 8 }
)";

std::string written(std::string_view text) {
  const auto* test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string path = ::testing::TempDir() + "bad_input_" + test->name() + ".toml";
  std::ofstream(path) << text;
  return path;
}

TEST(BadInput, IsOneObjectWithJson) {
  const Outcome outcome = orrery_of({"run", written("gpus = \"x\"\nsead = 1\n"), "--json"});
  const json found = json::parse(outcome.out);

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_EQ(found["error"], "invalid input");
  const json& last = found["diagnostics"].back();
  EXPECT_THAT(last["file"], HasSubstr("IsOneObjectWithJson.toml"));
  EXPECT_EQ(last["line"], 2);
  EXPECT_EQ(last["column"], 1);
  EXPECT_EQ(last["severity"], "error");
  EXPECT_EQ(last["message"], "unknown key 'sead'");
  EXPECT_EQ(last["remedy"], "did you mean 'seed'?");
}

TEST(BadInput, OfTheCommandLineHasNoPlaceInAFile) {
  const Outcome outcome = orrery_of({"run", "x.toml", "--jsn", "--json"});
  const json found = json::parse(outcome.out)["diagnostics"][0];

  EXPECT_EQ(outcome.status, exit_invalid);
  EXPECT_TRUE(found["file"].is_null());
  EXPECT_TRUE(found["line"].is_null());
  EXPECT_EQ(found["message"], "run has no option --jsn");
  EXPECT_THAT(found["remedy"], HasSubstr("did you mean '--json'?"));
}

TEST(BadInput, MayBeAnEmptyWord) {
  EXPECT_THAT(orrery_of({"run", ""}).error, HasSubstr("run was given an empty word\nusage:"));
  EXPECT_THAT(orrery_of({"run", "x.toml", "-o", ""}).error,
              HasSubstr("--output was given an empty value"));
  EXPECT_EQ(orrery_of({"check", "x.toml", "--set", ""}).status, exit_invalid);
}

TEST(BadInput, MayBeALinkThatDoesNotExistInAPlanThatDoesNotWork) {
  const std::string path =
      written(std::string(sound) + "[[fault]]\nkind = \"failed_link\"\nlink = \"a → b\"\n");
  for (const std::string verb : {"run", "check"}) {
    const Outcome outcome = orrery_of({verb, path, "--set", "gpus=160"});

    EXPECT_EQ(outcome.status, exit_invalid) << verb;
    EXPECT_THAT(outcome.error, HasSubstr(".toml:9:8: error: the cluster has no link 'a → b'"));
  }
}

TEST(DrawnCluster, RunsEndToEnd) {
  const Outcome outcome =
      orrery_of({"run", written(drawn), "--no-output", "--json", "--set", "gpus=2"});

  EXPECT_EQ(outcome.status, exit_done) << outcome.error;
  EXPECT_GT(json::parse(outcome.out)["step_time_s"], 0.0);
}

TEST(DrawnCluster, CannotBeSupposedLargerThanItIs) {
  const Outcome outcome = orrery_of({"run", written(drawn), "--no-output"});

  EXPECT_EQ(outcome.status, exit_failed);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("2 GPUs are missing"), HasSubstr("Nothing was "
                                                                            "simulated")));
}

TEST(FailedGpu, RunsOnASpareNode) {
  const std::string path =
      written(std::string(sound) + "[[fault]]\nkind = \"failed_gpu\"\ngpu = \"node[0].gpu[3]\"\n");

  const Outcome spare = orrery_of({"run", path, "--no-output", "--set", "gpus=8"});
  const Outcome none = orrery_of({"run", path, "--no-output", "--json"});

  EXPECT_EQ(spare.status, exit_done) << spare.out << spare.error;
  EXPECT_THAT(spare.out, HasSubstr("node 0 is out of service"));
  EXPECT_EQ(none.status, exit_failed);
  EXPECT_EQ(json::parse(none.out)["gpus_available"], 8);
}

TEST(FailedGpu, LeavesNothingOfAClusterOfOneNode) {
  const std::string path =
      written(std::string(sound) + "[[fault]]\nkind = \"failed_gpu\"\nrank = 0\n");

  const Outcome outcome = orrery_of({"check", path, "--set", "cluster.nodes=1", "--set", "gpus=8"});

  EXPECT_EQ(outcome.status, exit_failed);
  EXPECT_THAT(outcome.out, AllOf(HasSubstr("a node is taken whole, and there are not enough"),
                                 HasSubstr("No plan works without a GPU in service.")));
}

TEST(FailedGpu, LeavesCheckToOfferPlansWithoutIt) {
  const std::string path =
      written(std::string(sound) + "[[fault]]\nkind = \"failed_gpu\"\nnode = 1\n");

  const Outcome outcome = orrery_of({"check", path, "--json"});
  const json found = json::parse(outcome.out);

  EXPECT_EQ(outcome.status, exit_failed);
  EXPECT_EQ(found["gpus_available"], 8);
  EXPECT_THAT(found["remedies"], ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace orrery
