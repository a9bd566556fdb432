// What `run` says of a scenario that cannot be simulated, not even with the GPUs it lacks.
#pragma once

#include "cli/terminal.hpp"
#include "scenario/scenario.hpp"

#include <string>

namespace orrery {

/// The findings as sentences, what of the claims arithmetic can judge, and the nearest plans that
/// work.
std::string refusal_text(const Scenario& scenario, const Paint& paint);

/// The keys of `run --json` that are known without a run, times and memory being null, and those of
/// `check` about other plans.
std::string refusal_json(const Scenario& scenario);

}  // namespace orrery
