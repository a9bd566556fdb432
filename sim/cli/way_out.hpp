// What `run` adds to a summary from the checks of plans: why claims fail, which claims contradict
// one another, and, for a plan that does not work, the nearest ones that do.
//
// A plan that works and keeps its claims costs nothing here.
#pragma once

#include "cli/terminal.hpp"
#include "report/summary.hpp"
#include "scenario/scenario.hpp"

#include <string>

namespace orrery {

/// Gives each claim that failed without a reason the one that `check` finds for it.
Summary with_reasons(const Scenario& scenario, Summary summary);

/// Claims that do not go together; then, of a plan that does not work, those near it that do, the
/// launch line of the first and what to watch.
std::string way_out_text(const Scenario& scenario, const Summary& summary, const Paint& paint);

/// The summary's JSON; for a plan that does not work with `identities`, `remedies` and `launch` as
/// `check --json` has them.
std::string json_with_way_out(const Scenario& scenario, const Summary& summary);

}  // namespace orrery
