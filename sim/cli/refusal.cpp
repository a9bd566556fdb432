#include "cli/refusal.hpp"

#include "cli/check_json.hpp"
#include "cli/check_text.hpp"
#include "cli/forecast.hpp"
#include "scenario/validate.hpp"
#include "search/check.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

std::string_view word_for(Severity severity) {
  return severity == Severity::error ? "error" : "warning";
}

Json strategy_json(const Strategy& s) {
  return {{"tp", s.tp}, {"cp", s.cp},   {"pp", s.pp}, {"vpp", s.vpp},
          {"ep", s.ep}, {"etp", s.etp}, {"dp", s.dp}, {"world_size", s.world_size()}};
}

Json verdicts_json(const Scenario& scenario) {
  Json all = Json::array();
  for (const Finding& finding : scenario.findings) {
    all.push_back({{"code", finding.code},
                   {"severity", word_for(finding.severity)},
                   {"message", finding.message},
                   {"remedy", finding.remedy}});
  }
  return all;
}

/// What a run would have measured.
constexpr std::array figures = {
    "step_time_s", "tokens_per_s",         "sequences_per_s",   "tokens_per_s_per_gpu", "mfu",
    "hfu",         "model_tflops_per_gpu", "gpu_busy_fraction", "bubble_fraction",      "time_s",
    "memory"};

}  // namespace

std::string refusal_text(const Scenario& scenario, const Paint& paint) {
  const CheckReport report = check(scenario, simulate_scenario);
  std::string text = fmt::format("{}: {}\n", paint.bold(scenario.name), paint.error("cannot run"));
  for (const Finding& finding : scenario.findings) {
    text += fmt::format("  {}: {}: {}\n", to_string(finding.position), word_for(finding.severity),
                        to_sentence(finding));
  }
  text += "Nothing was simulated.\n";
  return text + claim_text(report, paint) + remedy_text(report, paint);
}

std::string refusal_json(const Scenario& scenario) {
  Json json;
  json["scenario"] = scenario.name;
  json["strategy"] = strategy_json(scenario.strategy);
  json["feasible"] = false;
  json["verdicts"] = verdicts_json(scenario);
  json["gpus_required"] = gpus_required(scenario);
  json["gpus_available"] = gpus_available(scenario);
  for (const char* figure : figures) json[figure] = nullptr;
  return with_remedies(json.dump(), check(scenario, simulate_scenario));
}

}  // namespace orrery
