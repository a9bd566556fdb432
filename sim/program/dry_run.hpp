// Executes a Program without time: which tasks can ever end, and does memory ever go below nothing?
//
// Each lane of each class runs as far as it can; a collective ends when every member has joined. As
// nothing but order decides what can begin, a task that does not end here never ends in simulated
// time either: the program has a deadlock. Linear in the tasks executed. The program's identities
// must be in range and the members of each group must agree on their operations (verify() sees to
// both first).
#pragma once

#include "program/program.hpp"

#include <string>
#include <vector>

namespace orrery {

/// Sentences about deadlocks and about releases that can come before their allocation.
std::vector<std::string> dry_run(const Program& program);

}  // namespace orrery
