// What `validate` says, as programs read it: errors are fractions, the rest in SI units.
#pragma once

#include "validation/validation.hpp"

#include <string>

namespace orrery {

/// One object {rows, groups, skipped}, and `overall`; a row of a run carries
/// `time_s`, where the time of its average rank went.
std::string validate_json(const Validation& validation);

}  // namespace orrery
