// What must hold for any text at all that claims to be a scenario: it is refused with findings that
// point into the text (or at what it names), or it loads, and its normal form loads back as itself.
#pragma once

#include "scenario/load.hpp"

#include <algorithm>
#include <string>

namespace orrery::fuzz {

inline const LoadOptions& from_checkout() {
  static const LoadOptions options{.search_paths = {"."}};
  return options;
}

/// Findings about "s.toml" that stand where its text has no line.
inline bool points_beside(const InvalidScenario& refusal, const std::string& text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  return std::ranges::any_of(refusal.diagnostics(), [&](const Diagnostic& finding) {
    return finding.message.empty() ||
           (finding.position.file == "s.toml" && finding.position.line > lines);
  });
}

/// A sentence about what does not hold; empty when all is well.
inline std::string broken_promise_of_scenario(const std::string& text) {
  std::string normalised;
  try {
    normalised = load_scenario_text(text, "s.toml", from_checkout()).normalised;
  } catch (const InvalidScenario& refusal) {
    if (refusal.diagnostics().empty()) return "refused without a finding";
    return points_beside(refusal, text) ? "a finding beside the text" : "";
  }
  try {
    const Scenario again = load_scenario_text(normalised, "n.toml", from_checkout());
    return again.normalised == normalised ? "" : "the normal form is not its own";
  } catch (const InvalidScenario& refusal) {
    return std::string("the normal form is refused: ") + refusal.what();
  }
}

}  // namespace orrery::fuzz
