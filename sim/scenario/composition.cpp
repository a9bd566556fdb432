#include "scenario/composition.hpp"

#include "base/limits.hpp"
#include "base/shortened.hpp"
#include "scenario/toml_scan.hpp"
#include "scenario/toml_settings.hpp"
#include "workload/hugging_face.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <system_error>

namespace orrery {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> references = {"model", "cluster", "software", "gpu"};

bool is_reference(std::string_view key) {
  return std::ranges::find(references, key) != references.end();
}

bool is_table(const SettingsNode& node) {
  return std::holds_alternative<SettingsTable>(node.value);
}

/// A table that changes single keys of what it lies over, rather than standing alone.
bool is_patch(const SettingsNode& node) {
  return is_table(node) && node.find("name") == nullptr && node.find("extends") == nullptr;
}

SettingsEntry make_entry(std::string_view key, SettingsNode value) {
  const SourcePosition position = value.position;
  return {std::string(key), position, {std::move(value)}};
}

SettingsEntry* find_entry(SettingsTable& table, std::string_view key) {
  const auto found = std::ranges::find(table, key, &SettingsEntry::key);
  return found == table.end() ? nullptr : &*found;
}

/// `model = "x"` as `model = { extends = "x" }`, so that keys can be laid over it.
void open_reference(SettingsNode& node) {
  SettingsNode name = node;
  node.value = SettingsTable{};
  std::get<SettingsTable>(node.value).push_back(make_entry("extends", std::move(name)));
}

/// Parts of a dotted key that anybody could mean.
constexpr std::ptrdiff_t most_parts = 16;

}  // namespace

Assignment parse_override(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  const SourcePosition position{"--set " + key, 0, 0};
  const bool empty_part =
      key.empty() || key.front() == '.' || key.back() == '.' || key.find("..") != std::string::npos;
  if (equals != std::string::npos && !empty_part && std::ranges::count(key, '.') < most_parts) {
    return {key, text.substr(equals + 1), position};
  }
  throw InvalidScenario(
      {{Severity::error, position, "this is no override; wanted key=value, as in strategy.tp=4"}});
}

Composer::Composer(std::vector<fs::path> share_folders, Diagnostics& diagnostics)
    : share_folders_(std::move(share_folders)), diagnostics_(&diagnostics) {}

// ---- Files --------------------------------------------------------------------------------------

std::optional<SettingsNode> Composer::read(const fs::path& path, const SourcePosition& asked_at,
                                           Shelf shelf) {
  if (!chain_is_sound(path, asked_at)) return std::nullopt;
  const auto known = read_.find(path);  // a file of variants asks for each again and again
  if (known != read_.end()) return known->second;
  chain_.push_back(path);
  std::optional<SettingsNode> root = read_chained(path, asked_at, shelf);
  chain_.pop_back();
  if (root) read_.emplace(path, *root);
  return root;
}

std::optional<SettingsNode> Composer::read_chained(const fs::path& path,
                                                   const SourcePosition& asked_at, Shelf shelf) {
  const std::optional<std::string> text = read_text_file(path, asked_at, *diagnostics_);
  if (!text) return std::nullopt;
  if (path.extension() == ".json" && shelf == Shelf::models) {
    SettingsNode model = model_from_hugging_face(*text, shown(path), *diagnostics_);
    if (std::get<SettingsTable>(model.value).empty()) return std::nullopt;
    return model;
  }
  return read_text(*text, shown(path), shelf);
}

std::optional<SettingsNode> Composer::read_text(const std::string& text, const std::string& file,
                                                Shelf shelf) {
  if (unreadable_.empty()) first_text_ = text;
  TomlTree tree = parse_toml(text, file, *diagnostics_);
  unreadable_[file].merge(tree.unreadable_lines);
  complete_ = complete_ && tree.complete;
  if (!tree.complete) return std::nullopt;
  return extended(std::move(tree.root), shelf);
}

SettingsNode Composer::extended(SettingsNode node, Shelf shelf) {
  auto& table = std::get<SettingsTable>(node.value);
  const auto extends = std::ranges::find(table, "extends", &SettingsEntry::key);
  if (extends == table.end()) return node;
  const SettingsNode reference = extends->value.front();
  table.erase(extends);
  if (!std::holds_alternative<std::string>(reference.value)) {
    diagnostics_->error(reference.position,
                        fmt::format("extends is {}; wanted the name or the path of a {}",
                                    describe(reference), noun_of(shelf)));
    return node;
  }
  std::optional<SettingsNode> base = resolve(reference, shelf);
  if (!base) {
    complete_ = false;
    return node;
  }
  merge(*base, node);
  base->position = node.position;
  return std::move(*base);
}

bool Composer::chain_is_sound(const fs::path& path, const SourcePosition& asked_at) {
  std::error_code failure;
  const auto same = [&](const fs::path& other) { return fs::equivalent(path, other, failure); };
  const bool cycle = std::ranges::any_of(chain_, same);
  const bool deep = std::ssize(chain_) >= limits::include_depth;
  if (!cycle && !deep) return true;
  std::string chain;
  for (const fs::path& file : chain_) chain += shown(file) + " extends ";
  chain += shown(path);
  diagnostics_->error(asked_at,
                      cycle ? fmt::format("a cycle: {}; one of them must stand alone", chain)
                            : fmt::format("{} files extend one another: {}; at most {} may",
                                          chain_.size() + 1, chain, limits::include_depth));
  return false;
}

// ---- References ---------------------------------------------------------------------------------

std::vector<fs::path> Composer::folders_for(const SourcePosition& position) const {
  std::vector<fs::path> folders = {fs::path(position.file).parent_path()};
  if (folders.front().empty()) folders.front() = ".";
  folders.insert(folders.end(), share_folders_.begin(), share_folders_.end());
  return folders;
}

fs::path Composer::locate(std::string_view path, const SourcePosition& stated) const {
  const std::vector<fs::path> folders = folders_for(stated);
  std::error_code failure;
  for (const fs::path& folder : folders) {
    if (fs::exists(folder / path, failure)) return folder / path;
  }
  return folders.front() / path;
}

std::optional<fs::path> Composer::locate(const SettingsNode& reference, Shelf shelf) {
  const std::string& text = std::get<std::string>(reference.value);
  if (is_path(text)) return locate(text, reference.position);
  const std::vector<fs::path> folders = folders_for(reference.position);
  if (auto found = find_on(shelf, text, folders)) return found;
  const std::vector<std::string> names = names_on(shelf, folders);
  std::string hint = did_you_mean(text, names);
  if (hint.empty())
    hint = fmt::format("; wanted a name in {}/, a path or a table", folder_of(shelf));
  diagnostics_->error(reference.position, fmt::format("there is no {} called '{}'{}",
                                                      noun_of(shelf), shortened(text), hint));
  return std::nullopt;
}

std::optional<SettingsNode> Composer::resolve(const SettingsNode& reference, Shelf shelf) {
  if (is_table(reference)) return extended(reference, shelf);
  if (!std::holds_alternative<std::string>(reference.value)) {
    diagnostics_->error(
        reference.position,
        fmt::format("this is {}; wanted the name of a {}, the path of its file or a table",
                    describe(reference), noun_of(shelf)));
    return std::nullopt;
  }
  if (is_unreadable(reference.position)) return std::nullopt;
  const std::optional<fs::path> path = locate(reference, shelf);
  if (!path) return std::nullopt;
  return read(*path, reference.position, shelf);
}

void Composer::resolve_node_groups(SettingsNode& cluster) {
  SettingsNode* groups = cluster.find("node_group");
  auto* tables = groups == nullptr ? nullptr : std::get_if<SettingsArray>(&groups->value);
  if (tables == nullptr) return;
  for (SettingsNode& group : *tables) {
    if (!is_table(group)) continue;
    auto& table = std::get<SettingsTable>(group.value);
    SettingsEntry* named = find_entry(table, "gpu");
    if (named == nullptr) continue;
    if (std::optional<SettingsNode> tree = resolve(named->value.front(), Shelf::gpus)) {
      named->value.front() = std::move(*tree);
    } else {  // a finding has been made of it
      std::erase_if(table, [](const SettingsEntry& entry) { return entry.key == "gpu"; });
    }
  }
}

// ---- Laying one tree over another ---------------------------------------------------------------

void Composer::merge(SettingsNode& base, const SettingsNode& over) {
  auto& table = std::get<SettingsTable>(base.value);
  for (const SettingsEntry& entry : std::get<SettingsTable>(over.value)) {
    const SettingsNode& value = entry.value.front();
    SettingsEntry* below = find_entry(table, entry.key);
    if (below == nullptr) {
      table.push_back(entry);
      continue;
    }
    SettingsNode& target = below->value.front();
    const bool reference = is_reference(entry.key);
    const bool target_is_text = std::holds_alternative<std::string>(target.value);
    if (reference && target_is_text && is_patch(value)) open_reference(target);
    if (entry.key == "strategy" && target_is_text && is_table(value)) {
      diagnostics_->error(
          entry.key_position,
          fmt::format("this changes keys of strategy, which is the text '{}' ({}); "
                      "write that strategy as a table",
                      std::get<std::string>(target.value), to_string(target.position)));
    } else if (is_table(target) && is_table(value) && (!reference || is_patch(value))) {
      merge(target, value);
    } else {
      *below = entry;
    }
  }
}

void Composer::assign(SettingsNode& root, const Assignment& assignment) {
  if (const auto fault = find_encoding_fault(assignment.text)) {
    diagnostics_->error(assignment.position, fault->message);
    return;
  }
  SettingsNode over{SettingsTable{}, assignment.position, {}};
  over.set(assignment.key, parse_toml_value(assignment.text, assignment.position));
  merge(root, over);
}

bool Composer::is_unreadable(const SourcePosition& position) const {
  const auto file = unreadable_.find(position.file);
  return file != unreadable_.end() && file->second.contains(position.line);
}

}  // namespace orrery
