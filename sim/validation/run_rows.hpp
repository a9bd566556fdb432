// Rows of whole runs: each becomes a scenario, is judged and simulated.
//
// Rows that set the same keys to the same values are simulated once. A row that cannot be had (GPUs
// missing), cannot be (tp does not divide the heads) or is not executed by this version (which for
// a scenario of one's own may be but a warning) is objected to, with the words of the finding.
#pragma once

#include "scenario/load.hpp"
#include "validation/measured_table.hpp"
#include "validation/run_figures.hpp"

#include <map>
#include <optional>
#include <string>

namespace orrery {

class RunRows {
 public:
  /// `options` are how a row's scenario is loaded; the row's settings are laid over its overrides.
  RunRows(LoadOptions options, RunScenario run);

  Prediction predict(const MeasuredRow& row);

 private:
  struct Outcome {
    std::optional<Scenario> scenario;
    RunFigures figures;
    std::string objection;
  };

  const Outcome& outcome(const MeasuredRow& row);
  Outcome simulate(const MeasuredRow& row) const;

  LoadOptions options_;
  RunScenario run_;
  std::map<std::string, Outcome> outcomes_;  ///< by what the rows set
};

/// `mfu_convention` of a row: "full" or "causal"; full when it says nothing.
MfuConvention mfu_convention(const MeasuredRow& row);

/// The distinct messages of findings, joined; without their places.
std::string sentence_of(const std::vector<Diagnostic>& diagnostics);

}  // namespace orrery
