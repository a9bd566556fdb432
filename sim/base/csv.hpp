// Comma-separated values as RFC 4180 has them, every cell with its place in the file.
//
// A cell may stand in double quotes, may then hold commas, line ends and doubled quotes. Lines end
// with LF or CRLF; a byte order mark and blank lines are passed over. The first record names the
// columns, and every other one has as many cells: a short or a long one is a finding, as are a
// quote that is never closed, text behind a closing quote and two columns of one name.
#pragma once

#include "base/diagnostics.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace orrery {

struct CsvCell {
  std::string text;
  SourcePosition position;
};

using CsvRecord = std::vector<CsvCell>;

struct CsvTable {
  CsvRecord header;
  std::vector<CsvRecord> records;  ///< each as long as the header
};

/// Reads a text; `file` names it in positions. Records with findings are left out.
CsvTable parse_csv(std::string_view text, const std::string& file, Diagnostics& diagnostics);

}  // namespace orrery
