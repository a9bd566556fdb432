// The tables of a scenario that belong to nobody else: `[fidelity]` and `[[fault]]`.
#pragma once

#include "base/settings.hpp"
#include "scenario/scenario.hpp"

#include <vector>

namespace orrery {

Fidelity read_fidelity(const Settings& scenario);

struct Faults {
  std::vector<Straggler> stragglers;
  std::vector<LinkFault> links;
};
/// kind = "straggler" (rank, slowdown), "degraded_link" (link, capacity_factor), "failed_link"
/// (link).
Faults read_faults(const Settings& scenario);

}  // namespace orrery
