// What `validate` says, as people read it.
#pragma once

#include "cli/terminal.hpp"
#include "validation/validation.hpp"

#include <string>

namespace orrery {

/// Every row, every group, all sources, and what was skipped.
std::string validate_text(const Validation& validation, const Paint& paint);

}  // namespace orrery
