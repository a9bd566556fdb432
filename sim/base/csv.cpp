#include "base/csv.hpp"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace orrery {

namespace {

bool continues_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

class Reader {
 public:
  Reader(std::string_view text, const std::string& file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(diagnostics) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  bool at_end() const { return at_ == text_.size(); }
  /// The next record; nothing in it for a blank line.
  CsvRecord record();

 private:
  char next() const { return text_[at_]; }
  bool at_line_end() const { return text_.substr(at_).starts_with("\r\n") || next() == '\n'; }
  SourcePosition here() const { return {file_, line_, column_}; }
  char take();
  void take_line_end();
  CsvCell cell();
  void read_quoted(CsvCell& cell);
  void read_bare(CsvCell& cell);

  std::string_view text_;
  std::string file_;
  Diagnostics& diagnostics_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

char Reader::take() {
  const char byte = text_[at_++];
  if (byte == '\n') {
    ++line_;
    column_ = 1;
  } else if (!continues_character(byte)) {
    ++column_;
  }
  return byte;
}

void Reader::take_line_end() {
  if (!at_end() && next() == '\r') take();
  if (!at_end()) take();
}

void Reader::read_bare(CsvCell& cell) {
  while (!at_end() && next() != ',' && !at_line_end()) cell.text += take();
}

void Reader::read_quoted(CsvCell& cell) {
  take();
  while (!at_end()) {
    const char byte = take();
    if (byte != '"') {
      cell.text += byte;
    } else if (!at_end() && next() == '"') {
      cell.text += take();
    } else {
      if (!at_end() && next() != ',' && !at_line_end()) {
        diagnostics_.error(here(),
                           "text behind a closing quote; wanted a comma or the line's end "
                           "(a quote inside quotes is written twice)");
        read_bare(cell);
      }
      return;
    }
  }
  diagnostics_.error(cell.position, "this quote is never closed");
}

CsvCell Reader::cell() {
  CsvCell cell{{}, here()};
  if (!at_end() && next() == '"') {
    read_quoted(cell);
  } else {
    read_bare(cell);
  }
  return cell;
}

CsvRecord Reader::record() {
  CsvRecord record;
  if (!at_line_end()) {
    record.push_back(cell());
    while (!at_end() && next() == ',') {
      take();
      record.push_back(cell());
    }
  }
  take_line_end();
  return record;
}

void check_header(const CsvRecord& header, Diagnostics& diagnostics) {
  std::set<std::string> seen;
  for (const CsvCell& cell : header) {
    if (cell.text.empty()) {
      diagnostics.error(cell.position, "this column has no name");
    } else if (!seen.insert(cell.text).second) {
      diagnostics.error(cell.position, fmt::format("a second column '{}'", cell.text));
    }
  }
}

}  // namespace

CsvTable parse_csv(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  Reader reader(text, file, diagnostics);
  CsvTable table;
  while (!reader.at_end()) {
    CsvRecord record = reader.record();
    if (record.empty()) continue;
    if (table.header.empty()) {
      check_header(record, diagnostics);
      table.header = std::move(record);
    } else if (record.size() == table.header.size()) {
      table.records.push_back(std::move(record));
    } else {
      diagnostics.error(record.front().position,
                        fmt::format("{} cells in this row; wanted {}, one for each column",
                                    record.size(), table.header.size()));
    }
  }
  if (table.header.empty()) {
    diagnostics.error({file, 0, 1}, "the table is empty; wanted a first line that names columns");
  }
  return table;
}

}  // namespace orrery
