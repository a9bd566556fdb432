#include "cli/simulate.hpp"

#include "base/check.hpp"
#include "base/diagnostics.hpp"
#include "lower/lower.hpp"
#include "program/verify.hpp"

#include <cmath>
#include <string>

namespace orrery {

namespace {

LowerOptions lower_options(const Scenario& scenario) {
  LowerOptions options{
      .fold = scenario.fidelity.fold ? Fold::on : Fold::off,
      .steps = scenario.fidelity.explicit_steps ? Steps::explicit_steps : Steps::bundled,
      .collectives = {.library = scenario.software.collectives, .algorithm = {}},
      .kernel_times = scenario.fidelity.kernel_times,
      .slow_ranks = {}};
  for (const Straggler& straggler : scenario.stragglers) {
    options.slow_ranks.push_back(
        {id_at<RankId>(static_cast<std::size_t>(straggler.rank)), straggler.slowdown});
  }
  return options;
}

void check_sound(const Program& program) {
  const std::vector<std::string> findings = verify(program);
  CHECK(findings.empty(), findings.front());
}

/// What all ranks executed together is the model's formula, whatever the strategy: every layer ran
/// once for every micro-batch, and the shares add up. Recomputation is booked apart.
void check_flops(const Prepared& prepared, const RunResult& result) {
  constexpr double tolerance = 1e-9;
  double executed = 0.0;
  for (std::size_t c = 0; c < prepared.program.classes.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    executed += static_cast<double>(prepared.program.classes[id].count) * result.time[id].flops;
  }
  const double wanted = prepared.plan.model_flops;
  CHECK(std::abs(executed - wanted) <= tolerance * wanted, executed, wanted);
}

}  // namespace

Prepared prepare(const Scenario& scenario) {
  Diagnostics diagnostics;
  Cluster cluster =
      build_cluster(scenario.cluster, scenario.gpus, scenario.link_faults, diagnostics);
  diagnostics.throw_if_errors();
  Plan plan = make_plan({scenario.model, scenario.software, scenario.job, scenario.strategy});
  Program program = lower(plan, cluster, lower_options(scenario));
  program.name = scenario.name;
  check_sound(program);
  return {std::move(cluster), std::move(plan), std::move(program)};
}

RunResult run(const Prepared& prepared, const Scenario& scenario, TimelineSink& sink) {
  const auto& resources = prepared.program.resources;
  const auto network = scenario.fidelity.network == NetworkKind::fair_share
                           ? make_fair_share_network(resources)
                           : make_alpha_beta_network(resources);
  const EngineOptions options{.interference = scenario.fidelity.interference ? Interference::on
                                                                             : Interference::off};
  RunResult result = execute(prepared.program, *network, sink, options);
  check_flops(prepared, result);
  return result;
}

}  // namespace orrery
