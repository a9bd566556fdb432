#include "search/launch.hpp"

#include "unit/search/examples.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::HasSubstr;

Forecast forecast() {
  Forecast forecast;
  forecast.step_time = Seconds(2.0);
  forecast.peak = Bytes(60'000'000'000);
  forecast.busy_fraction = 0.9;
  forecast.communication = Seconds(0.1);
  return forecast;
}

const Alert& alert(const Launch& launch, std::string_view metric) {
  return *std::ranges::find(launch.alerts, metric, &Alert::metric);
}

TEST(Launch, NamesNodesAndDegrees) {
  const Launch launch = launch_of(deployment("tp8-512-option-1"), forecast());

  EXPECT_THAT(launch.command, HasSubstr("torchrun --nnodes=64 --nproc-per-node=8"));
  EXPECT_THAT(launch.command, HasSubstr("--tensor-model-parallel-size 4"));
  EXPECT_THAT(launch.command, HasSubstr("--pipeline-model-parallel-size 4"));
  EXPECT_THAT(launch.command, HasSubstr("--expert-model-parallel-size 8"));
}

TEST(Launch, SaysWhatMemoryIsSavedBy) {
  const Launch launch = launch_of(deployment("ep16-memory", {{"strategy.zero", "1"}}), forecast());

  EXPECT_THAT(launch.command, HasSubstr("--use-distributed-optimizer"));
  EXPECT_THAT(launch.command, HasSubstr("--recompute-granularity full"));
}

TEST(Launch, SaysWhatIsOffloaded) {
  const Scenario scenario = load(
      "scenarios/quickstart.toml",
      {{"strategy.offload", "[\"optimizer\", \"activations\"]"}, {"strategy.offload_layers", "3"}});
  const Launch launch = launch_of(scenario, forecast());

  EXPECT_THAT(launch.command,
              HasSubstr("--optimizer-cpu-offload --optimizer-offload-fraction 1.0"));
  EXPECT_THAT(launch.command, HasSubstr("--cpu-offloading-num-layers 3"));
}

TEST(Launch, AlertsATenthBeyondTheForecast) {
  const Launch launch = launch_of(deployment("tp8-512-option-1"), forecast());

  EXPECT_DOUBLE_EQ(alert(launch, "step_time_s").limit, 2.2);
  EXPECT_DOUBLE_EQ(alert(launch, "gpu_busy_fraction").limit, 0.81);
  EXPECT_FALSE(alert(launch, "gpu_busy_fraction").above);
  EXPECT_DOUBLE_EQ(alert(launch, "time_s.communication").limit, 0.11);
}

TEST(Launch, AlertsAtTheCapacityAtTheLatest) {
  const Launch launch = launch_of(deployment("tp8-512-option-1"), forecast());

  EXPECT_DOUBLE_EQ(alert(launch, "memory.peak_bytes").limit, 64e9);
}

}  // namespace
}  // namespace orrery
