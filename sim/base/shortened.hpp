// Texts as messages show them: a long one by its beginning, so that a broken file does not fill the
// screen.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace orrery {

/// At most 80 bytes of a text, cut between characters.
inline std::string shortened(std::string_view text) {
  constexpr std::size_t most = 80;
  if (text.size() <= most) return std::string(text);
  std::size_t end = most;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // of UTF-8
  return std::string(text.substr(0, end)) + "...";
}

}  // namespace orrery
