// Predicted against measured: every row of a table, then what the errors come to.
//
// An error is predicted ÷ measured − 1. Rows are grouped by any column and metric; the overall
// figure of a metric weighs every *source* (column `group`) the same, whatever one groups by, so
// that a source with many rows does not drown the others. Where a table has a column `assumed`,
// rows in which it is empty state their whole configuration: they are summed up on their own too.
// A row for which nothing is predicted is listed with its reason.
#pragma once

#include "validation/measured_table.hpp"
#include "validation/prediction.hpp"
#include "validation/statistics.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace orrery {

struct Comparison {
  std::size_t row = 0;  ///< of the table
  std::string metric;
  double predicted = 0.0;
  double measured = 0.0;
  std::optional<Interval> interval{};  ///< of the predicted value

  double error() const { return predicted / measured - 1.0; }
};

struct SkippedRow {
  std::string id;
  std::string group;  ///< its source
  std::string reason;
};

struct GroupErrors {
  std::string group;
  std::string metric;
  ErrorStatistics errors;
};

/// One metric over all sources.
struct OverallErrors {
  std::string metric;
  enum class Rows : std::uint8_t { all, known } which = Rows::all;  ///< known: nothing assumed
  std::size_t sources = 0;
  ErrorStatistics errors;
};

struct Validation {
  MeasuredTable table;
  std::string by;                       ///< the column that groups are made of
  std::vector<Comparison> comparisons;  ///< in the order of the rows
  std::vector<Prediction> predictions;  ///< by row
  std::vector<SkippedRow> skipped;
  std::vector<GroupErrors> groups;  ///< in the order in which they appear
  std::vector<OverallErrors> overall;

  /// The group of a row, "–" for an empty cell.
  std::string group_of(const MeasuredRow& row) const;
};

using Predict = std::function<Prediction(const MeasuredRow&)>;

/// Throws InvalidScenario if the table has no column `by` (unless it is the usual one, `group`).
Validation validate_table(MeasuredTable table, const std::string& by, const Predict& predict);

}  // namespace orrery
