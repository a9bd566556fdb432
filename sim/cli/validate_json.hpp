// What `validate` says, as programs read it: errors are fractions, the rest in SI units.
#pragma once

#include "validation/validation.hpp"

#include <string>

namespace orrery {

/// One object {rows, groups, skipped}, and `overall`; a row of a run carries
/// `time_s`, where the time of its average rank went, `low` and `high` of figures that follow
/// from the step time, and the `columns` of the table that say what it is.
std::string validate_json(const Validation& validation);

}  // namespace orrery
