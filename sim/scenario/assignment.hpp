// One key set from outside a scenario's file: `--set strategy.tp=4`, or a cell of a table of runs.
#pragma once

#include "base/diagnostics.hpp"

#include <string>

namespace orrery {

struct Assignment {
  std::string key;   ///< dotted: "strategy.tp"
  std::string text;  ///< what would stand right of `=`; the quotes of a text may be left out
  SourcePosition position;
};

/// "strategy.tp=4" as an assignment that stands at "--set strategy.tp". Throws InvalidScenario.
Assignment parse_override(const std::string& text);

}  // namespace orrery
