// What must hold for any text at all that claims to be a program: it is refused with a diagnostic,
// or it is read, verified without harm, and reads back from its own print as the same program.
#pragma once

#include "program/text.hpp"
#include "program/verify.hpp"

#include <string>
#include <string_view>

namespace orrery::fuzz {

/// A sentence about what does not hold; empty when all is well.
inline std::string broken_promise(std::string_view text) {
  Program program;
  try {
    program = parse_program(text);
  } catch (const InvalidScenario& refusal) {
    return refusal.diagnostics().empty() ? "refused without a diagnostic" : "";
  }
  verify(program);
  return parse_program(print_program(program)) == program ? "" : "reads back as another program";
}

}  // namespace orrery::fuzz
