#include "cli/run_once.hpp"

#include "cli/progress.hpp"
#include "cli/simulate.hpp"
#include "cli/terminal.hpp"
#include "report/json.hpp"
#include "scenario/faults.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <optional>

namespace orrery {

namespace {

/// The scenario on a cluster that has the GPUs it needs.
Scenario with_enough_gpus(Scenario scenario) {
  scenario.gpus = std::max(scenario.gpus, gpus_required(scenario));
  auto& nodes = scenario.cluster.nodes;
  const std::int64_t per_node = scenario.cluster.gpus_per_node;
  const std::int64_t wanted = gpus_spanned(scenario, scenario.gpus);
  if (nodes) nodes = std::max(*nodes, (wanted + per_node - 1) / per_node);
  return scenario;
}

/// What the step takes when every expert is as full as every other, where that is not so already.
std::optional<Seconds> forced_step_time(Scenario scenario, const Plan& plan) {
  const Routing& routing = scenario.job.routing;
  const bool forced = routing.kind == RoutingKind::forced && routing.capacity_factor == 0.0;
  if (plan.loads.empty() || forced) return std::nullopt;
  scenario.job.routing = {.kind = RoutingKind::forced};
  NullSink nowhere;
  return to_seconds(run(prepare(scenario), scenario, nowhere).end);
}

std::int64_t peak_resident_bytes() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::int64_t>(usage.ru_maxrss) * 1024;  // Linux counts in KiB
}

}  // namespace

Summary run_once(const Scenario& scenario, const MakeSink& make_sink) {
  const auto begin = std::chrono::steady_clock::now();
  Progress progress(scenario.name);
  const Scenario enough = with_enough_gpus(scenario);
  const Prepared prepared = prepare(enough);
  NullSink nowhere;
  TimelineSink& rows = make_sink ? make_sink(prepared.program) : nowhere;
  ProgressSink sink(rows, progress, task_count(prepared.program));
  const RunResult result = run(prepared, enough, sink);
  const std::optional<Seconds> forced = forced_step_time(enough, prepared.plan);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  return summarize({.scenario = scenario,
                    .plan = prepared.plan,
                    .program = prepared.program,
                    .result = result,
                    .cost = {.wall_s = wall.count(), .peak_rss_bytes = peak_resident_bytes()},
                    .forced_step_time = forced,
                    .evidence = &prepared.evidence});
}

std::string timeless_json(Summary summary) {
  summary.simulation.cost = {};
  return to_json(summary);
}

void print_warnings(const Scenario& scenario) {
  const Paint paint(stderr);
  for (const Diagnostic& warning : scenario.warnings) {
    fmt::print(stderr, "{}\n", painted(warning, paint));
  }
}

}  // namespace orrery
