// A look at TOML text before the parser sees it: is it UTF-8, and does it nest only as deep as the
// parser's recursion bears? Also where a line stands inside of brackets, which decides whether a
// mistake on it can be left out while the rest of the file is read.
//
// It knows strings, comments and brackets and nothing else of the grammar.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// A place in a text and what is wrong there. Line and column count from 1, columns in characters.
struct TextFault {
  std::size_t line = 1;
  std::size_t column = 1;
  std::string message;
};

/// The first byte that is not UTF-8, or a control character, or nothing.
std::optional<TextFault> find_encoding_fault(std::string_view text);

/// Deepest nesting of brackets, and most dots in one key, that a file may have. Their product
/// bounds the depth of the tree, over which reader and destructors recurse.
inline constexpr int most_brackets = 32;
inline constexpr int most_dots = 32;

/// Keys of one table: they are looked up one by one.
inline constexpr int most_keys_of_a_table = 4'096;

/// Keys of one file: more than any list of links needs, and what reads in seconds.
inline constexpr int most_keys = 1'000'000;

struct TomlScan {
  std::vector<bool> line_begins_inside;  ///< by line from 0: of brackets or of a multi-line string
  std::optional<TextFault> too_much;     ///< of nesting or of keys
};
TomlScan scan_toml(std::string_view text);

}  // namespace orrery
