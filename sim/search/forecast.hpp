// What a simulated run says about a plan, in the few numbers that plans are compared by.
//
// Whoever joins the two halves of the simulator hands in a function that runs a scenario
// (`Simulate`); this folder judges plans and knows nothing of how they are run.
#pragma once

#include "report/summary.hpp"
#include "search/figures.hpp"

#include <functional>

namespace orrery {

struct Forecast {
  Seconds step_time;       ///< or latency, of passes without an optimizer
  BytesByCategory held{};  ///< of the fullest rank, at its peak
  Bytes peak;
  double tokens_per_s = 0.0;
  double sequences_per_s = 0.0;
  double busy_fraction = 0.0;     ///< of the average rank's time, computing
  Seconds communication;          ///< that the average rank waits for: not hidden behind computing
  double expert_imbalance = 0.0;  ///< fullest expert rank over the mean, less 1
};

/// Simulates a legal scenario.
using Simulate = std::function<Forecast(const Scenario&)>;

/// The few numbers out of a run's summary.
Forecast forecast_of(const Summary& summary);

/// Adds a run's numbers to those of arithmetic; where both know a figure, the run's stays.
void add_forecast(const Forecast& forecast, Figures& figures);

}  // namespace orrery
