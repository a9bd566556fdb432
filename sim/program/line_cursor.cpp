#include "program/line_cursor.hpp"

#include "program/text_units.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <span>

namespace orrery {

namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_word(char c) { return is_letter(c) || is_digit(c) || c == '/'; }

int hex_digit(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

const TextUnit* find_unit(std::span<const TextUnit> units, std::string_view name) {
  const auto found = std::ranges::find(units, name, &TextUnit::name);
  return found == units.end() ? nullptr : &*found;
}

}  // namespace

void LineCursor::skip_blanks() {
  while (at_ < line_.size() && is_blank(line_[at_])) ++at_;
  if (at_ < line_.size() && line_[at_] == '#') at_ = line_.size();
}

bool LineCursor::at_end() {
  skip_blanks();
  return failed_ || at_ == line_.size();
}

void LineCursor::fail(const std::string& message) {
  if (failed_) return;
  failed_ = true;
  SourcePosition position = position_;
  position.column += at_;
  diagnostics_->error(std::move(position), message);
}

std::string_view LineCursor::peek_word() {
  skip_blanks();
  if (failed_ || at_ == line_.size() || !is_letter(line_[at_])) return {};
  std::size_t end = at_;
  while (end < line_.size() && is_word(line_[end])) ++end;
  return line_.substr(at_, end - at_);
}

std::string_view LineCursor::word() {
  const std::string_view found = peek_word();
  if (found.empty()) fail("expected a word");
  at_ += found.size();
  return found;
}

bool LineCursor::accept(std::string_view word) {
  if (peek_word() != word) return false;
  at_ += word.size();
  return true;
}

bool LineCursor::accept(char symbol) {
  skip_blanks();
  if (failed_ || at_ == line_.size() || line_[at_] != symbol) return false;
  ++at_;
  return true;
}

void LineCursor::expect(std::string_view word) {
  if (!accept(word)) fail("expected '" + std::string(word) + "'");
}

void LineCursor::expect(char symbol) {
  if (!accept(symbol)) fail(std::string("expected '") + symbol + "'");
}

void LineCursor::expect_end() {
  if (!at_end()) fail("expected the end of the line");
}

bool LineCursor::digit_is_next() {
  skip_blanks();
  return !failed_ && at_ < line_.size() && is_digit(line_[at_]);
}

bool LineCursor::id_is_next(char prefix) {
  const std::string_view word = peek_word();
  return word.size() > 1 && word[0] == prefix && is_digit(word[1]);
}

std::uint32_t LineCursor::id(char prefix) {
  if (!id_is_next(prefix)) {
    fail(std::string("expected an identity such as ") + prefix + "0");
    return 0;
  }
  ++at_;
  return number32();
}

std::uint64_t LineCursor::number(std::uint64_t largest) {
  if (!digit_is_next()) {
    fail("expected a whole number");
    return 0;
  }
  std::uint64_t value = 0;
  const char* const first = line_.data() + at_;
  const auto [end, error] = std::from_chars(first, line_.data() + line_.size(), value);
  if (error != std::errc{} || value > largest) {
    fail("expected a number of at most " + std::to_string(largest));
    return 0;
  }
  at_ += static_cast<std::size_t>(end - first);
  return value;
}

template <typename Real>
Real LineCursor::read_real() {
  skip_blanks();
  Real value = 0;
  const char* const first = line_.data() + at_;
  const auto [end, error] = std::from_chars(first, line_.data() + line_.size(), value);
  if (failed_ || error != std::errc{} || std::isnan(value)) {
    fail("expected a number");
    return 0;
  }
  at_ += static_cast<std::size_t>(end - first);
  return value;
}

double LineCursor::real() { return read_real<double>(); }
float LineCursor::real32() { return read_real<float>(); }

std::int64_t LineCursor::scaled(std::uint64_t count, std::int64_t unit) {
  constexpr auto largest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (count > largest / static_cast<std::uint64_t>(unit)) {
    fail("the number does not fit 63 bits");
    return 0;
  }
  return static_cast<std::int64_t>(count) * unit;
}

Duration LineCursor::duration() {
  const std::uint64_t count = number();
  const TextUnit* const unit = find_unit(duration_units, peek_word());
  if (unit == nullptr) {
    fail("expected a unit: s, ms, us, ns or ps");
    return Duration{0};
  }
  at_ += unit->name.size();
  return Duration{scaled(count, unit->size)};
}

Bytes LineCursor::bytes() {
  const std::uint64_t count = number();
  const TextUnit* const unit = find_unit(byte_units, peek_word());
  if (unit == nullptr) {
    fail("expected a unit: B, kB, MB, GB, KiB, MiB or GiB");
    return Bytes(0);
  }
  at_ += unit->name.size();
  return Bytes(scaled(count, unit->size));
}

std::string LineCursor::text() {
  if (!accept('"')) {
    fail("expected a name in quotes");
    return {};
  }
  std::string value;
  while (at_ < line_.size() && line_[at_] != '"') {
    if (line_[at_] != '\\') {
      value += line_[at_++];
      continue;
    }
    const std::string_view escape = line_.substr(at_ + 1, 2);
    const int high = escape.empty() ? -1 : hex_digit(escape[0]);
    const int low = escape.size() < 2 ? -1 : hex_digit(escape[1]);
    if (high < 0 || low < 0) {
      fail("expected two hexadecimal digits after a backslash");
      return {};
    }
    value += static_cast<char>(high * 16 + low);
    at_ += 3;
  }
  if (!accept('"')) fail("the quoted name does not end on this line");
  return value;
}

}  // namespace orrery
