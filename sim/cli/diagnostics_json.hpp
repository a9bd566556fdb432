// What --json prints when the input is wrong: the findings as one object, for programs.
//
// A finding's sentence says what was found and, behind its first semicolon, what would be right:
// `message` and `remedy` are these two, and joined by "; " they are the sentence that stderr shows.
#pragma once

#include "base/diagnostics.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// {"error": "invalid input", "diagnostics": [{file, line, column, severity, message, remedy}]};
/// file, line and column are null where there is none.
std::string diagnostics_json(const std::vector<Diagnostic>& all);

/// The same with what could be told all the same in front: `json`, an object.
std::string with_diagnostics(std::string_view json, const std::vector<Diagnostic>& all);

/// {"error": "internal fault", "message": ...}.
std::string fault_json(std::string_view message);

}  // namespace orrery
