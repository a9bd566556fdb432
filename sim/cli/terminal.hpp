// What a terminal gets and a file does not: colour, and a width. NO_COLOR is respected.
#pragma once

#include "base/diagnostics.hpp"

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

bool is_terminal(std::FILE* stream);

/// Colours words if the stream is a terminal and nobody set NO_COLOR (no-color.org), else leaves
/// them.
class Paint {
 public:
  explicit Paint(std::FILE* stream);

  bool colours() const { return colours_; }
  std::string bold(std::string_view text) const { return in("1", text); }
  std::string dim(std::string_view text) const { return in("2", text); }
  std::string good(std::string_view text) const { return in("32", text); }
  std::string warning(std::string_view text) const { return in("33", text); }
  std::string error(std::string_view text) const { return in("1;31", text); }

 private:
  std::string in(std::string_view code, std::string_view text) const;
  bool colours_ = false;
};

/// "file:line:column: error: message", with the kind in its colour.
std::string painted(const Diagnostic& diagnostic, const Paint& paint);

/// Prints findings on stderr, one a line; of very many the first hundred.
void print_findings(const std::vector<Diagnostic>& all);

/// Columns that a string takes: its characters, not its bytes.
std::size_t columns_of(std::string_view utf8);

/// The text with blanks up to `width` columns.
std::string padded(std::string_view text, std::size_t width);

}  // namespace orrery
