#include "validation/validation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace orrery {

namespace {

constexpr std::string_view source_column = "group";

/// Errors under a name and a metric, in the order in which they first appear.
class ErrorLists {
 public:
  void add(const std::string& group, const Comparison& comparison);
  std::vector<GroupErrors> statistics() const;

 private:
  struct List {
    std::string group;
    std::string metric;
    std::vector<double> errors;
    std::size_t judged = 0;  ///< rows with an interval
    std::size_t inside = 0;
  };
  std::vector<List> lists_;
};

void ErrorLists::add(const std::string& group, const Comparison& comparison) {
  const std::string& metric = comparison.metric;
  const auto same = [&](const List& list) { return list.group == group && list.metric == metric; };
  auto found = std::ranges::find_if(lists_, same);
  if (found == lists_.end()) found = lists_.insert(lists_.end(), {group, metric, {}, 0, 0});
  found->errors.push_back(comparison.error());
  if (!comparison.interval) return;
  ++found->judged;
  found->inside += comparison.interval->holds(comparison.measured) ? 1 : 0;
}

std::vector<GroupErrors> ErrorLists::statistics() const {
  std::vector<GroupErrors> out;
  for (const List& list : lists_) {
    GroupErrors group{list.group, list.metric, orrery::statistics(list.errors)};
    if (list.judged > 0) {
      group.errors.inside = static_cast<double>(list.inside) / static_cast<double>(list.judged);
    }
    out.push_back(std::move(group));
  }
  return out;
}

std::string cell_or_dash(const MeasuredRow& row, std::string_view column) {
  const std::string_view cell = row.cell(column);
  return cell.empty() ? "–" : std::string(cell);
}

bool is_known(const MeasuredRow& row) { return row.cell("assumed").empty(); }

/// Sums up the sources of each metric.
std::vector<OverallErrors> over_sources(const ErrorLists& sources, OverallErrors::Rows which) {
  std::vector<OverallErrors> out;
  std::vector<std::vector<ErrorStatistics>> parts;
  for (const GroupErrors& source : sources.statistics()) {
    auto found = std::ranges::find(out, source.metric, &OverallErrors::metric);
    if (found == out.end()) {
      found = out.insert(out.end(), {source.metric, which, 0, {}});
      parts.emplace_back();
    }
    parts[static_cast<std::size_t>(found - out.begin())].push_back(source.errors);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i].sources = parts[i].size();
    out[i].errors = mean_over_groups(parts[i]);
  }
  return out;
}

void sum_up(Validation& validation) {
  ErrorLists groups;
  ErrorLists sources;
  ErrorLists known_sources;
  for (const Comparison& comparison : validation.comparisons) {
    const MeasuredRow& row = validation.table.rows[comparison.row];
    const std::string source = cell_or_dash(row, source_column);
    groups.add(validation.group_of(row), comparison);
    sources.add(source, comparison);
    if (is_known(row)) known_sources.add(source, comparison);
  }
  validation.groups = groups.statistics();
  validation.overall = over_sources(sources, OverallErrors::Rows::all);
  if (std::ranges::find(validation.table.columns, "assumed") == validation.table.columns.end()) {
    return;
  }
  const std::vector<OverallErrors> known = over_sources(known_sources, OverallErrors::Rows::known);
  validation.overall.insert(validation.overall.end(), known.begin(), known.end());
}

void compare_row(std::size_t index, const Prediction& prediction, Validation& validation) {
  const MeasuredRow& row = validation.table.rows[index];
  std::string reason = prediction.objection;
  if (reason.empty() && row.measured.empty()) reason = "nothing was measured in this row";
  for (const Measurement& measurement : row.measured) {
    const auto predicted = prediction.metrics.find(measurement.metric);
    if (predicted != prediction.metrics.end()) {
      Comparison comparison{index, measurement.metric, predicted->second, measurement.value};
      const auto interval = prediction.intervals.find(measurement.metric);
      if (interval != prediction.intervals.end()) comparison.interval = interval->second;
      validation.comparisons.push_back(std::move(comparison));
    } else if (prediction.objection.empty()) {
      reason = fmt::format("{} is not predicted", measurement.metric);
    }
  }
  if (reason.empty()) return;
  validation.skipped.push_back({row.id, cell_or_dash(row, source_column), std::move(reason)});
}

void check_by(const MeasuredTable& table, const std::string& by) {
  const bool there = std::ranges::find(table.columns, by) != table.columns.end();
  if (there || by == source_column) return;
  Diagnostics diagnostics;
  diagnostics.error(
      {table.path.string(), 1, 1},
      fmt::format("there is no column '{}' to group by{}", by, did_you_mean(by, table.columns)));
  diagnostics.throw_if_errors();
}

}  // namespace

std::string Validation::group_of(const MeasuredRow& row) const { return cell_or_dash(row, by); }

Validation validate_table(MeasuredTable table, const std::string& by, const Predict& predict) {
  check_by(table, by);
  Validation validation;
  validation.table = std::move(table);
  validation.by = by;
  for (std::size_t i = 0; i < validation.table.rows.size(); ++i) {
    validation.predictions.push_back(predict(validation.table.rows[i]));
    compare_row(i, validation.predictions.back(), validation);
  }
  sum_up(validation);
  return validation;
}

}  // namespace orrery
