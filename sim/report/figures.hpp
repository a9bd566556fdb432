// The parts of a summary that need the program or the plan at hand: sums over classes of ranks and
// of links. summarize() puts them together.
#pragma once

#include "report/summary.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// Of the average rank.
TimeShares average_time(const Program& program, const RunResult& result);

/// The fullest rank; the first of equally full classes.
MemorySummary memory_summary(const SummaryInput& input);

/// By kind of link, in the order of the kinds' names; kinds that nothing crossed are left out.
std::vector<LinkSummary> link_summaries(const Program& program, const RunResult& result);

/// By pipeline stage.
std::vector<StageSummary> stage_summaries(const SummaryInput& input);

/// Layers of the model that a stage holds; the embedding and the head are none.
std::int64_t layer_count(const StagePlan& stage);

/// Of the plan alone: what it does to the step time is left to who has run it.
RoutingSummary routing_summary(const Plan& plan);

Bytes total_of(const BytesByCategory& held);

}  // namespace orrery
