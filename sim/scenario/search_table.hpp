// `[search]`: over what strategies are to be searched, for what, and how long.
//
//   objective  what ranks strategies, a name of search_objectives()
//   budget     how long to search ("10 min"), or how many strategies to simulate at most
//   [search.axes]     values for keys of [strategy], for micro_batch and for gpus, each an array
//   [[search.bound]]  what a strategy must keep: metric with at_most or at_least, as in [[expect]]
//
// A value of an axis must be one that its key could have. The table is checked whenever a scenario
// is loaded, so that a mistake in it shows before a search begins.
#pragma once

#include "base/settings.hpp"

#include <string>
#include <vector>

namespace orrery {

const std::vector<std::string>& search_objectives();

void check_search(const Settings& scenario);

}  // namespace orrery
