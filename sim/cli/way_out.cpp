#include "cli/way_out.hpp"

#include "cli/check_json.hpp"
#include "cli/check_text.hpp"
#include "cli/forecast.hpp"
#include "report/json.hpp"
#include "search/check.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// The claims of the scenario against what the run found.
std::vector<Claim> claims_of(const Scenario& scenario, const Summary& summary) {
  const Feasibility feasibility = judge_feasibility(scenario);
  Figures figures = arithmetic_figures(scenario, feasibility);
  add_forecast(forecast_of(summary), figures);
  return judge_claims(scenario, feasibility, figures);
}

bool is_unexplained(const Judgement& judgement) {
  return !judgement.ok && judgement.reason.empty();
}

/// Claims of a plan that works are worth a line only when they contradict one another.
bool has_contradiction(const std::vector<Identity>& identities) {
  return !std::ranges::all_of(identities, &Identity::holds);
}

}  // namespace

Summary with_reasons(const Scenario& scenario, Summary summary) {
  if (std::ranges::none_of(summary.expects, is_unexplained)) return summary;
  const std::vector<Claim> claims = claims_of(scenario, summary);
  for (std::size_t i = 0; i < summary.expects.size(); ++i) {
    Judgement& judgement = summary.expects[i];
    if (is_unexplained(judgement)) judgement.reason = claims[i].reason;
  }
  return summary;
}

std::string way_out_text(const Scenario& scenario, const Summary& summary, const Paint& paint) {
  const std::vector<Identity> identities = judge_identities(scenario);
  std::string text;
  if (!summary.feasible || has_contradiction(identities)) text = identities_text(identities, paint);
  if (summary.feasible) return text;
  return text + remedy_text(check(scenario, simulate_scenario), paint);
}

std::string json_with_way_out(const Scenario& scenario, const Summary& summary) {
  const std::string json = to_json(summary);
  return summary.feasible ? json : with_remedies(json, check(scenario, simulate_scenario));
}

}  // namespace orrery
