#include "scenario/toml_text.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

bool is_bare(std::string_view key) {
  constexpr std::string_view bare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
  return !key.empty() && key.find_first_not_of(bare) == std::string_view::npos;
}

std::string key_text(std::string_view key) {
  return is_bare(key) ? std::string(key) : toml_quoted(key);
}

bool is_table(const SettingsNode& node) {
  return std::holds_alternative<SettingsTable>(node.value);
}

bool is_table_array(const SettingsNode& node) {
  const auto* array = std::get_if<SettingsArray>(&node.value);
  return array != nullptr && !array->empty() && std::ranges::all_of(*array, is_table);
}

/// A value that stands right of `=`.
std::string value_text(const SettingsNode& node) {
  struct Text {
    std::string operator()(const SettingsTable& table) const {
      std::string items;
      for (const SettingsEntry& entry : table) {
        items += fmt::format("{}{} = {}", items.empty() ? "" : ", ", key_text(entry.key),
                             value_text(entry.value.front()));
      }
      return fmt::format("{{ {} }}", items);
    }
    std::string operator()(const SettingsArray& array) const {
      std::string items;
      for (const SettingsNode& item : array) {
        items += (items.empty() ? "" : ", ") + value_text(item);
      }
      return fmt::format("[{}]", items);
    }
    std::string operator()(const std::string& text) const { return toml_quoted(text); }
    std::string operator()(std::int64_t number) const { return fmt::format("{}", number); }
    std::string operator()(double number) const { return toml_number(number); }
    std::string operator()(bool flag) const { return flag ? "true" : "false"; }
  };
  return std::visit(Text{}, node.value);
}

}  // namespace

std::string toml_quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (control) {
      quoted += fmt::format("\\u{:04X}", static_cast<unsigned>(c));
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string toml_number(double value) {
  std::string text = fmt::format("{}", value);
  const bool whole = text.find_first_not_of("-0123456789") == std::string::npos;
  return whole ? text + ".0" : text;
}

std::string to_toml(const SettingsNode& node, const std::string& path) {
  CHECK(is_table(node), path);
  std::string text;
  std::string below;
  for (const SettingsEntry& entry : std::get<SettingsTable>(node.value)) {
    const SettingsNode& value = entry.value.front();
    const std::string name = path.empty() ? key_text(entry.key) : path + "." + key_text(entry.key);
    if (is_table(value)) {
      below += fmt::format("\n[{}]\n{}", name, to_toml(value, name));
    } else if (is_table_array(value)) {
      for (const SettingsNode& item : std::get<SettingsArray>(value.value)) {
        below += fmt::format("\n[[{}]]\n{}", name, to_toml(item, name));
      }
    } else {
      text += fmt::format("{} = {}\n", key_text(entry.key), value_text(value));
    }
  }
  return text + below;
}

}  // namespace orrery
