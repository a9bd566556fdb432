// One tree out of several files: `extends`, references by name or path, and overrides.
//
// `extends = "base.toml"` lays a file over another: tables are merged key by key, everything else
// replaces what was there, and each value keeps the place where it was written. A reference
// (`model`, `cluster`, `software`, `gpu`) is a name on a shelf, a path, or a table; a table without
// a name of its own changes single keys of what it lies over, as in `model = { extends =
// "llama3-8b", layers = 4 }` or in `model.layers = 4` of a variant. Files that extend one another
// in a circle, or deeper than limits::include_depth, are a finding that prints the chain.
#pragma once

#include "base/diagnostics.hpp"
#include "base/settings.hpp"
#include "scenario/assignment.hpp"
#include "scenario/files.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

class Composer {
 public:
  /// `share_folders` are searched for names after the folder of the file that states the name.
  Composer(std::vector<std::filesystem::path> share_folders, Diagnostics& diagnostics);

  /// The tree of a file and of what it extends; nothing (and a finding) if there is none.
  std::optional<SettingsNode> read(const std::filesystem::path& path,
                                   const SourcePosition& asked_at, Shelf shelf);
  /// The tree of a text that is called `file` in findings, and of what it extends.
  std::optional<SettingsNode> read_text(const std::string& text, const std::string& file,
                                        Shelf shelf);
  /// The tree that the value of `model`, `cluster`, … stands for.
  std::optional<SettingsNode> resolve(const SettingsNode& reference, Shelf shelf);
  /// Puts the trees that `gpu` of a cluster's node groups name in place of the names.
  void resolve_node_groups(SettingsNode& cluster);
  /// The file that a path stands for: relative to the file that states it, or in a share folder;
  /// beside the former if there is none.
  std::filesystem::path locate(std::string_view path, const SourcePosition& stated) const;
  /// The file that a text stands for: a path, or a name on the shelf; a finding if there is none.
  std::optional<std::filesystem::path> locate(const SettingsNode& reference, Shelf shelf);

  /// Lays `over` upon `base`: what a variant or an extending file says wins.
  void merge(SettingsNode& base, const SettingsNode& over);
  /// Lays a single key over `root`.
  void assign(SettingsNode& root, const Assignment& assignment);

  /// A line that the parser could not read, about which nothing more should be said.
  bool is_unreadable(const SourcePosition& position) const;
  /// The text of the first file that was read.
  const std::string& first_text() const { return first_text_; }
  /// False if a file lacks more than single values, so that what is missing in it says nothing.
  bool is_complete() const { return complete_; }

 private:
  std::optional<SettingsNode> read_chained(const std::filesystem::path& path,
                                           const SourcePosition& asked_at, Shelf shelf);
  bool chain_is_sound(const std::filesystem::path& path, const SourcePosition& asked_at);
  std::vector<std::filesystem::path> folders_for(const SourcePosition& position) const;
  SettingsNode extended(SettingsNode node, Shelf shelf);

  std::vector<std::filesystem::path> share_folders_;
  Diagnostics* diagnostics_;
  std::vector<std::filesystem::path> chain_;            ///< files being read, outermost first
  std::map<std::filesystem::path, SettingsNode> read_;  ///< trees of whole files
  std::map<std::string, std::set<std::size_t>, std::less<>> unreadable_;
  std::string first_text_;
  bool complete_ = true;
};

}  // namespace orrery
