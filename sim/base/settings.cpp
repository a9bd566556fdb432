#include "base/settings.hpp"

#include "base/shortened.hpp"
#include "base/units_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace orrery {

// ---- The tree -----------------------------------------------------------------------------------

const SettingsNode* SettingsNode::find(std::string_view key) const {
  const auto* table = std::get_if<SettingsTable>(&value);
  if (table == nullptr) return nullptr;
  for (const SettingsEntry& entry : *table) {
    if (entry.key == key) return &entry.value.front();
  }
  return nullptr;
}

SettingsNode* SettingsNode::find(std::string_view key) {
  return const_cast<SettingsNode*>(std::as_const(*this).find(key));
}

bool SettingsNode::set(std::string_view dotted_key, SettingsNode node) {
  auto* table = std::get_if<SettingsTable>(&value);
  if (table == nullptr) return false;
  const std::size_t dot = dotted_key.find('.');
  const std::string_view key = dotted_key.substr(0, dot);
  SettingsNode* found = find(key);
  if (found == nullptr) {
    table->push_back(
        {std::string(key), node.position, {SettingsNode{SettingsTable{}, node.position, {}}}});
    found = &table->back().value.front();
  }
  if (dot != std::string_view::npos) return found->set(dotted_key.substr(dot + 1), std::move(node));
  *found = std::move(node);
  return true;
}

std::string describe(const SettingsNode& node) {
  struct Words {
    std::string operator()(const SettingsTable&) const { return "a table"; }
    std::string operator()(const SettingsArray&) const { return "an array"; }
    std::string operator()(const std::string& text) const {
      return fmt::format("the text '{}'", shortened(text));
    }
    std::string operator()(std::int64_t n) const { return fmt::format("the whole number {}", n); }
    std::string operator()(double x) const { return fmt::format("the number {}", x); }
    std::string operator()(bool b) const { return b ? "true" : "false"; }
  };
  return std::visit(Words{}, node.value);
}

// ---- The view -----------------------------------------------------------------------------------

Settings::Settings(const SettingsNode& node, Diagnostics& diagnostics, std::string path)
    : node_(&node), diagnostics_(&diagnostics), path_(std::move(path)) {
  CHECK(std::holds_alternative<SettingsTable>(node.value), path_);
}

const SettingsEntry* Settings::entry(std::string_view key) const {
  for (const SettingsEntry& entry : std::get<SettingsTable>(node_->value)) {
    if (entry.key == key) return &entry;
  }
  return nullptr;
}

const SettingsNode* Settings::read(std::string_view key) const {
  if (std::ranges::find(node_->asked, key) == node_->asked.end()) {
    node_->asked.emplace_back(key);
  }
  const SettingsEntry* found = entry(key);
  if (found == nullptr) return nullptr;
  found->read = true;
  return &found->value.front();
}

bool Settings::has(std::string_view key) const { return entry(key) != nullptr; }

SourcePosition Settings::position(std::string_view key) const {
  const SettingsEntry* found = entry(key);
  return found == nullptr ? position() : found->value.front().position;
}

SourcePosition Settings::position() const { return absent_at_.value_or(node_->position); }

std::string Settings::full_name(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

void Settings::error(std::string_view key, std::string message) const {
  diagnostics_->error(position(key), std::move(message));
}

void Settings::wrong_type(std::string_view key, const SettingsNode& found,
                          std::string_view wanted) const {
  diagnostics_->error(found.position,
                      fmt::format("{} is {}; wanted {}", full_name(key), describe(found), wanted));
}

void Settings::missing(std::string_view key, std::string_view wanted) const {
  diagnostics_->error(position(), fmt::format("{} is missing; wanted {}", full_name(key), wanted));
}

std::optional<std::string> Settings::text(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&found->value)) return *text;
  wrong_type(key, *found, "a text in quotes");
  return std::nullopt;
}

std::optional<std::int64_t> Settings::integer(std::string_view key, IntegerRange range) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&found->value);
  if (number == nullptr) {
    wrong_type(key, *found, "a whole number");
    return std::nullopt;
  }
  if (*number < range.least || *number > range.most) {
    const std::string wanted = range.most == INT64_MAX ? fmt::format("{} or more", range.least)
                                                       : fmt::format("a whole number from {} to {}",
                                                                     range.least, range.most);
    error(key, fmt::format("{} = {} is out of range; wanted {}", full_name(key), *number, wanted));
    return std::nullopt;
  }
  return *number;
}

std::optional<double> Settings::number(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* whole = std::get_if<std::int64_t>(&found->value)) {
    return static_cast<double>(*whole);
  }
  const auto* number = std::get_if<double>(&found->value);
  if (number != nullptr && std::isfinite(*number)) return *number;
  wrong_type(key, *found, "a finite number");
  return std::nullopt;
}

std::optional<bool> Settings::flag(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* flag = std::get_if<bool>(&found->value)) return *flag;
  wrong_type(key, *found, "true or false");
  return std::nullopt;
}

template <typename T, typename Parse>
std::optional<T> Settings::quantity(std::string_view key, Parse parse,
                                    std::string_view example) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  const auto* text = std::get_if<std::string>(&found->value);
  if (text == nullptr) {
    wrong_type(key, *found, fmt::format("a text with its unit, such as \"{}\"", example));
    return std::nullopt;
  }
  const auto parsed = parse(*text);
  if (const auto* failure = std::get_if<UnitsError>(&parsed)) {
    error(key, fmt::format("{}: {}", full_name(key), failure->message));
    return std::nullopt;
  }
  return std::get<T>(parsed);
}

std::optional<Bytes> Settings::bytes(std::string_view key) const {
  return quantity<Bytes>(key, parse_bytes, "80 GB");
}
std::optional<BytesPerSecond> Settings::bytes_per_second(std::string_view key) const {
  return quantity<BytesPerSecond>(key, parse_bytes_per_second, "400 Gb/s");
}
std::optional<FlopsPerSecond> Settings::flops_per_second(std::string_view key) const {
  return quantity<FlopsPerSecond>(key, parse_flops_per_second, "989 TFLOP/s");
}
std::optional<Seconds> Settings::seconds(std::string_view key) const {
  return quantity<Seconds>(key, parse_seconds, "1.2 us");
}
std::optional<double> Settings::watts(std::string_view key) const {
  return quantity<double>(key, parse_watts, "700 W");
}
std::optional<double> Settings::dollars_per_hour(std::string_view key) const {
  return quantity<double>(key, parse_dollars_per_hour, "2.95 USD/h");
}
std::optional<double> Settings::hertz(std::string_view key) const {
  return quantity<double>(key, parse_hertz, "1830 MHz");
}
std::optional<double> Settings::percent(std::string_view key) const {
  return quantity<double>(key, parse_percent, "5 %");
}

namespace {
/// The items of an array that hold a T; nothing if one of them does not.
template <typename T>
std::optional<std::vector<T>> items_of(const SettingsNode& node) {
  const auto* array = std::get_if<SettingsArray>(&node.value);
  if (array == nullptr) return std::nullopt;
  std::vector<T> items;
  for (const SettingsNode& item : *array) {
    const auto* value = std::get_if<T>(&item.value);
    if (value == nullptr) return std::nullopt;
    items.push_back(*value);
  }
  return items;
}
}  // namespace

std::optional<std::vector<std::string>> Settings::texts(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  auto items = items_of<std::string>(*found);
  if (!items) wrong_type(key, *found, "an array of texts, such as [\"a\", \"b\"]");
  return items;
}

std::optional<std::vector<std::int64_t>> Settings::integers(std::string_view key,
                                                            IntegerRange range) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  auto items = items_of<std::int64_t>(*found);
  if (!items) {
    wrong_type(key, *found, "an array of whole numbers, such as [1, 2]");
    return std::nullopt;
  }
  for (const std::int64_t item : *items) {
    if (item >= range.least && item <= range.most) continue;
    error(key, fmt::format("{} holds {}; every item must be from {} to {}", full_name(key), item,
                           range.least, range.most));
    return std::nullopt;
  }
  return items;
}

std::optional<std::vector<double>> Settings::numbers(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  const auto* array = std::get_if<SettingsArray>(&found->value);
  std::vector<double> items;
  bool numeric = array != nullptr;
  for (std::size_t i = 0; numeric && i < array->size(); ++i) {
    const auto& value = (*array)[i].value;
    const auto* whole = std::get_if<std::int64_t>(&value);
    const auto* real = std::get_if<double>(&value);
    numeric = whole != nullptr || (real != nullptr && std::isfinite(*real));
    if (numeric) items.push_back(whole != nullptr ? static_cast<double>(*whole) : *real);
  }
  if (numeric) return items;
  wrong_type(key, *found, "an array of finite numbers, such as [0.5, 1.0]");
  return std::nullopt;
}

std::optional<std::string> Settings::choice(std::string_view key,
                                            std::span<const std::string> choices) const {
  std::optional<std::string> found = text(key);
  if (!found || std::ranges::find(choices, *found) != choices.end()) return found;
  error(key, fmt::format("{} = '{}' is unknown; wanted one of {}{}", full_name(key),
                         shortened(*found), enumerate(choices), did_you_mean(*found, choices)));
  return std::nullopt;
}

// ---- Required keys ------------------------------------------------------------------------------

std::string Settings::required_text(std::string_view key) const {
  if (!has(key)) missing(key, "a text in quotes");
  const std::optional<std::string> found = text(key);
  if (found && found->empty()) error(key, full_name(key) + " is empty; wanted a text");
  return found.value_or("");
}
std::int64_t Settings::required_integer(std::string_view key, IntegerRange range) const {
  if (!has(key)) missing(key, "a whole number");
  return integer(key, range).value_or(std::clamp<std::int64_t>(1, range.least, range.most));
}
double Settings::required_number(std::string_view key) const {
  if (!has(key)) missing(key, "a number");
  return number(key).value_or(1.0);
}
Bytes Settings::required_bytes(std::string_view key) const {
  if (!has(key)) missing(key, "a size such as \"80 GB\"");
  return bytes(key).value_or(Bytes(1));
}
BytesPerSecond Settings::required_bytes_per_second(std::string_view key) const {
  if (!has(key)) missing(key, "a rate such as \"400 Gb/s\"");
  return bytes_per_second(key).value_or(BytesPerSecond(1.0));
}
FlopsPerSecond Settings::required_flops_per_second(std::string_view key) const {
  if (!has(key)) missing(key, "a rate such as \"989 TFLOP/s\"");
  return flops_per_second(key).value_or(FlopsPerSecond(1.0));
}
Seconds Settings::required_seconds(std::string_view key) const {
  if (!has(key)) missing(key, "a time such as \"1.2 us\"");
  return seconds(key).value_or(Seconds(0.0));
}

// ---- Tables -------------------------------------------------------------------------------------

std::optional<Settings> Settings::table(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return std::nullopt;
  if (std::holds_alternative<SettingsTable>(found->value)) {
    return Settings(*found, *diagnostics_, full_name(key));
  }
  wrong_type(key, *found, "a table");
  return std::nullopt;
}

Settings Settings::empty_table(std::string_view key) const {
  static const SettingsNode empty{SettingsTable{}, {}, {}};
  Settings view(empty, *diagnostics_, full_name(key));
  view.absent_at_ = position(key);
  return view;
}

Settings Settings::required_table(std::string_view key) const {
  if (!has(key)) missing(key, fmt::format("a table [{}]", full_name(key)));
  const std::optional<Settings> found = table(key);
  return found ? *found : empty_table(key);
}

std::vector<Settings> Settings::tables(std::string_view key) const {
  const SettingsNode* found = read(key);
  if (found == nullptr) return {};
  const auto* array = std::get_if<SettingsArray>(&found->value);
  std::vector<Settings> views;
  for (std::size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const SettingsNode& item = (*array)[i];
    if (!std::holds_alternative<SettingsTable>(item.value)) break;
    views.emplace_back(item, *diagnostics_, fmt::format("{}[{}]", full_name(key), i));
  }
  if (array == nullptr || views.size() != array->size()) {
    wrong_type(key, *found, fmt::format("tables written as [[{}]]", full_name(key)));
  }
  return views;
}

bool Settings::is_table(std::string_view key) const {
  const SettingsEntry* found = entry(key);
  return found != nullptr && std::holds_alternative<SettingsTable>(found->value.front().value);
}

const SettingsNode* Settings::node(std::string_view key) const { return read(key); }

std::vector<std::string> Settings::keys() const {
  std::vector<std::string> names;
  for (const SettingsEntry& entry : std::get<SettingsTable>(node_->value)) {
    names.push_back(entry.key);
  }
  return names;
}

void Settings::accept(std::string_view key) const { read(key); }

namespace {
void mark_read(const SettingsNode& node) {
  if (const auto* table = std::get_if<SettingsTable>(&node.value)) {
    for (const SettingsEntry& entry : *table) {
      entry.read = true;
      mark_read(entry.value.front());
    }
  } else if (const auto* array = std::get_if<SettingsArray>(&node.value)) {
    for (const SettingsNode& item : *array) mark_read(item);
  }
}

void report_unread_below(const SettingsNode& node, const std::string& path,
                         Diagnostics& diagnostics) {
  if (const auto* array = std::get_if<SettingsArray>(&node.value)) {
    for (const SettingsNode& item : *array) report_unread_below(item, path, diagnostics);
  }
  const auto* table = std::get_if<SettingsTable>(&node.value);
  if (table == nullptr) return;
  for (const SettingsEntry& entry : *table) {
    const std::string name = path.empty() ? entry.key : path + "." + entry.key;
    if (entry.read) {
      report_unread_below(entry.value.front(), name, diagnostics);
    } else {
      diagnostics.error(entry.key_position, fmt::format("unknown key '{}'{}", shortened(name),
                                                        did_you_mean(entry.key, node.asked)));
    }
  }
}
}  // namespace

void Settings::accept_all() const { mark_read(*node_); }

void report_unread(const SettingsNode& root, Diagnostics& diagnostics) {
  report_unread_below(root, "", diagnostics);
}

}  // namespace orrery
