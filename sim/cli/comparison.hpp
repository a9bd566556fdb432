// Several runs side by side: every figure, its ratio to the first, and which of them nobody beats.
//
// A run is on the Pareto front when no other feasible one is at least as good in time, cost and
// GPUs together and better in one of them. Time is that of a token, so that runs of unlike batches
// compare.
#pragma once

#include "report/summary.hpp"

#include <string>
#include <vector>

namespace orrery {

/// For each summary whether it is on the front; infeasible ones never are, unless all are.
std::vector<bool> pareto_front(const std::vector<Summary>& summaries);

std::string comparison_text(const std::vector<Summary>& summaries);
std::string comparison_json(const std::vector<Summary>& summaries);

}  // namespace orrery
