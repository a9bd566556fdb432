// What `run` says of a scenario that cannot be simulated, not even with the GPUs it lacks.
#pragma once

#include "scenario/scenario.hpp"

#include <string>

namespace orrery {

/// The findings as sentences, and where to go from here.
std::string refusal_text(const Scenario& scenario);

/// The keys of `run --json` that are known without a run; times and memory are null.
std::string refusal_json(const Scenario& scenario);

}  // namespace orrery
