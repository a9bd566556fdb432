#include "search/check.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// What does not fit can still be run, to know how long it would take; what does not exist cannot.
bool can_run(const Feasibility& feasibility) {
  if (!feasibility.plan) return false;
  return std::ranges::all_of(feasibility.verdicts, [](const Finding& finding) {
    return finding.severity != Severity::error || finding.code == "memory_exceeded";
  });
}

bool needs_a_run(const Scenario& scenario, const Figures& figures) {
  return std::ranges::any_of(scenario.expectations, [&](const Expectation& expectation) {
    return !figures.find(expectation.metric);
  });
}

/// Whether stacks have flags for what a plan says: none has one for uneven shares of replicas.
bool has_launcher(const Scenario& scenario) { return !scenario.strategy.has_uneven_batches(); }

}  // namespace

bool CheckReport::passes() const {
  return feasibility.feasible() &&
         std::ranges::none_of(claims,
                              [](const Claim& c) { return c.state == ClaimState::fails; }) &&
         std::ranges::all_of(identities, &Identity::holds);
}

CheckReport check(const Scenario& scenario, const Simulate& simulate) {
  CheckReport report{.feasibility = judge_feasibility(scenario),
                     .figures = {},
                     .forecast = {},
                     .claims = {},
                     .identities = judge_identities(scenario),
                     .remedies = {},
                     .launch = {}};
  report.figures = arithmetic_figures(scenario, report.feasibility);
  if (can_run(report.feasibility) && needs_a_run(scenario, report.figures)) {
    report.forecast = simulate(scenario);
    add_forecast(*report.forecast, report.figures);
  }
  report.claims = judge_claims(scenario, report.feasibility, report.figures);
  if (!report.feasibility.feasible()) report.remedies = find_remedies(scenario, simulate);
  if (!report.remedies.empty()) {
    const Remedy& first = report.remedies[0];
    if (has_launcher(first.scenario)) report.launch = launch_of(first.scenario, first.forecast);
  } else if (report.feasibility.feasible() && report.forecast && has_launcher(scenario)) {
    report.launch = launch_of(scenario, *report.forecast);
  }
  return report;
}

}  // namespace orrery
