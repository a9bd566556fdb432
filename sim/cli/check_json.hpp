// What `check` says, as programs read it: SI units, keys as in the results of `run`.
#pragma once

#include "search/check.hpp"

#include <string>

namespace orrery {

std::string check_json(const Scenario& scenario, const CheckReport& report);

}  // namespace orrery
