// A scenario simulated and summarised, with the progress line on the terminal meanwhile.
#pragma once

#include "program/program.hpp"
#include "report/summary.hpp"
#include "scenario/scenario.hpp"
#include "timeline/sink.hpp"

#include <functional>
#include <string>

namespace orrery {

/// Where the rows of a run go, once its program is known. The sink outlives the run.
using MakeSink = std::function<TimelineSink&(const Program& program)>;

/// Simulates a legal scenario (is_legal). One that lacks GPUs runs as if they were there; its
/// findings say that they are not. Without `make_sink` the rows go nowhere.
Summary run_once(const Scenario& scenario, const MakeSink& make_sink = {});

/// The summary as JSON without what the simulation itself cost, which no two runs share.
std::string timeless_json(Summary summary);

/// The remarks on the input, to stderr.
void print_warnings(const Scenario& scenario);

}  // namespace orrery
