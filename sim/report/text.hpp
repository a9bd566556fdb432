// The summary that a person reads, made for 80 to 100 columns.
//
// The verdict first, then speed, where the time and the memory went, the pipeline's stages, links,
// the claims that were made and what to change. All but the last line (what the simulation itself
// cost) is the same in every run of a scenario.
#pragma once

#include "report/table.hpp"

#include <string>

namespace orrery {

struct Summary;

std::string to_text(const Summary& summary, Colour colour = Colour::off);

/// What the simulation itself cost: the one line that differs between runs.
std::string simulation_line(const Summary& summary);

}  // namespace orrery
