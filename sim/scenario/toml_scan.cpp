#include "scenario/toml_scan.hpp"

#include <fmt/format.h>

namespace orrery {

namespace {

using Byte = unsigned char;

/// Bytes of the UTF-8 sequence that `text` begins with; 0 if it is none (RFC 3629, section 4).
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<Byte>(text[i]); };
  const Byte lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xC2   ? 0
                             : lead < 0xE0 ? 2
                             : lead < 0xF0 ? 3
                             : lead < 0xF5 ? 4
                                           : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
  const bool beyond = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

/// What neither TOML nor CSV holds: a carriage return that ends no line is one too.
bool is_control(std::string_view text) {
  const auto byte = static_cast<Byte>(text.front());
  if (byte == '\r') return !text.starts_with("\r\n");
  return (byte < 0x20 && byte != '\t' && byte != '\n') || byte == 0x7F;
}

enum class Inside { nothing, comment, basic, literal, long_basic, long_literal };

bool is_long(Inside inside) {
  return inside == Inside::long_basic || inside == Inside::long_literal;
}

std::string_view quotes_of(Inside inside) {
  switch (inside) {
    case Inside::basic:
      return "\"";
    case Inside::literal:
      return "'";
    case Inside::long_basic:
      return "\"\"\"";
    case Inside::long_literal:
      return "'''";
    default:
      return "";
  }
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  TomlScan scan() {
    result_.line_begins_inside.push_back(false);
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '\n') {
        end_line();
      } else if (inside_ == Inside::nothing) {
        read_grammar(c);
      } else if (inside_ != Inside::comment) {
        read_string(c);
      }
      ++at_;
    }
    return std::move(result_);
  }

 private:
  void end_line() {
    if (!is_long(inside_)) inside_ = Inside::nothing;
    dots_ = 0;
    line_begin_ = at_ + 1;
    result_.line_begins_inside.push_back(brackets_ > 0 || is_long(inside_));
  }

  void read_grammar(char c) {
    if (c == '#') inside_ = Inside::comment;
    if (c == '"' || c == '\'') begin_string(c);
    if (c == '[' || c == '{') ++brackets_;
    if ((c == ']' || c == '}') && brackets_ > 0) --brackets_;
    if (c == '.') ++dots_;
    if (c == '=' || c == ',' || c == '{') dots_ = 0;
    if (c == '=' && ++keys_ > most_keys) too_much(fmt::format("more than {} keys", most_keys));
    if (brackets_ > most_brackets)
      too_much(fmt::format("brackets nest deeper than {}", most_brackets));
    if (dots_ > most_dots) too_much(fmt::format("a key of more than {} parts", most_dots));
  }

  void begin_string(char quote) {
    const bool triple = text_.substr(at_, 3) == std::string(3, quote);
    if (quote == '"') inside_ = triple ? Inside::long_basic : Inside::basic;
    if (quote == '\'') inside_ = triple ? Inside::long_literal : Inside::literal;
    at_ += quotes_of(inside_).size() - 1;
  }

  void read_string(char c) {
    const bool escapes = inside_ == Inside::basic || inside_ == Inside::long_basic;
    const std::string_view quotes = quotes_of(inside_);
    if (c == '\\' && escapes && at_ + 1 < text_.size() && text_[at_ + 1] != '\n') {
      ++at_;
    } else if (text_.substr(at_, quotes.size()) == quotes) {
      at_ += quotes.size() - 1;
      inside_ = Inside::nothing;
    }
  }

  void too_much(std::string message) {
    if (result_.too_much) return;
    result_.too_much =
        TextFault{result_.line_begins_inside.size(), at_ - line_begin_ + 1, std::move(message)};
  }

  std::string_view text_;
  TomlScan result_;
  Inside inside_ = Inside::nothing;
  std::size_t at_ = 0;
  std::size_t line_begin_ = 0;
  int brackets_ = 0;
  int dots_ = 0;
  int keys_ = 0;
};

}  // namespace

std::optional<TextFault> find_encoding_fault(std::string_view text) {
  TextFault place;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence_length(text.substr(at));
    if (length == 0) {
      place.message = fmt::format("the byte 0x{:02X} is not UTF-8; save the file as UTF-8 text",
                                  static_cast<Byte>(text[at]));
      return place;
    }
    if (is_control(text.substr(at))) {
      place.message = fmt::format(
          "the byte 0x{:02X} is a control character; save the file as plain "
          "text",
          static_cast<Byte>(text[at]));
      return place;
    }
    const bool line_ends = text[at] == '\n';
    place.line += line_ends ? 1 : 0;
    place.column = line_ends ? 1 : place.column + 1;
    at += length;
  }
  return std::nullopt;
}

TomlScan scan_toml(std::string_view text) { return Scanner(text).scan(); }

}  // namespace orrery
