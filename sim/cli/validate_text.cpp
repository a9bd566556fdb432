#include "cli/validate_text.hpp"

#include "base/units_text.hpp"
#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace orrery {

namespace {

std::string figure(const std::string& metric, double value) {
  if (metric.ends_with("bytes_per_s")) return format_rate(BytesPerSecond(value));
  if (metric.ends_with("_bytes")) return format_bytes(Bytes(static_cast<std::int64_t>(value)));
  if (metric.ends_with("_s") && !metric.ends_with("per_s")) {
    return format_seconds(Seconds(value));
  }
  if (metric == "mfu") return format_percent(value);
  return fmt::format("{:.4g}", value);
}

std::string signed_percent(double error) { return fmt::format("{:+.1f} %", 100.0 * error); }
std::string percent(double error) { return fmt::format("{:.1f} %", 100.0 * error); }

std::string bound(const Comparison& comparison, double Interval::*side) {
  const auto& interval = comparison.interval;
  return interval ? figure(comparison.metric, (*interval).*side) : std::string();
}

std::string row_text(const Validation& validation) {
  AlignedTable table({{"row"},
                      {validation.by},
                      {"metric"},
                      {"predicted", Align::right},
                      {"10 %", Align::right},
                      {"90 %", Align::right},
                      {"measured", Align::right},
                      {"error", Align::right}});
  for (const Comparison& comparison : validation.comparisons) {
    const MeasuredRow& row = validation.table.rows[comparison.row];
    table.add({row.id, validation.group_of(row), comparison.metric,
               figure(comparison.metric, comparison.predicted), bound(comparison, &Interval::low),
               bound(comparison, &Interval::high), figure(comparison.metric, comparison.measured),
               signed_percent(comparison.error())});
  }
  return table.text();
}

std::vector<std::string> cells(std::string name, const std::string& metric,
                               const ErrorStatistics& errors) {
  return {std::move(name),
          metric,
          fmt::format("{}", errors.rows),
          percent(errors.mean_absolute),
          percent(errors.median_absolute),
          percent(errors.p90_absolute),
          signed_percent(errors.worst),
          signed_percent(errors.bias),
          errors.inside ? fmt::format("{:.0f} %", 100.0 * *errors.inside) : std::string()};
}

AlignedTable error_table(const std::string& first) {
  constexpr Align right = Align::right;
  return AlignedTable({{first},
                       {"metric"},
                       {"rows", right},
                       {"mean", right},
                       {"median", right},
                       {"p90", right},
                       {"worst", right},
                       {"bias", right},
                       {"in 10–90 %", right}});
}

std::string group_text(const Validation& validation) {
  AlignedTable table = error_table(validation.by);
  for (const GroupErrors& group : validation.groups) {
    table.add(cells(group.group, group.metric, group.errors));
  }
  return table.text();
}

std::string overall_text(const Validation& validation) {
  AlignedTable table = error_table("sources, each weighing the same");
  for (const OverallErrors& overall : validation.overall) {
    const bool known = overall.which == OverallErrors::Rows::known;
    const std::string name =
        fmt::format("{} source{}{}", overall.sources, overall.sources == 1 ? "" : "s",
                    known ? ", everything known" : "");
    table.add(cells(name, overall.metric, overall.errors));
  }
  return table.text();
}

/// Rows of one reason stand together: the reason, then their names.
std::string skipped_text(const Validation& validation, const Paint& paint) {
  std::vector<std::string> reasons;
  for (const SkippedRow& row : validation.skipped) {
    if (std::ranges::find(reasons, row.reason) == reasons.end()) reasons.push_back(row.reason);
  }
  const std::size_t count = validation.skipped.size();
  const std::string_view noun = count == 1 ? "row" : "rows";
  std::string text = paint.warning(fmt::format("{} {} skipped", count, noun)) + "\n";
  for (const std::string& reason : reasons) {
    std::string names;
    for (const SkippedRow& row : validation.skipped) {
      if (row.reason == reason) names += " " + row.id;
    }
    text += fmt::format("  {}:{}\n", reason, names);
  }
  return text;
}

}  // namespace

std::string validate_text(const Validation& validation, const Paint& paint) {
  std::string text;
  if (!validation.comparisons.empty()) {
    text = fmt::format("{}\n{}\n{}", row_text(validation), group_text(validation),
                       overall_text(validation));
  }
  if (!validation.skipped.empty()) {
    text += (text.empty() ? "" : "\n") + skipped_text(validation, paint);
  }
  return text;
}

}  // namespace orrery
