#include "cli/forecast.hpp"

#include "cli/simulate.hpp"
#include "report/summary.hpp"

namespace orrery {

Forecast simulate_scenario(const Scenario& scenario) {
  const Prepared prepared = prepare(scenario);
  NullSink nowhere;
  const RunResult result = run(prepared, scenario, nowhere);
  return forecast_of(summarize({.scenario = scenario,
                                .plan = prepared.plan,
                                .program = prepared.program,
                                .result = result}));
}

}  // namespace orrery
