// Whole scenarios, from their files to the end of their timeline: what a user waits for. Answers
// are checked by what must hold of any of them: the classes that folding leaves, the FLOPs of the
// model, a timeline with a span for every task.
#include "base/check.hpp"
#include "bench/bench_answer.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "scenario/load.hpp"
#include "timeline/timeline_file.hpp"
#include "timeline/timeline_reader.hpp"

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <filesystem>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace orrery {
namespace {

using Keys = std::vector<std::pair<std::string, std::string>>;

Scenario load(const std::filesystem::path& file, const Keys& keys) {
  LoadOptions options{.search_paths = share_folders()};
  for (const auto& [key, text] : keys) options.overrides.push_back({key, text, {}});
  return load_scenario(file, options);
}

std::filesystem::path quickstart_file() {
  for (const std::filesystem::path& folder : share_folders()) {
    const std::filesystem::path file = folder / "scenarios" / "quickstart.toml";
    if (std::filesystem::exists(file)) return file;
  }
  CHECK(false, "no shared folder holds the quickstart");
  return {};
}

/// Executed FLOPs, over all ranks: the model's formula gives them, too.
double flops_of(const Program& program, const RunResult& result) {
  double flops = 0.0;
  for (std::size_t c = 0; c < program.classes.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    flops += program.classes[id].count * result.time[id].flops;
  }
  return flops;
}

/// Spans are written for what takes time: not for changes of memory.
std::uint64_t spans_of(const Program& program) {
  std::uint64_t spans = 0;
  for (const RankClass& rank_class : program.classes) {
    for (const Lane& lane : program.scripts[rank_class.script].lanes) {
      for (const Task& task : lane.tasks) {
        const Action& action = program.kinds[task.kind].action;
        const bool lasts =
            std::holds_alternative<Compute>(action) || std::holds_alternative<Communicate>(action);
        spans += lasts ? 1 : 0;
      }
    }
  }
  return spans;
}

struct Done {
  std::size_t classes = 0;
  std::uint64_t tasks = 0;
  double seconds = 0.0;  ///< simulated
};

Done run_once(const Scenario& scenario, TimelineSink& sink, const Prepared& prepared) {
  const RunResult result = run(prepared, scenario, sink);
  expect_answer(flops_of(prepared.program, result), prepared.plan.model_flops, 1e-9);
  return {prepared.program.classes.size(), result.task_events, to_seconds(result.end).value()};
}

Done simulate(const Scenario& scenario) {
  NullSink sink;
  return run_once(scenario, sink, prepare(scenario));
}

Done simulate_to_file(const Scenario& scenario) {
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / "orrery_scenarios_bench.h5";
  const Prepared prepared = prepare(scenario);
  TimelineFile file(path, {.name = scenario.name, .seed = scenario.seed}, prepared.program);
  const Done done = run_once(scenario, file, prepared);
  file.close("{}");
  CHECK(TimelineReader(path).span_count() == spans_of(prepared.program));
  std::filesystem::remove(path);
  return done;
}

void report(benchmark::State& state, const Done& done) {
  state.counters["classes"] = static_cast<double>(done.classes);
  state.counters["tasks"] = static_cast<double>(done.tasks);
  state.counters["simulated_ms"] = 1e3 * done.seconds;
}

/// Mixtral 8x7B on 16 H100, timeline written.
void quickstart(benchmark::State& state) {
  Done done;
  for (auto _ : state) {
    done = simulate_to_file(load(quickstart_file(), {}));
  }
  CHECK(done.classes == 2, done.classes);  // one for each stage
  report(state, done);
}
BENCHMARK(quickstart)->Unit(benchmark::kMillisecond);

struct Step {
  std::int64_t gpus = 16'384;
  std::int64_t micro_batches = 64;
  std::int64_t layers = 61;
  std::string routing = "\"forced\"";
};

/// A training step of DeepSeek-V3 on H800: pp 16, ep 64.
Scenario deepseek(const Step& step) {
  constexpr std::int64_t stages = 16;
  const Keys keys = {
      {"name", "step"},
      {"model", "deepseek-v3"},
      {"model.layers", std::to_string(step.layers)},
      {"cluster", "hgx-h800"},
      {"gpus", std::to_string(step.gpus)},
      {"workload.kind", "training"},
      {"workload.sequence_length", "4096"},
      {"workload.global_batch", std::to_string(step.gpus / stages * step.micro_batches)},
      {"workload.micro_batch", "1"},
      {"workload.routing.kind", step.routing},
      {"strategy.pp", std::to_string(stages)},
      {"strategy.ep", "64"},
      {"strategy.schedule", "1f1b"},
      {"strategy.zero", "1"}};
  return load({}, keys);
}

/// By GPUs, timeline written.
void deepseek_v3(benchmark::State& state) {
  Done done;
  for (auto _ : state) done = simulate_to_file(deepseek({.gpus = state.range(0)}));
  CHECK(done.classes == 16, done.classes);
  report(state, done);
}
BENCHMARK(deepseek_v3)
    ->Arg(16'384)
    ->Arg(131'072)
    ->Arg(1'048'576)
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1);

/// Tokens drawn: the 64 ranks that share experts differ, so a stage is 64 classes.
void deepseek_v3_drawn(benchmark::State& state) {
  Done done;
  for (auto _ : state) done = simulate_to_file(deepseek({.routing = "\"uniform\""}));
  CHECK(done.classes == 1024, done.classes);
  report(state, done);
}
BENCHMARK(deepseek_v3_drawn)->Unit(benchmark::kMillisecond)->Iterations(1);

/// One rank a tenth slower: its stage's replicas are no longer alike.
void deepseek_v3_straggler(benchmark::State& state) {
  const double healthy = simulate(deepseek({})).seconds;
  Done done;
  for (auto _ : state) {
    Scenario scenario = deepseek({});
    scenario.stragglers.push_back({.rank = 1'234, .slowdown = 1.1, .position = {}});
    done = simulate_to_file(scenario);
  }
  CHECK(done.seconds > healthy && done.seconds < 1.1 * healthy, done.seconds, healthy);
  report(state, done);
}
BENCHMARK(deepseek_v3_straggler)->Unit(benchmark::kMillisecond)->Iterations(1);

// How cost grows, without output.

void grow_gpus(benchmark::State& state) {
  Done done;
  for (auto _ : state) done = simulate(deepseek({.gpus = state.range(0)}));
  report(state, done);
}
BENCHMARK(grow_gpus)->RangeMultiplier(4)->Range(1'024, 65'536)->Unit(benchmark::kMillisecond);

void grow_micro_batches(benchmark::State& state) {
  Done done;
  for (auto _ : state) done = simulate(deepseek({.gpus = 1'024, .micro_batches = state.range(0)}));
  report(state, done);
}
BENCHMARK(grow_micro_batches)->Arg(16)->Arg(64)->Arg(256)->Unit(benchmark::kMillisecond);

void grow_layers(benchmark::State& state) {
  Done done;
  for (auto _ : state) done = simulate(deepseek({.gpus = 1'024, .layers = state.range(0)}));
  report(state, done);
}
BENCHMARK(grow_layers)->Arg(32)->Arg(64)->Arg(128)->Arg(256)->Unit(benchmark::kMillisecond);

/// A forward pass of 16 layers of experts, one expert on every GPU: attention, all-to-all, experts,
/// all-to-all; 4,096 tokens a GPU, each to 8 experts of width 2,048.
Scenario all_experts(std::int64_t gpus, bool fold) {
  Scenario scenario =
      load({}, {{"name", "experts over all GPUs"},
                {"cluster", "dgx-h100"},
                {"gpus", std::to_string(gpus)},
                {"model.name", "sixteen layers of experts"},
                {"model.source", "none: the shape of a benchmark"},
                {"model.gated_ffn", "true"},
                {"model.layers", "16"},
                {"model.hidden", "7168"},
                {"model.vocabulary", "129280"},
                {"model.ffn", "18432"},
                {"model.attention", "{kind = \"gqa\", heads = 56, kv_heads = 8, head_dim = 128}"},
                {"model.moe", fmt::format("{{experts = {}, top_k = 8, expert_ffn = 2048}}", gpus)},
                {"workload.kind", "forward"},
                {"workload.routing.kind", "\"forced\""},
                {"workload.sequence_length", "4096"},
                {"workload.global_batch", std::to_string(gpus)},
                {"workload.micro_batch", "1"},
                {"strategy.ep", std::to_string(gpus)}});
  scenario.fidelity.fold = fold;
  return scenario;
}

void experts_folded(benchmark::State& state) {
  Done done;
  const Scenario scenario = all_experts(state.range(0), true);
  for (auto _ : state) done = simulate(scenario);
  CHECK(done.classes == 1, done.classes);
  report(state, done);
}
BENCHMARK(experts_folded)->Arg(64)->Arg(512)->Arg(1'024)->Unit(benchmark::kMillisecond);

void experts_one_by_one(benchmark::State& state) {
  const double folded = simulate(all_experts(state.range(0), true)).seconds;
  Done done;
  const Scenario scenario = all_experts(state.range(0), false);
  for (auto _ : state) done = simulate(scenario);
  CHECK(done.classes == static_cast<std::size_t>(state.range(0)), done.classes);
  CHECK(done.seconds == folded, done.seconds, folded);
  report(state, done);
}
BENCHMARK(experts_one_by_one)->Arg(64)->Arg(512)->Arg(1'024)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery
