#include "scenario/toml_settings.hpp"

#include "scenario/toml_scan.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <optional>
#include <vector>

namespace orrery {

namespace {

/// Findings of syntax in one file before the rest is left alone.
constexpr std::size_t most_repairs = 20;

// ---- toml++'s tree into ours --------------------------------------------------------------------

class Conversion {
 public:
  Conversion(std::string file, Diagnostics& diagnostics)
      : file_(std::move(file)), diagnostics_(&diagnostics) {}

  SettingsNode node(const toml::node& from) {
    SettingsNode to;
    to.position = position(from.source());
    if (const auto* table = from.as_table()) {
      to.value = entries(*table);
    } else if (const auto* array = from.as_array()) {
      SettingsArray items;
      for (const toml::node& item : *array) items.push_back(node(item));
      to.value = std::move(items);
    } else {
      set_scalar(to, from);
    }
    return to;
  }

  std::set<std::size_t> unreadable_lines;

 private:
  SettingsTable entries(const toml::table& from) {
    SettingsTable to;
    if (from.size() > static_cast<std::size_t>(most_keys_of_a_table)) {
      diagnostics_->error(
          position(from.source()),
          fmt::format("a table of {} keys; wanted at most {}", from.size(), most_keys_of_a_table));
      return to;
    }
    for (const auto& [key, value] : from) {
      to.push_back({std::string(key.str()), position(key.source()), {node(value)}});
    }
    std::ranges::stable_sort(to, {}, [](const SettingsEntry& entry) {
      return std::pair(entry.key_position.line, entry.key_position.column);
    });
    return to;
  }

  void set_scalar(SettingsNode& to, const toml::node& from) {
    if (const auto* text = from.as_string()) {
      to.value = text->get();
    } else if (const auto* whole = from.as_integer()) {
      to.value = whole->get();
    } else if (const auto* real = from.as_floating_point()) {
      to.value = real->get();
    } else if (const auto* flag = from.as_boolean()) {
      to.value = flag->get();
    } else {
      to.value = std::string();
      unreadable_lines.insert(to.position.line);
      diagnostics_->error(
          to.position, "this is a date or a time; wanted a number, a table, or a text in quotes");
    }
  }

  SourcePosition position(const toml::source_region& region) const {
    return {file_, region.begin.line, region.begin.column};
  }

  std::string file_;
  Diagnostics* diagnostics_;
};

// ---- Lines that TOML cannot read ----------------------------------------------------------------

/// Where in `text` a line begins and ends; `line` counts from 1.
struct LineBounds {
  std::size_t begin = 0;
  std::size_t end = 0;
};
std::optional<LineBounds> find_line(std::string_view text, std::size_t line) {
  std::size_t begin = 0;
  for (std::size_t i = 1; i < line; ++i) {
    begin = text.find('\n', begin);
    if (begin == std::string_view::npos) return std::nullopt;
    ++begin;
  }
  return LineBounds{begin, std::min(text.find('\n', begin), text.size())};
}

/// Where the value of a line `key = value` begins, if it looks like one.
std::optional<std::size_t> value_begin(std::string_view line) {
  constexpr std::string_view of_keys =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.\"' \t";
  const std::size_t equals = line.find_first_not_of(of_keys);
  const bool has_key = line.find_first_not_of(" \t") != equals;
  if (equals == std::string_view::npos || line[equals] != '=' || !has_key) return std::nullopt;
  return equals + 1;
}

/// A sentence for a syntax error, from toml++'s "Error while parsing value: could not …".
std::string sentence(std::string_view description, std::string_view value) {
  constexpr std::string_view beginning = "Error while parsing ";
  if (description.starts_with(beginning)) description.remove_prefix(beginning.size());
  std::string text = fmt::format("not TOML, in this {}", description);
  const bool has_letters =
      std::ranges::any_of(value, [](unsigned char c) { return std::isalpha(c); });
  const bool quoted = value.find_first_of("\"'[{") != std::string_view::npos;
  if (has_letters && !quoted) text += "; a text or a quantity stands in quotes, as in \"80 GB\"";
  return text;
}

class Reading {
 public:
  Reading(std::string_view text, const std::string& file, Diagnostics& diagnostics)
      : text_(text), file_(file), diagnostics_(&diagnostics), scan_(scan_toml(text)) {}

  TomlTree read() {
    if (scan_.too_much) return incomplete(*scan_.too_much);
    for (std::size_t i = 0; i < most_repairs; ++i) {
      try {
        return converted(toml::parse(std::string_view(text_), std::string_view(file_)));
      } catch (const toml::parse_error& error) {
        if (!repair(error)) break;
      }
    }
    return incomplete(std::nullopt);
  }

 private:
  TomlTree converted(const toml::table& table) {
    Conversion conversion(file_, *diagnostics_);
    TomlTree tree{conversion.node(table), std::move(conversion.unreadable_lines), true};
    tree.unreadable_lines.merge(repaired_);
    tree.root.position = {file_, 0, 1};
    return tree;
  }

  TomlTree incomplete(const std::optional<TextFault>& fault) {
    if (fault) diagnostics_->error({file_, fault->line, fault->column}, fault->message);
    return {SettingsNode{SettingsTable{}, {file_, 0, 1}, {}}, {}, false};
  }

  /// Reports the error and puts an empty text in place of the value it is about. False if the
  /// mistake is larger than one value.
  bool repair(const toml::parse_error& error) {
    const std::size_t line = std::max<std::size_t>(1, error.source().begin.line);
    const std::optional<LineBounds> bounds = find_line(text_, line);
    const std::string_view words =
        bounds ? std::string_view(text_).substr(bounds->begin, bounds->end - bounds->begin) : "";
    const std::optional<std::size_t> value = value_begin(words);
    const bool first_time = repaired_.insert(line).second;
    if (first_time) {
      diagnostics_->error({file_, line, std::max<std::size_t>(1, error.source().begin.column)},
                          sentence(error.description(), value ? words.substr(*value) : ""));
    }
    if (!value || scan_.line_begins_inside.at(line - 1)) return false;
    if (first_time) {
      text_.replace(bounds->begin + *value, words.size() - *value, "\"\"");
    } else {  // the key itself is at fault: written twice, for example
      if (words.empty()) return false;
      text_.replace(bounds->begin, words.size(), "");
    }
    return true;
  }

  std::string text_;
  std::string file_;
  Diagnostics* diagnostics_;
  TomlScan scan_;
  std::set<std::size_t> repaired_;
};

}  // namespace

TomlTree parse_toml(std::string_view text, const std::string& file, Diagnostics& diagnostics) {
  if (const std::optional<TextFault> fault = find_encoding_fault(text)) {
    diagnostics.error({file, fault->line, fault->column}, fault->message);
    return {SettingsNode{SettingsTable{}, {file, 0, 1}, {}}, {}, false};
  }
  return Reading(text, file, diagnostics).read();
}

namespace {
void place_all(SettingsNode& node, const SourcePosition& position) {
  node.position = position;
  if (auto* table = std::get_if<SettingsTable>(&node.value)) {
    for (SettingsEntry& entry : *table) {
      entry.key_position = position;
      place_all(entry.value.front(), position);
    }
  } else if (auto* array = std::get_if<SettingsArray>(&node.value)) {
    for (SettingsNode& item : *array) place_all(item, position);
  }
}
}  // namespace

SettingsNode parse_toml_value(std::string_view text, const SourcePosition& position) {
  Diagnostics ignored;
  const bool one_line = text.find('\n') == std::string_view::npos;
  if (one_line && !find_encoding_fault(text)) {
    TomlTree tree = parse_toml(fmt::format("value = {}", text), "", ignored);
    SettingsNode* value = tree.root.find("value");
    if (value != nullptr && ignored.all().empty()) {
      place_all(*value, position);
      return std::move(*value);
    }
  }
  return SettingsNode{std::string(text), position, {}};
}

}  // namespace orrery
