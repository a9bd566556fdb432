// A run made by hand, with numbers that are easy to check: four layers in two stages on six GPUs,
// one of which computes slower. The step takes one second.
#pragma once

#include "report/summary.hpp"
#include "scenario/validate.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace orrery {

inline Duration ms(std::int64_t n) { return Duration{n * 1'000'000'000}; }
inline Bytes gb(std::int64_t n) { return Bytes(n * 1'000'000'000); }

/// A dense model of four layers on 6 GPUs of 100 TFLOP/s and 80 GB: pp 2 · dp 3, twelve sequences.
inline Scenario small_scenario() {
  Scenario scenario;
  scenario.name = "six GPUs";
  scenario.gpus = 6;
  scenario.model.name = "small";
  scenario.model.layers = 4;
  scenario.model.hidden = 1024;
  scenario.model.vocabulary = 1000;
  scenario.model.ffn = 4096;
  scenario.model.attention = {.heads = 8, .kv_heads = 8, .head_dim = 128};
  scenario.job.sequence_length = 512;
  scenario.job.global_batch = 12;
  scenario.strategy.pp = 2;
  scenario.strategy.dp = 3;
  scenario.strategy.dp_given = true;
  Gpu& gpu = scenario.cluster.gpu;
  gpu.name = "H1";
  gpu.memory_capacity = gb(80);
  gpu.peak.fill(FlopsPerSecond(100e12));
  scenario.cluster.name = "rack";
  return scenario;
}

inline Expectation expect(std::string metric, double value, std::optional<double> tolerance = {}) {
  Expectation expectation;
  expectation.metric = std::move(metric);
  expectation.value = value;
  expectation.tolerance = tolerance;
  return expectation;
}
inline Expectation at_most(std::string metric, double bound) {
  Expectation expectation;
  expectation.metric = std::move(metric);
  expectation.at_most = bound;
  return expectation;
}
inline Expectation at_least(std::string metric, double bound) {
  Expectation expectation;
  expectation.metric = std::move(metric);
  expectation.at_least = bound;
  return expectation;
}

/// Work and waiting of a class, in milliseconds; the bubble is what is left of the second.
struct Times {
  std::int64_t compute = 0;
  std::int64_t exposed_dp = 0;
};

inline TimeUse time_use(const Times& times) {
  TimeUse use;
  use.busy = ms(times.compute);
  use.by_component[static_cast<std::size_t>(Component::compute)] = ms(times.compute);
  use.by_component[static_cast<std::size_t>(Component::dp)] = ms(times.exposed_dp);
  use.bubble = ms(1000 - times.compute - times.exposed_dp);
  use.recomputed_flops = 1e12;
  return use;
}

inline MemoryPeak peak_of(Bytes activations, Bytes optimizer) {
  MemoryPeak peak{.bytes = activations + optimizer, .at = simulation_start + ms(250)};
  peak.held[static_cast<std::size_t>(MemoryCategory::activations)] = activations;
  peak.held[static_cast<std::size_t>(MemoryCategory::optimizer)] = optimizer;
  peak.position = 1;
  return peak;
}

/// Whatever summarize() needs; tests change what they are about.
struct Example {
  Scenario scenario = small_scenario();
  Program program;
  RunResult result;

  Example() {
    add_kinds();
    add_class(0, {.script = ScriptId{0}, .count = 1, .representative = RankId{0}});
    add_class(700, {.script = ScriptId{0}, .count = 2, .representative = RankId{1}});
    add_class(600, {.script = ScriptId{1}, .count = 3, .representative = RankId{3}});
    set_times(ClassId{0}, {.compute = 800, .exposed_dp = 50});
    result.memory[ClassId{1}] = peak_of(gb(10), gb(30));
    program.class_of_rank.resize(6);
    result.end = simulation_start + ms(1000);
    result.task_events = 30;
    result.network_events = 12;
    add_link({.name = "gpu[0] → switch", .kind = "nvlink", .capacity = BytesPerSecond(100e9)},
             {.bytes = 25e9, .peak_rate = 100e9});
    add_link({.name = "gpu[1] → switch",
              .kind = "nvlink",
              .capacity = BytesPerSecond(100e9),
              .count = 3},
             {.bytes = 5e9, .peak_rate = 50e9});
    add_link({.name = "nic[0] → leaf", .kind = "nic", .capacity = BytesPerSecond(50e9)},
             {.bytes = 10e9, .peak_rate = 50e9});
  }

  void set_times(ClassId id, const Times& times) { result.time[id] = time_use(times); }
  void set_memory(ClassId id, Bytes activations, Bytes optimizer) {
    result.memory[id] = peak_of(activations, optimizer);
  }

  Plan plan() const {
    return make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy});
  }
  Summary summary() const {
    const Plan planned = plan();
    return summarize({.scenario = scenario,
                      .plan = planned,
                      .program = program,
                      .result = result,
                      .cost = {.wall_s = 0.25, .peak_rss_bytes = 41'000'000}});
  }

 private:
  void add_kinds() {
    const KindId keep = program.kinds.push_back({.name = "keep", .action = Allocate{}});
    const KindId work = program.kinds.push_back({.name = "ffn_up.forward", .action = Compute{}});
    const std::vector<Task> tasks = {{.kind = work, .micro_batch = 0, .layer = 0},
                                     {.kind = keep, .micro_batch = 2, .layer = 1},
                                     {.kind = work, .micro_batch = 2, .layer = 1}};
    for (const char* name : {"stage 0", "stage 1"}) {
      program.scripts.push_back(
          {.name = name, .lanes = {{"compute", tasks}}, .memory_capacity = gb(80)});
    }
  }
  void add_class(std::int64_t compute, RankClass rank_class) {
    program.classes.push_back(std::move(rank_class));
    result.time.push_back(time_use({.compute = compute}));
    result.memory.push_back(peak_of(gb(5), gb(20)));
  }
  void add_link(Resource resource, const ResourceUse& use) {
    program.resources.push_back(std::move(resource));
    result.resources.push_back(use);
  }
};

}  // namespace orrery
