// What `check` says, as programs read it: SI units, keys as in the results of `run`.
#pragma once

#include "search/check.hpp"

#include <string>

namespace orrery {

std::string check_json(const Scenario& scenario, const CheckReport& report);

/// An object of `run`, as text, with the keys `identities`, `remedies` and `launch` of `check`.
std::string with_remedies(const std::string& result, const CheckReport& report);

}  // namespace orrery
