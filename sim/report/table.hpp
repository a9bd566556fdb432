// Plain text in columns: aligned tables, bars, wrapped paragraphs, and colour where it is wanted.
//
// Widths are counted in characters, not bytes, so that "µs" and "·" line up; escape codes of
// colours take none. Text of this folder uses no character that a terminal draws two columns wide.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

enum class Colour { off, on };

/// What a piece of text is, so that one place decides how it looks.
enum class Tone { plain, strong, faint, good, warning, bad };

std::string toned(std::string_view text, Tone tone, Colour colour);

/// Columns that a text takes on a terminal.
std::size_t display_width(std::string_view text);

enum class Align { left, right };

/// `text` with blanks up to `width`; longer ones stay as they are.
std::string pad(std::string_view text, std::size_t width, Align align = Align::left);

/// `text` cut to `width` with "…" in its middle, where names of links differ least.
std::string elide(std::string_view text, std::size_t width);

/// The fraction (0 to 1) of `width` columns, in eighths of a column; never blank above zero.
std::string bar(double fraction, std::size_t width);

/// Words in lines of at most `width` columns. The first line begins with `lead`, the others with as
/// many blanks.
std::string wrap(std::string_view text, std::size_t width, std::string_view lead = "");

/// 13500 as "13,500".
std::string group_digits(long long number);

/// Rows of cells. A column is as wide as its widest cell; two blanks part them and no line ends
/// with one.
class AlignedTable {
 public:
  struct Column {
    std::string heading{};
    Align align = Align::left;
  };

  explicit AlignedTable(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Cells beyond the columns are left out, missing ones are blank.
  void add(std::vector<std::string> cells);
  /// A line of plain text between rows: "… 12 more stages".
  void add_remark(std::string text);

  bool empty() const { return rows_.empty(); }
  /// Each line begins with `indent` blanks and ends with a newline; the headings come first unless
  /// all are empty.
  std::string text(std::size_t indent = 0, Colour colour = Colour::off) const;

 private:
  struct Row {
    std::vector<std::string> cells;
    bool remark = false;
  };

  std::vector<std::size_t> widths() const;
  std::string line(const std::vector<std::string>& cells,
                   const std::vector<std::size_t>& wide) const;

  std::vector<Column> columns_;
  std::vector<Row> rows_;
};

}  // namespace orrery
