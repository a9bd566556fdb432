// All verbs: what `orrery VERB` can be. To add one: its file, its line here, its row in verbs.cpp.
#pragma once

#include "cli/options.hpp"

#include <span>

namespace orrery {

namespace verbs {
extern const Verb check;
extern const Verb collective;
extern const Verb compare;
extern const Verb help;
extern const Verb kernel;
extern const Verb list;
extern const Verb run;
extern const Verb trace;
extern const Verb validate;
}  // namespace verbs

/// In the order in which help lists them.
std::span<const Verb* const> all_verbs();

/// The verb of that name. Throws UsageError with the nearest one.
const Verb& find_verb(std::string_view name);

}  // namespace orrery
