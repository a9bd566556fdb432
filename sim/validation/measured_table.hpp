// A table of things that were measured: what each column of a CSV file means.
//
// `measured.*` holds what was measured, `scenario` a file to start from. A column that begins like
// a key of a scenario (`model`, `gpus`, `workload.`, `strategy.`, …), or with `kernel.` or
// `collective.`, sets that key; an empty cell leaves its default. Everything else is carried along
// and can be grouped by. What one file measures is of one kind: whole runs, kernels or collectives.
#pragma once

#include "base/diagnostics.hpp"
#include "scenario/assignment.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

struct Measurement {
  std::string metric;  ///< "step_time_s"
  double value = 0.0;  ///< SI base units; positive
};

struct MeasuredRow {
  std::string id;
  std::string scenario;  ///< path of the file to start from, or empty
  std::vector<Assignment> settings;
  std::vector<Measurement> measured;
  std::map<std::string, std::string, std::less<>> cells;  ///< all that are not empty, by column
  SourcePosition position;

  /// The cell of a column as written, "" when empty.
  std::string_view cell(std::string_view column) const;
};

enum class MeasuredKind : std::uint8_t { run, kernel, collective };

struct MeasuredTable {
  std::filesystem::path path;
  MeasuredKind kind = MeasuredKind::run;
  std::vector<std::string> columns;
  std::vector<MeasuredRow> rows;
};

/// Throws InvalidScenario with all that is wrong in the table itself; what a cell sets is judged by
/// who reads that key.
MeasuredTable read_measured_table(const std::filesystem::path& path);

}  // namespace orrery
