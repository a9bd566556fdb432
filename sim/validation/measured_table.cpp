#include "validation/measured_table.hpp"

#include "base/csv.hpp"
#include "scenario/files.hpp"
#include "scenario/toml_scan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>

namespace orrery {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view measured_prefix = "measured.";

/// First parts of keys that tables set.
constexpr std::array<std::string_view, 8> run_keys = {
    "model", "cluster", "gpus", "seed", "software", "workload", "strategy", "fidelity"};

std::string_view first_part(std::string_view column) { return column.substr(0, column.find('.')); }

bool sets_key(std::string_view column, MeasuredKind kind) {
  switch (kind) {
    case MeasuredKind::run:
      return std::ranges::find(run_keys, first_part(column)) != run_keys.end();
    case MeasuredKind::kernel:
      return column.starts_with("kernel.");
    case MeasuredKind::collective:
      return column.starts_with("collective.");
  }
  return false;
}

MeasuredKind kind_of(const CsvTable& csv) {
  for (const CsvCell& column : csv.header) {
    if (column.text.starts_with("kernel.")) return MeasuredKind::kernel;
    if (column.text.starts_with("collective.")) return MeasuredKind::collective;
  }
  return MeasuredKind::run;
}

std::optional<double> positive_number(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  const bool whole = end == text.c_str() + text.size();
  if (!whole || !std::isfinite(value) || value <= 0.0) return std::nullopt;
  return value;
}

class Rows {
 public:
  Rows(const CsvTable& csv, MeasuredKind kind, Diagnostics& diagnostics)
      : csv_(csv), kind_(kind), diagnostics_(diagnostics) {}

  MeasuredRow read(const CsvRecord& record) const;

 private:
  void read_cell(const std::string& column, const CsvCell& cell, MeasuredRow& row) const;

  const CsvTable& csv_;
  MeasuredKind kind_;
  Diagnostics& diagnostics_;
};

void Rows::read_cell(const std::string& column, const CsvCell& cell, MeasuredRow& row) const {
  row.cells.emplace(column, cell.text);
  if (column == "id") row.id = cell.text;
  if (column == "scenario") {
    row.scenario = (fs::path(cell.position.file).parent_path() / cell.text).string();
  }
  if (sets_key(column, kind_)) row.settings.push_back({column, cell.text, cell.position});
  if (column == "mfu_convention" && cell.text != "full" && cell.text != "causal") {
    diagnostics_.error(cell.position,
                       fmt::format("{} is '{}'; wanted full or causal", column, cell.text));
  }
  if (!column.starts_with(measured_prefix)) return;
  if (const auto value = positive_number(cell.text)) {
    row.measured.push_back({column.substr(measured_prefix.size()), *value});
  } else {
    diagnostics_.error(cell.position, fmt::format("{} is '{}'; wanted a number above 0 in SI units",
                                                  column, cell.text));
  }
}

MeasuredRow Rows::read(const CsvRecord& record) const {
  MeasuredRow row;
  row.position = record.front().position;
  for (std::size_t i = 0; i < record.size(); ++i) {
    if (!record[i].text.empty()) read_cell(csv_.header[i].text, record[i], row);
  }
  if (row.id.empty()) row.id = fmt::format("line {}", row.position.line);
  return row;
}

void check_columns(const MeasuredTable& table, const CsvTable& csv, Diagnostics& diagnostics) {
  const bool measures = std::ranges::any_of(
      table.columns, [](const std::string& name) { return name.starts_with(measured_prefix); });
  if (!measures && !csv.header.empty()) {
    diagnostics.error(csv.header.front().position,
                      "no column says what was measured; wanted measured.step_time_s or the like");
  }
  for (const CsvCell& column : csv.header) {
    const bool other = table.kind == MeasuredKind::kernel && column.text.starts_with("collective.");
    if (!other) continue;
    diagnostics.error(column.position, "a table holds kernels or collectives, not both");
  }
}

/// A table of columns alone would be validated in silence.
void check_rows(const CsvTable& csv, const fs::path& path, Diagnostics& diagnostics) {
  if (csv.header.empty() || !csv.records.empty() || diagnostics.has_errors()) return;
  diagnostics.error({path.string(), csv.header.front().position.line, 1},
                    "the table has columns and no rows; wanted one line for each run, kernel or "
                    "collective that was measured, below the one that names the columns");
}

/// Rows are told apart by their id, in what is printed and by who reads it.
void check_ids(const std::vector<MeasuredRow>& rows, Diagnostics& diagnostics) {
  std::map<std::string_view, const MeasuredRow*> known;
  for (const MeasuredRow& row : rows) {
    const auto [first, fresh] = known.try_emplace(row.id, &row);
    if (fresh) continue;
    diagnostics.error(row.position, fmt::format("the id '{}' is that of line {} already; wanted "
                                                "another one",
                                                row.id, first->second->position.line));
  }
}

}  // namespace

std::string_view MeasuredRow::cell(std::string_view column) const {
  const auto found = cells.find(column);
  return found == cells.end() ? std::string_view() : std::string_view(found->second);
}

MeasuredTable read_measured_table(const fs::path& path) {
  Diagnostics diagnostics;
  const std::string text = read_text_file(path, {}, diagnostics).value_or("");
  diagnostics.throw_if_errors();
  if (const auto fault = find_encoding_fault(text)) {
    diagnostics.error({path.string(), fault->line, fault->column}, fault->message);
    diagnostics.throw_if_errors();  // results are UTF-8, and carry these cells
  }
  const CsvTable csv = parse_csv(text, path.string(), diagnostics);
  MeasuredTable table{.path = path, .kind = kind_of(csv), .columns = {}, .rows = {}};
  for (const CsvCell& column : csv.header) table.columns.push_back(column.text);
  check_columns(table, csv, diagnostics);
  check_rows(csv, path, diagnostics);
  const Rows rows(csv, table.kind, diagnostics);
  for (const CsvRecord& record : csv.records) table.rows.push_back(rows.read(record));
  check_ids(table.rows, diagnostics);
  diagnostics.throw_if_errors();
  return table;
}

}  // namespace orrery
