// Does a Program make sense? Checked always, before time starts, in linear time.
//
// Found are: identities out of range; waits on tasks that do not exist; groups whose members join
// different numbers or kinds of operations, or in another order; a group used from two lanes of a
// rank; more memory released than was allocated, or memory never released; patterns that name a
// resource twice; multiplicities that do not add up; and deadlocks (cycles of waits and
// rendezvous).
#pragma once

#include "program/program.hpp"

#include <string>
#include <vector>

namespace orrery {

/// Sentences about what is wrong, most fundamental first; empty when the program is sound.
std::vector<std::string> verify(const Program& program);

}  // namespace orrery
