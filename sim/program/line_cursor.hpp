// Reads one line of a program's text from left to right: words, numbers, quoted names.
//
// What does not fit is reported once per line, at its column; from then on every read gives a
// default value, so that callers read on without asking after each step. A # outside of quotes
// begins a comment.
#pragma once

#include "base/diagnostics.hpp"
#include "base/quantity.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace orrery {

class LineCursor {
 public:
  /// `position` is that of the line's first character.
  LineCursor(std::string_view line, SourcePosition position, Diagnostics& diagnostics)
      : line_(line), position_(std::move(position)), diagnostics_(&diagnostics) {}

  bool failed() const { return failed_; }
  /// Nothing is left but blanks and a comment, or the line has failed.
  bool at_end();
  /// Reports the line as wrong at the current column; only the first report of a line counts.
  void fail(const std::string& message);

  bool accept(std::string_view word);  ///< consumes `word` when it is next
  bool accept(char symbol);
  void expect(std::string_view word);
  void expect(char symbol);
  void expect_end();

  std::string_view peek_word();  ///< the next word, not consumed; empty when something else is next
  std::string_view word();       ///< the next word; [A-Za-z_][A-Za-z0-9_/]*
  bool digit_is_next();

  std::string text();  ///< a quoted name
  std::uint64_t number(std::uint64_t largest = std::numeric_limits<std::uint64_t>::max());
  std::uint32_t number32() {
    return static_cast<std::uint32_t>(number(std::numeric_limits<std::uint32_t>::max()));
  }
  std::uint16_t number16() {
    return static_cast<std::uint16_t>(number(std::numeric_limits<std::uint16_t>::max()));
  }
  double real();  ///< "1.5", "2e9", "inf"
  float real32();
  Duration duration();  ///< "5 us", "17 ps": whole numbers
  Bytes bytes();        ///< "80 GB", "3 B": whole numbers
  /// "k12" where `prefix` is 'k'.
  std::uint32_t id(char prefix);
  bool id_is_next(char prefix);

 private:
  void skip_blanks();
  template <typename Real>
  Real read_real();
  std::int64_t scaled(std::uint64_t count, std::int64_t unit);

  std::string_view line_;
  SourcePosition position_;
  Diagnostics* diagnostics_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace orrery
