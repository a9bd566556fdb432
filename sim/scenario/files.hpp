// Where input files lie and what they hold: reading one whole, and finding one by its name.
//
// A shelf is a folder of files that a scenario may call by name: "mixtral-8x22b" is the file
// models/mixtral-8x22b.toml beside the scenario or in a share folder. Anything with a slash or an
// extension is a path, relative to the file that states it.
#pragma once

#include "base/diagnostics.hpp"

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// The whole text of a file. A finding at `asked_at` (or at the file itself, when nobody's text
/// asked for it) if it is missing, a folder, unreadable or longer than limits::input_bytes.
std::optional<std::string> read_text_file(const std::filesystem::path& path,
                                          const SourcePosition& asked_at, Diagnostics& diagnostics);

enum class Shelf { models, software, clusters, gpus, scenarios };
/// The folder below a share folder: "topologies/clusters".
std::string_view folder_of(Shelf shelf);
/// What one of its files describes: "cluster".
std::string_view noun_of(Shelf shelf);

/// A text that means a path and not a name on a shelf.
bool is_path(std::string_view reference);

/// Names on a shelf, sorted, in all folders that have it.
std::vector<std::string> names_on(Shelf shelf, std::span<const std::filesystem::path> folders);

/// The file of that name, in the first of the folders that has it.
std::optional<std::filesystem::path> find_on(Shelf shelf, std::string_view name,
                                             std::span<const std::filesystem::path> folders);

/// A path as a person would write it here: relative if it lies below the current folder.
std::string shown(const std::filesystem::path& path);

}  // namespace orrery
