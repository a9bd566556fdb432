// A verdict on a scenario as a value: what is the matter and what would mend it.
//
// What makes a scenario meaningless is an error of its input; what it merely cannot have (more GPUs
// than there are, more memory than a GPU holds) is a finding, and the run goes on to say what would
// be.
#pragma once

#include "base/diagnostics.hpp"

#include <string>

namespace orrery {

struct Finding {
  std::string code;  ///< stable, for programs: "gpus_missing"
  Severity severity = Severity::error;
  std::string message;  ///< what was found
  std::string remedy;   ///< what would be right; may be empty
  SourcePosition position;
};

/// "what was found; what would be right".
std::string to_sentence(const Finding& finding);

}  // namespace orrery
