// A quick run without a timeline: what `check` compares plans by.
#pragma once

#include "search/forecast.hpp"

namespace orrery {

/// Prepares and runs a legal scenario; rows of the timeline go nowhere.
Forecast simulate_scenario(const Scenario& scenario);

}  // namespace orrery
