// The few numbers of a run that measured runs state.
//
// Who joins the two halves of the simulator hands in the function that runs a scenario; this folder
// compares and knows nothing of how scenarios are run.
#pragma once

#include "engine/engine.hpp"
#include "program/program.hpp"
#include "report/interval.hpp"
#include "scenario/scenario.hpp"
#include "validation/prediction.hpp"
#include "workload/flops.hpp"

#include <array>
#include <functional>
#include <map>
#include <string>

namespace orrery {

struct RunFigures {
  Seconds step_time{};      ///< or latency, of passes without an optimizer
  Bytes peak_memory{};      ///< allocated, of the fullest rank
  Bytes reserved_memory{};  ///< by its framework's allocator; differs where one is simulated
  /// Of the average rank, by component; with the bubble they sum to the step time.
  std::array<Seconds, component_count> by_component{};
  Seconds bubble{};
  StepInterval interval{};  ///< of the step time
  /// Of one layer, where all of them follow one another (validation/layer_times.hpp).
  std::map<std::string, double, std::less<>> of_a_layer{};
};

RunFigures run_figures(const Program& program, const RunResult& result);

/// Runs a legal scenario.
using RunScenario = std::function<RunFigures(const Scenario&)>;

/// Everything that a table of runs may state, under the names of its `measured.*` columns.
/// model_tflops_per_gpu and mfu count the model's operations by `convention`.
Prediction predict(const Scenario& scenario, const RunFigures& figures, MfuConvention convention);

}  // namespace orrery
