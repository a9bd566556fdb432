// Where a figure comes from, in one line: the arithmetic behind what Orrery finds.
#pragma once

#include "search/feasibility.hpp"

#include <string>
#include <string_view>

namespace orrery {

/// "16 layers of 64 experts of 134.2 M parameters, …"; empty for figures that only a run explains.
std::string account_for(const Scenario& scenario, const Feasibility& feasibility,
                        std::string_view metric);

}  // namespace orrery
