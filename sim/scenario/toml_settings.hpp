// TOML text as Settings; the only door to toml++.
//
// Every key and value keeps its place in its file. A line whose value TOML cannot read becomes a
// finding and the rest of the file is read all the same, so that a user sees the findings of the
// whole file; whoever gathers them drops further ones about such a line (`unreadable_lines`). Dates
// and times are findings too: nothing here is one.
#pragma once

#include "base/diagnostics.hpp"
#include "base/settings.hpp"

#include <set>
#include <string>
#include <string_view>

namespace orrery {

struct TomlTree {
  SettingsNode root;                       ///< always a table
  std::set<std::size_t> unreadable_lines;  ///< hold a stand-in for what was written there
  bool complete = true;                    ///< false: the tree lacks more than single values
};

/// Reads a TOML text; `file` names it in positions.
TomlTree parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics);

/// What stands right of `=`: a TOML value, or, when it is none, the words themselves as a text. So
/// an override `strategy.schedule=1f1b` and a cell of a table need no quotes.
SettingsNode parse_toml_value(std::string_view text, const SourcePosition& position);

}  // namespace orrery
