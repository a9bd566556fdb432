#include "validation/run_rows.hpp"

#include <algorithm>
#include <utility>

namespace orrery {

namespace {

/// Two rows with the same one are the same run.
std::string identity(const MeasuredRow& row) {
  std::string text = row.scenario;
  for (const Assignment& assignment : row.settings) {
    text += '\n' + assignment.key + '=' + assignment.text;
  }
  return text;
}

void add_sentence(const std::string& sentence, std::string& text) {
  if (text.find(sentence) != std::string::npos) return;
  text += (text.empty() ? "" : "; ") + sentence;
}

bool prevents(const Finding& finding) {
  return finding.severity == Severity::error || finding.code == "not_executed";
}

}  // namespace

std::string sentence_of(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) {
    if (diagnostic.severity == Severity::error) add_sentence(diagnostic.message, text);
  }
  return text;
}

MfuConvention mfu_convention(const MeasuredRow& row) {
  return row.cell("mfu_convention") == "causal" ? MfuConvention::causal : MfuConvention::full;
}

RunRows::RunRows(LoadOptions options, RunScenario run)
    : options_(std::move(options)), run_(std::move(run)) {
  options_.illegal = Illegal::report;
}

RunRows::Outcome RunRows::simulate(const MeasuredRow& row) const {
  Outcome outcome;
  LoadOptions options = options_;
  options.overrides.insert(options.overrides.begin(), row.settings.begin(), row.settings.end());
  try {
    Scenario scenario = load_scenario(row.scenario, options);
    for (const Finding& finding : scenario.findings) {
      if (prevents(finding)) add_sentence(finding.message, outcome.objection);
    }
    if (outcome.objection.empty()) outcome.figures = run_(scenario);
    outcome.scenario = std::move(scenario);
  } catch (const InvalidScenario& invalid) {
    outcome.objection = sentence_of(invalid.diagnostics());
  }
  return outcome;
}

const RunRows::Outcome& RunRows::outcome(const MeasuredRow& row) {
  const std::string key = identity(row);
  const auto known = outcomes_.find(key);
  if (known != outcomes_.end()) return known->second;
  return outcomes_.emplace(key, simulate(row)).first->second;
}

Prediction RunRows::predict(const MeasuredRow& row) {
  const Outcome& out = outcome(row);
  if (!out.objection.empty()) return {.metrics = {}, .components = {}, .objection = out.objection};
  return orrery::predict(*out.scenario, out.figures, mfu_convention(row));
}

}  // namespace orrery
