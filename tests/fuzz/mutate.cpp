#include "fuzz/mutate.hpp"

#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace orrery::fuzz {

namespace {

constexpr std::array<std::string_view, 12> extremes{"0",
                                                    "-1",
                                                    "1e999",
                                                    "nan",
                                                    "inf",
                                                    "65535",
                                                    "65536",
                                                    "4294967295",
                                                    "4294967296",
                                                    "18446744073709551615",
                                                    "9223372036854775808",
                                                    "\""};

struct Passage {
  std::size_t begin = 0;
  std::size_t size = 0;
};

class Mutator {
 public:
  Mutator(std::string text, std::uint64_t seed) : text_(std::move(text)), seed_(seed) {}

  std::string mutated() && {
    for (std::size_t left = 1 + below(4); left > 0 && !text_.empty(); --left) mutate_once();
    return std::move(text_);
  }

 private:
  std::size_t below(std::size_t bound) {
    return draw_below({.seed = seed_, .purpose = Purpose::property_test}, next_++, bound);
  }

  /// From one random line to the end of it.
  Passage line() {
    const std::size_t at = below(text_.size());
    const std::size_t before = text_.rfind('\n', at == 0 ? 0 : at - 1);
    const std::size_t begin = before == std::string::npos || at == 0 ? 0 : before + 1;
    return {begin, std::min(text_.find('\n', begin), text_.size() - 1) + 1 - begin};
  }

  /// The first run of digits after a random place; empty when there is none.
  Passage number() {
    const std::size_t begin = text_.find_first_of("0123456789", below(text_.size()));
    if (begin == std::string::npos) return {};
    return {begin, std::min(text_.find_first_not_of("0123456789", begin), text_.size()) - begin};
  }

  void mutate_once() {
    switch (below(7)) {
      case 0:
        text_[below(text_.size())] = static_cast<char>(below(256));
        break;
      case 1:
        text_.insert(below(text_.size()), 1, static_cast<char>(below(256)));
        break;
      case 2:
        text_.erase(below(text_.size()), 1 + below(20));
        break;
      case 3:
        replace(line(), "");
        break;
      case 4:
        text_.insert(line().begin, copy(line()));
        break;
      case 5:
        replace(number(), extremes[below(extremes.size())]);
        break;
      default:
        replace(number(), copy(number()));
        break;
    }
  }

  std::string copy(Passage passage) const { return text_.substr(passage.begin, passage.size); }
  void replace(Passage passage, std::string_view with) {
    text_.replace(passage.begin, passage.size, with);
  }

  std::string text_;
  std::uint64_t seed_;
  std::uint64_t next_ = 0;
};

}  // namespace

std::string mutate(std::string text, std::uint64_t seed) {
  return Mutator(std::move(text), seed).mutated();
}

}  // namespace orrery::fuzz
