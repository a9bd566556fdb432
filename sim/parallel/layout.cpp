#include "parallel/layout.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <charconv>

namespace orrery {

namespace {

constexpr std::int64_t most_repeats = limits::layers;

/// Reads the text from left to right, brackets by recursion. After the first error nothing more is
/// read.
class LayoutReader {
 public:
  explicit LayoutReader(std::string_view text) : text_(text) { layout_.stages.emplace_back(); }

  Layout read() && {
    const std::size_t end = read_until_bracket(0);
    if (!layout_.error && end < text_.size()) fail(end, "')' closes no '('");
    const bool whole = loss_ && embedding_;
    if (!layout_.error && !whole) {
      fail(text_.size(), loss_ ? "the embedding, E, is missing" : "the loss, L, is missing");
    }
    return std::move(layout_);
  }

 private:
  void fail(std::size_t offset, std::string message) {
    if (!layout_.error) layout_.error = LayoutError{offset, std::move(message)};
  }

  /// Takes letters, bars and brackets from `begin` on; where it stopped: at a ')' or at the end.
  std::size_t read_until_bracket(std::size_t begin) {
    std::size_t at = begin;
    while (!layout_.error && at < text_.size() && text_[at] != ')') {
      at = text_[at] == '(' ? read_bracket(at) : read_letter(at);
    }
    return at;
  }

  std::size_t read_letter(std::size_t at) {
    const Repeat repeat = repeat_after(at + 1);
    for (std::int64_t i = 0; i < repeat.times; ++i) take(at);
    return repeat.end;
  }

  std::size_t read_bracket(std::size_t open) {
    std::size_t close = open;  // found first, as the number of repeats stands behind it
    for (std::size_t depth = 0; close < text_.size(); ++close) {
      depth += text_[close] == '(' ? 1 : 0;
      if (text_[close] == ')' && --depth == 0) break;
    }
    if (close == text_.size()) {
      fail(open, "'(' is not closed");
      return close;
    }
    const Repeat repeat = repeat_after(close + 1);
    for (std::int64_t i = 0; i < repeat.times && !layout_.error; ++i) {
      if (++brackets_ > most_repeats) fail(open, "with all repeats the layout is too long");
      read_until_bracket(open + 1);
    }
    return repeat.end;
  }

  struct Repeat {
    std::int64_t times = 1;
    std::size_t end = 0;  ///< the character after it
  };

  Repeat repeat_after(std::size_t at) {
    if (at >= text_.size() || text_[at] != '*') return {1, at};
    std::int64_t times = 0;
    const char* const begin = text_.data() + at + 1;
    const auto [end, failure] = std::from_chars(begin, text_.data() + text_.size(), times);
    if (failure != std::errc{} || times < 1 || times > most_repeats) {
      fail(at, fmt::format("'*' wants a whole number from 1 to {} after it", most_repeats));
      return {0, at};
    }
    return {times, static_cast<std::size_t>(end - text_.data())};
  }

  void take(std::size_t at) {
    if (layout_.error) return;
    StageShare& stage = layout_.stages.back();
    switch (text_[at]) {
      case 'E':
        if (letters_ > 0 || layout_.stages.size() > 1) fail(at, "E is the first letter or none");
        embedding_ = stage.embedding = true;
        break;
      case 't':
        if (loss_ || predicts_) fail(at, "no t can follow after m or L");
        ++stage.layers;
        break;
      case 'm':
        predicts_ = true;
        ++stage.mtp_layers;
        break;
      case 'L':
        if (loss_) fail(at, "L stands a second time");
        loss_ = stage.loss = true;
        break;
      case '|':
        if (loss_) fail(at, "no stage can follow that of L");
        layout_.stages.emplace_back();
        break;
      default:
        fail(at, fmt::format("'{}' is no part of a layout; parts are E, t, m, L, |, ( ) and *n",
                             text_[at]));
    }
    if (text_[at] != '|') ++letters_;
    const auto taken = static_cast<std::int64_t>(layout_.stages.size()) + letters_;
    if (taken > 2 * most_repeats) fail(at, "with all repeats the layout is too long");
  }

  std::string_view text_;
  Layout layout_;
  std::int64_t letters_ = 0;
  std::int64_t brackets_ = 0;  ///< read so far, each repeat counted
  bool embedding_ = false;
  bool predicts_ = false;
  bool loss_ = false;
};

}  // namespace

Layout parse_layout(std::string_view text) { return LayoutReader(text).read(); }

}  // namespace orrery
