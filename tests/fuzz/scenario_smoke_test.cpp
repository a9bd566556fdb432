#include "fuzz/mutate.hpp"
#include "fuzz/scenario_property.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace orrery {
namespace {

constexpr std::uint64_t mutations = 500;

std::string text_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Small ones of different kinds, every section among them.
const std::vector<std::string>& seeds() {
  static const std::vector<std::string> all = {
      text_of("scenarios/quickstart.toml"),
      R"(model = { extends = "llama3-8b", layers = 4, attention.heads = 32 }
cluster = "dgx-h100"
gpus = 8
strategy = "TP2_PP2_DP2"
workload = { sequence_length = 128, global_batch = 8, routing = { kind = "forced" } }
[fidelity]
fold = "off"
steps = "explicit"
[[fault]]
kind = "straggler"
rank = 3
slowdown = 1.5
[[fault]]
kind = "failed_gpu"
gpu = "node[0].gpu[5]"
[[fault]]
kind = "jitter"
distribution = "normal"
spread = "1.5 %"
seed = 3
[[variant]]
name = "other"
workload.precision = "fp8"
[[expect]]
metric = "memory.peak"
at_most = "80 GiB"
)"};
  return all;
}

TEST(ScenarioSmoke, SeedsAreSound) {
  for (const std::string& text : seeds()) {
    EXPECT_NO_THROW(load_scenario_text(text, "s.toml", fuzz::from_checkout()));
    EXPECT_EQ(fuzz::broken_promise_of_scenario(text), "");
  }
}

TEST(ScenarioSmoke, SurvivesDamagedTexts) {
  for (const std::string& sound : seeds()) {
    for (std::uint64_t seed = 0; seed < mutations; ++seed) {
      const std::string text = fuzz::mutate(sound, seed);
      ASSERT_EQ(fuzz::broken_promise_of_scenario(text), "") << "seed " << seed << "\n" << text;
    }
  }
}

}  // namespace
}  // namespace orrery
