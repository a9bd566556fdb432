#include "scenario/normalise.hpp"

#include "scenario/toml_settings.hpp"
#include "scenario/toml_text.hpp"
#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

/// What a normalised scenario is normalised to; it must be itself.
std::string normalised_again(const Scenario& scenario) {
  const ScratchFolder folder;
  return load_scenario(folder.write("again.toml", scenario.normalised), {}).normalised;
}

Scenario load(std::string_view text) {
  const ScratchFolder folder;
  return load_scenario(folder.write("s.toml", text), from_checkout());
}

TEST(Normalise, LoadsBackWithoutTheFilesItWasMadeFrom) {
  const Scenario scenario = load(R"(
model = "deepseek-v3"
cluster = "gb200-nvl72"
gpus = 128
workload = { sequence_length = 4096, global_batch = 128, precision = "fp8" }
strategy = { pp = 4, ep = 32, vpp = 3, schedule = "interleaved", recompute = "full" }
)");

  EXPECT_EQ(normalised_again(scenario), scenario.normalised);
}

TEST(Normalise, KeepsFaultsExpectationsAndOverrides) {
  const Scenario scenario = load(R"(
name = "a \"name\""
model = { extends = "llama3-8b", layers = 4 }
cluster = "dgx-h100"
gpus = 8
workload = { sequence_length = 128, global_batch = 8 }
strategy = { tp = 2, stage_layers = [4] }
fault = [{ kind = "straggler", rank = 1, slowdown = 1.25 }]
[[expect]]
metric = "step_time"
at_most = "1 s"
source = "here"
)");

  EXPECT_THAT(scenario.normalised, HasSubstr("layers = 4\n"));
  EXPECT_THAT(scenario.normalised, HasSubstr("slowdown = 1.25"));
  EXPECT_THAT(scenario.normalised, HasSubstr("stage_layers = [4]"));
  EXPECT_THAT(scenario.normalised, HasSubstr("at_most = \"1 s\""));
  EXPECT_EQ(normalised_again(scenario), scenario.normalised);
}

TEST(TomlText, ReadsBackAsTheSameTree) {
  const std::string text =
      "a = 1\nb = \"x\\\"y\\\\\\u0007\"\nc = [1.5, 2.0]\n\n[t]\nd = true\n\n[[u]]\ne = 1e+300\n";
  Diagnostics diagnostics;

  const TomlTree tree = parse_toml(text, "t.toml", diagnostics);

  EXPECT_EQ(to_toml(tree.root, ""), text);
}

TEST(TomlText, KeepsAWholeFloatAFloat) {
  EXPECT_EQ(toml_number(5.0), "5.0");
  EXPECT_EQ(toml_number(0.1), "0.1");
}

}  // namespace
}  // namespace orrery
