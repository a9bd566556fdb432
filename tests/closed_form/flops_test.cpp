// What all ranks execute together is the model's formula, whatever the strategy
// (workload/flops.hpp). Every shipped model under every strategy of a list that is legal for it.
#include "workload/flops.hpp"

#include "base/diagnostics.hpp"
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>

namespace orrery {
namespace {

double executed(const Simulation& run, double TimeUse::*what) {
  double sum = 0.0;
  for (std::size_t c = 0; c < run.program().classes.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    sum += static_cast<double>(run.program().classes[id].count) * (run.result.time[id].*what);
  }
  return sum;
}

const std::vector<Keys> strategies = {
    {{"strategy.tp", "4"}, {"strategy.sp", "true"}, {"strategy.dp", "2"}},
    {{"strategy.tp", "2"}, {"strategy.pp", "2"}, {"strategy.recompute", "\"full\""}},
    {{"strategy.pp", "4"}, {"strategy.vpp", "2"}, {"strategy.schedule", "\"interleaved\""}},
    {{"strategy.pp", "4"}, {"strategy.schedule", "\"gpipe\""}, {"strategy.dp", "2"}},
    {{"strategy.ep", "8"}, {"strategy.dp", "8"}, {"strategy.zero", "1"}},
    {{"strategy.tp", "2"},
     {"strategy.sp", "true"},
     {"strategy.ep", "4"},
     {"strategy.etp", "2"},
     {"strategy.dp", "4"},
     {"strategy.pp", "2"}},
    {{"strategy.tp", "2"}, {"strategy.dp", "2"}, {"workload.kind", "\"forward\""}},
    {{"strategy.tp", "2"}, {"strategy.cp", "4"}, {"strategy.dp", "2"}},
    {{"strategy.cp", "4"}, {"strategy.cp_comm_type", "\"all_gather\""}, {"strategy.dp", "2"}},
    {{"strategy.cp", "2"}, {"strategy.cp_comm_type", "\"a2a\""}, {"strategy.dp", "2"}},
    {{"strategy.dp", "2"}, {"workload.kind", "\"decode\""}, {"workload.context_length", "500"}},
};

/// The simulation, or nothing if the model does not divide that way.
std::optional<Simulation> simulated(const std::string& model, const Keys& strategy) {
  const Keys common = {{"model", model},
                       {"cluster", "dgx-h100"},
                       {"workload.kind", "\"training\""},
                       {"workload.sequence_length", "512"},
                       {"workload.global_batch", "16"}};
  try {
    return Simulation(common + strategy);
  } catch (const InvalidScenario&) {
    return std::nullopt;
  }
}

std::vector<std::string> shipped_models() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator("models")) {
    if (entry.path().extension() == ".toml") names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

class ExecutedFlops : public testing::TestWithParam<std::string> {};

TEST_P(ExecutedFlops, AreTheModelsUnderEveryStrategy) {
  std::size_t runs = 0;
  for (const Keys& strategy : strategies) {
    const std::optional<Simulation> run = simulated(GetParam(), strategy);
    if (!run) continue;
    ++runs;
    const double formula = model_flops(run->plan().model, run->plan().job, MfuConvention::full);
    EXPECT_NEAR(executed(*run, &TimeUse::flops) / formula, 1.0, 1e-12) << strategy[0].first;
  }
  EXPECT_GE(runs, 4U);
}

INSTANTIATE_TEST_SUITE_P(Shipped, ExecutedFlops, testing::ValuesIn(shipped_models()));

TEST(ExecutedFlops, AreTheModelsWithUnevenStages) {
  const Simulation run({{"model", "llama3-8b"},
                        {"cluster", "dgx-h100"},
                        {"workload.sequence_length", "512"},
                        {"workload.global_batch", "4"},
                        {"strategy.pp", "4"},
                        {"strategy.dp", "1"},
                        {"strategy.stage_layers", "[7, 9, 9, 7]"}});

  EXPECT_NEAR(executed(run, &TimeUse::flops) / run.plan().model_flops, 1.0, 1e-12);
}

TEST(ExecutedFlops, AddAForwardPassOfTheLayersUnderFullRecomputation) {
  // 96/72 of a step without the head (Narayanan et al. 2021, appendix).
  const Simulation run({{"model", "gpt-22b"},
                        {"cluster", "dgx-a100-80g"},
                        {"workload.sequence_length", "2048"},
                        {"workload.global_batch", "4"},
                        {"strategy.tp", "8"},
                        {"strategy.dp", "1"},
                        {"strategy.recompute", "\"full\""}});
  const Model& model = run.plan().model;
  const double tokens = 4.0 * 2048.0;
  const double head = 6.0 * tokens * static_cast<double>(model.hidden * model.vocabulary);

  EXPECT_NEAR(executed(run, &TimeUse::recomputed_flops), (run.plan().model_flops - head) / 3.0,
              1e-9 * head);
}

}  // namespace
}  // namespace orrery
