#include "report/table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery {

namespace {

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

/// The end of an escape sequence that begins at `i`, or `i` itself.
std::size_t after_escape(std::string_view text, std::size_t i) {
  if (text[i] != '\033') return i;
  const std::size_t end = text.find('m', i);
  return end == std::string_view::npos ? text.size() : end + 1;
}

/// The first `width` characters, in bytes.
std::size_t bytes_of(std::string_view text, std::size_t width) {
  std::size_t i = 0;
  for (std::size_t seen = 0; i < text.size(); ++i) {
    if (!continues(text[i]) && seen++ == width) return i;
  }
  return i;
}

std::string_view code_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::strong:
      return "1";
    case Tone::faint:
      return "2";
    case Tone::good:
      return "32";
    case Tone::warning:
      return "33";
    case Tone::bad:
      return "1;31";
  }
  return "";
}

void trim_right(std::string& line) {
  while (!line.empty() && line.back() == ' ') line.pop_back();
}

}  // namespace

std::string toned(std::string_view text, Tone tone, Colour colour) {
  if (colour == Colour::off || tone == Tone::plain || text.empty()) return std::string(text);
  return fmt::format("\033[{}m{}\033[0m", code_of(tone), text);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t next = after_escape(text, i);
    if (next > i) {
      i = next;
      continue;
    }
    if (!continues(text[i])) ++width;
    ++i;
  }
  return width;
}

std::string pad(std::string_view text, std::size_t width, Align align) {
  const std::size_t taken = display_width(text);
  const std::string blanks(width > taken ? width - taken : 0, ' ');
  return align == Align::left ? std::string(text) + blanks : blanks + std::string(text);
}

std::string elide(std::string_view text, std::size_t width) {
  const std::size_t taken = display_width(text);
  if (taken <= width || width < 3) return std::string(text);
  const std::size_t head = (width - 1) / 2;
  const std::size_t tail = width - 1 - head;
  return std::string(text.substr(0, bytes_of(text, head))) + "…" +
         std::string(text.substr(bytes_of(text, taken - tail)));
}

std::string bar(double fraction, std::size_t width) {
  static constexpr std::array<std::string_view, 8> parts = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double within = std::clamp(std::isfinite(fraction) ? fraction : 0.0, 0.0, 1.0);
  auto eighths = static_cast<std::size_t>(std::lround(within * static_cast<double>(width) * 8.0));
  if (eighths == 0 && within > 0.0) eighths = 1;
  std::string text;
  for (std::size_t i = 0; i < eighths / 8; ++i) text += "█";
  text += parts[eighths % 8];
  return text;
}

std::string wrap(std::string_view text, std::size_t width, std::string_view lead) {
  const std::string indent(display_width(lead), ' ');
  std::string all(lead);
  std::size_t column = indent.size();
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find(' ', i), text.size());
    const std::string_view word = text.substr(i, end - i);
    const std::size_t taken = display_width(word);
    const bool first = column == indent.size();
    if (!first && column + 1 + taken > width) {
      all += "\n" + indent;
      column = indent.size();
    } else if (!first) {
      all += ' ';
      ++column;
    }
    all += word;
    column += taken;
    i = end + 1;
  }
  return all + "\n";
}

std::string group_digits(long long number) {
  std::string digits = fmt::format("{}", number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t i = digits.size(); i > first + 3;) {
    i -= 3;
    digits.insert(i, ",");
  }
  return digits;
}

void AlignedTable::add(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  rows_.push_back({std::move(cells), false});
}

void AlignedTable::add_remark(std::string text) { rows_.push_back({{std::move(text)}, true}); }

std::vector<std::size_t> AlignedTable::widths() const {
  std::vector<std::size_t> all;
  for (const Column& column : columns_) all.push_back(display_width(column.heading));
  for (const Row& row : rows_) {
    for (std::size_t i = 0; i < row.cells.size() && !row.remark; ++i) {
      all[i] = std::max(all[i], display_width(row.cells[i]));
    }
  }
  return all;
}

std::string AlignedTable::line(const std::vector<std::string>& cells,
                               const std::vector<std::size_t>& wide) const {
  std::string text;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (wide[i] > 0) text += pad(cells[i], wide[i], columns_[i].align) + "  ";
  }
  trim_right(text);
  return text;
}

std::string AlignedTable::text(std::size_t indent, Colour colour) const {
  std::vector<std::string> headings;
  for (const Column& column : columns_) headings.push_back(column.heading);
  const bool headed = std::ranges::any_of(headings, [](const auto& h) { return !h.empty(); });
  const std::vector<std::size_t> wide = widths();
  const std::string margin(indent, ' ');
  std::string all;
  if (headed) all += margin + toned(line(headings, wide), Tone::faint, colour) + "\n";
  for (const Row& row : rows_) {
    all += margin + (row.remark ? row.cells.front() : line(row.cells, wide)) + "\n";
  }
  return all;
}

}  // namespace orrery
