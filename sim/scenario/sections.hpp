// The table of a scenario that belongs to nobody else: `[fidelity]`.
#pragma once

#include "base/settings.hpp"
#include "scenario/scenario.hpp"

namespace orrery {

Fidelity read_fidelity(const Settings& scenario);

}  // namespace orrery
