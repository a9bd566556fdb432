#include "validation/vocabulary.hpp"

#include "base/settings.hpp"
#include "scenario/files.hpp"
#include "scenario/toml_settings.hpp"

#include <algorithm>
#include <array>

namespace orrery {

namespace {

const std::vector<std::string> around_names = {
    "absmax", "cast", "cast_block", "cast_mxfp8", "cast_nvfp4", "rotary_and_cache", "pack_scales"};

std::map<std::string, std::string> read_columns(const Settings& entry) {
  std::map<std::string, std::string> columns;
  if (const auto table = entry.table("columns")) {
    for (const std::string& column : table->keys()) {
      columns.emplace(column, table->text(column).value_or(""));
    }
  }
  return columns;
}

MachineWord read_machine(const Settings& entry) {
  return {.columns = read_columns(entry),
          .cluster = entry.text("cluster").value_or(""),
          .note = entry.text("note").value_or("")};
}

LibraryWord read_library(const Settings& entry) {
  entry.accept("note");
  return {.name = entry.required_text("name"),
          .collectives = entry.text("collectives").value_or("")};
}

TypeWord read_type(const Settings& entry) {
  entry.accept("note");
  TypeWord word{.name = entry.required_text("name"),
                .columns = read_columns(entry),
                .type = entry.required_text("type"),
                .kernels = entry.text("kernels").value_or(""),
                .under_load = entry.flag("under_load").value_or(false),
                .latency = entry.seconds("latency").value_or(Seconds(0.0)),
                .around = {},
                .loop = entry.seconds("loop")};
  for (const std::string& name : entry.texts("around").value_or(std::vector<std::string>{})) {
    const auto found = std::ranges::find(around_names, name);
    if (found == around_names.end()) {
      entry.error("around", "wanted " + enumerate(around_names));
    } else {
      word.around.push_back(static_cast<Around>(found - around_names.begin()));
    }
  }
  return word;
}

bool holds(const MeasuredRow& row, const std::map<std::string, std::string>& columns) {
  return std::ranges::all_of(
      columns, [&](const auto& entry) { return row.cell(entry.first) == entry.second; });
}

}  // namespace

const MachineWord* Vocabulary::machine(const MeasuredRow& row) const {
  const auto found = std::ranges::find_if(
      machines, [&](const MachineWord& word) { return holds(row, word.columns); });
  return found == machines.end() ? nullptr : &*found;
}

const LibraryWord* Vocabulary::library(const MeasuredRow& row) const {
  const auto found = std::ranges::find(libraries, row.cell("library"), &LibraryWord::name);
  return found == libraries.end() ? nullptr : &*found;
}

const TypeWord* Vocabulary::type(const MeasuredRow& row, std::string_view name) const {
  const auto found = std::ranges::find_if(
      types, [&](const TypeWord& word) { return word.name == name && holds(row, word.columns); });
  return found == types.end() ? nullptr : &*found;
}

Vocabulary read_vocabulary(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / "sources.toml";
  Vocabulary vocabulary;
  if (!std::filesystem::exists(path)) return vocabulary;
  Diagnostics diagnostics;
  const std::string text = read_text_file(path, {}, diagnostics).value_or("");
  const TomlTree tree = parse_toml(text, shown(path), diagnostics);
  const Settings settings(tree.root, diagnostics);
  for (const Settings& entry : settings.tables("machine")) {
    vocabulary.machines.push_back(read_machine(entry));
  }
  for (const Settings& entry : settings.tables("library")) {
    vocabulary.libraries.push_back(read_library(entry));
  }
  for (const Settings& entry : settings.tables("type")) {
    vocabulary.types.push_back(read_type(entry));
  }
  report_unread(tree.root, diagnostics);
  diagnostics.throw_if_errors();
  return vocabulary;
}

}  // namespace orrery
