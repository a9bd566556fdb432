// Program as text and back: readable, diffable, what tests are written in. parse(print(p)) == p for
// every sound program whose scripts come from a ScriptBuilder (which fixes the order of the waits).
//
// One statement a line; # begins a comment; identities are a letter and a number and count up from
// zero: resource r0, pattern x0, plan p0, kind k0, script s0, group g0, class c0. README.md has an
// example.
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
