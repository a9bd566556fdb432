// Program as text and back: readable, diffable, what tests are written in. parse(print(p)) == p.
#pragma once

#include "base/diagnostics.hpp"
#include "program/program.hpp"

#include <string>
#include <string_view>

namespace orrery {

std::string print_program(const Program& program);

/// Throws InvalidScenario with positions in `file` (line:column) for anything it does not
/// understand.
Program parse_program(std::string_view text, std::string_view file = "program");

}  // namespace orrery
