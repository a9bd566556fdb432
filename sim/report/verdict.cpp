#include "report/verdict.hpp"

#include "report/summary.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// What the scenario itself was found to lack, GPUs before all.
std::vector<Verdict> scenario_verdicts(const Scenario& scenario) {
  std::vector<Verdict> all;
  for (const Finding& finding : scenario.findings) {
    const bool error = finding.severity == Severity::error;
    all.push_back(
        {finding.code, error ? Weight::error : Weight::warning, finding.message, finding.remedy});
  }
  return all;
}

}  // namespace

std::string_view to_string(Weight weight) {
  switch (weight) {
    case Weight::error:
      return "error";
    case Weight::warning:
      return "warning";
    case Weight::advice:
      return "advice";
  }
  return "";
}

std::vector<Verdict> find_verdicts(const VerdictInput& input) {
  std::vector<Verdict> all = scenario_verdicts(input.scenario);
  for (const auto part :
       {memory_verdicts, pipeline_verdicts, exchange_verdicts, compute_verdicts}) {
    for (Verdict& verdict : part(input)) all.push_back(std::move(verdict));
  }
  std::ranges::stable_sort(all, {}, &Verdict::weight);
  return all;
}

}  // namespace orrery
