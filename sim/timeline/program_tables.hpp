// The program inside a timeline file: tables of its kinds, scripts, lanes, tasks, waits, classes,
// groups and resources, so that a span (class, lane, position) finds its name and old files explain
// themselves. Lists of lists are one long column beside a column of lengths. What the operations
// put on the wire (phases, bundles, patterns) is left out: the link samples tell it.
#pragma once

#include "program/program.hpp"
#include "timeline/hdf5.hpp"

namespace orrery {

void write_program(hdf5::Writer& file, const Program& program);

/// The program as written, without phases and patterns. Refuses tables that do not fit together.
Program read_program(const hdf5::Reader& file);

}  // namespace orrery
