// Settings back as TOML text; what comes out reads back as the same tree.
#pragma once

#include "base/settings.hpp"

#include <string>
#include <string_view>

namespace orrery {

/// A text in quotes, escaped.
std::string toml_quoted(std::string_view text);
/// A number that reads back as a float and as the same one.
std::string toml_number(double value);

/// The keys of a table as TOML, its sub-tables under headers below `path` ("model" gives
/// [model.moe]).
std::string to_toml(const SettingsNode& table, const std::string& path);

}  // namespace orrery
