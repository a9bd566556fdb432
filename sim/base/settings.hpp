// Settings: the tree of keys and values that a user wrote, every one with its place in its file.
//
// Whoever understands a table reads its keys through a `Settings` view; each read marks the key.
// When loading ends, `report_unread` turns every key that nobody read into an error with "did you
// mean", so that a misspelt key is never ignored. A value of the wrong type, unit or range becomes
// a diagnostic that says what was found and what would be right, and the reader gets a harmless
// fallback so that the remaining findings of the file still come to light. A missing required key
// likewise. `SettingsNode` is the tree (a value, owned by who loaded it); `Settings` is a cheap
// view of one table.
#pragma once

#include "base/diagnostics.hpp"
#include "base/quantity.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace orrery {

struct SettingsNode;

/// One `key = value` of a table; the key has a place of its own.
struct SettingsEntry {
  std::string key;
  SourcePosition key_position;
  std::vector<SettingsNode> value;  ///< exactly one; a vector because the type is recursive
  mutable bool read = false;
};

using SettingsTable = std::vector<SettingsEntry>;  ///< in the order of the file
using SettingsArray = std::vector<SettingsNode>;

struct SettingsNode {
  std::variant<SettingsTable, SettingsArray, std::string, std::int64_t, double, bool> value;
  SourcePosition position;
  mutable std::vector<std::string>
      asked;  ///< keys that readers of this table know, for suggestions

  /// The value of a key, or null. Does not mark it read.
  const SettingsNode* find(std::string_view key) const;
  SettingsNode* find(std::string_view key);
  /// Sets `a.b.c` in nested tables, making the tables that are missing. False if a part of the path
  /// is no table.
  bool set(std::string_view dotted_key, SettingsNode node);
};

/// What a whole number may be; both ends included.
struct IntegerRange {
  std::int64_t least = INT64_MIN;
  std::int64_t most = INT64_MAX;
};

class Settings {
 public:
  /// A view of `node`, which must be a table and outlive the view, as must `diagnostics`. `path` is
  /// the dotted name of the table, for messages; empty for the root.
  Settings(const SettingsNode& node, Diagnostics& diagnostics, std::string path = "");

  bool has(std::string_view key) const;
  /// Where the value of a key stands; the table's own place if the key is missing.
  SourcePosition position(std::string_view key) const;
  SourcePosition position() const;
  /// The table itself, for who keeps it to be read later.
  const SettingsNode& node() const { return *node_; }
  const std::string& path() const { return path_; }
  /// "strategy.tp" for key "tp" of the table "strategy".
  std::string full_name(std::string_view key) const;
  Diagnostics& diagnostics() const { return *diagnostics_; }

  // Optional keys: nothing when missing, a diagnostic and nothing when wrong.
  std::optional<std::string> text(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key, IntegerRange range = {}) const;
  std::optional<double> number(
      std::string_view key) const;  ///< integers are numbers; NaN and infinity are not
  std::optional<bool> flag(std::string_view key) const;
  std::optional<Bytes> bytes(std::string_view key) const;
  std::optional<BytesPerSecond> bytes_per_second(std::string_view key) const;
  std::optional<FlopsPerSecond> flops_per_second(std::string_view key) const;
  std::optional<Seconds> seconds(std::string_view key) const;
  std::optional<double> watts(std::string_view key) const;
  std::optional<double> dollars_per_hour(std::string_view key) const;
  std::optional<double> hertz(std::string_view key) const;
  std::optional<double> percent(std::string_view key) const;  ///< "5 %" as 0.05
  std::optional<std::vector<std::string>> texts(std::string_view key) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view key,
                                                    IntegerRange range = {}) const;
  std::optional<std::vector<double>> numbers(std::string_view key) const;
  /// A text that must be one of `choices`.
  std::optional<std::string> choice(std::string_view key,
                                    std::span<const std::string> choices) const;

  // Required keys: a missing one is a diagnostic at the table; the result is then a harmless value.
  std::string required_text(std::string_view key) const;
  std::int64_t required_integer(std::string_view key, IntegerRange range = {}) const;
  double required_number(std::string_view key) const;
  Bytes required_bytes(std::string_view key) const;
  BytesPerSecond required_bytes_per_second(std::string_view key) const;
  FlopsPerSecond required_flops_per_second(std::string_view key) const;
  Seconds required_seconds(std::string_view key) const;

  /// A sub-table, or nothing when missing.
  std::optional<Settings> table(std::string_view key) const;
  /// A sub-table; a missing one is a diagnostic, and an empty table in the place of this one is
  /// returned, so that the findings about its keys point at what lacks it.
  Settings required_table(std::string_view key) const;
  /// The tables of `[[key]]`; none when missing.
  std::vector<Settings> tables(std::string_view key) const;
  /// True if the value of `key` is a table (rather than a text, say); does not mark it read.
  bool is_table(std::string_view key) const;
  /// The value of a key as it was written, marked read, for keys that may hold several types; null
  /// when missing.
  const SettingsNode* node(std::string_view key) const;
  /// All keys of the table, in the order of the file; does not mark them read.
  std::vector<std::string> keys() const;

  /// An error at the value of `key` (or at the table, if the key is missing).
  void error(std::string_view key, std::string message) const;
  /// Marks a key as understood without reading it.
  void accept(std::string_view key) const;
  void accept_all() const;

 private:
  const SettingsEntry* entry(std::string_view key) const;
  const SettingsNode* read(std::string_view key) const;
  void wrong_type(std::string_view key, const SettingsNode& found, std::string_view wanted) const;
  void missing(std::string_view key, std::string_view wanted) const;
  Settings empty_table(std::string_view key) const;
  template <typename T, typename Parse>
  std::optional<T> quantity(std::string_view key, Parse parse, std::string_view example) const;

  const SettingsNode* node_;
  std::optional<SourcePosition> absent_at_;  ///< where a table is missing that no file has
  Diagnostics* diagnostics_;
  std::string path_;
};

/// What a value is, in words, for messages: "the text 'x'", "the whole number 3", "a table".
std::string describe(const SettingsNode& node);

/// An error for every key of the tree that nobody read; suggests the nearest of `known` keys that
/// were asked for in the same table. Tables under a key nobody read count as one finding.
void report_unread(const SettingsNode& root, Diagnostics& diagnostics);

}  // namespace orrery
