// The summary as one JSON object, keys as in README.md, all values in SI base units.
//
// Keys stand in a fixed order. Numbers come from metrics.hpp, so that a figure has one name in
// JSON, in `[[expect]]` and in tables. Everything but `simulation.wall_s` and
// `simulation.peak_rss_bytes` is the same, byte for byte, in every run of a scenario.
#pragma once

#include <string>

namespace orrery {

struct Summary;

/// Indented by two, with a newline at the end.
std::string to_json(const Summary& summary);

}  // namespace orrery
