#include "cli/diagnostics_json.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <utility>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

/// Whether the apostrophe at `i` opens or closes a quotation; the one in "GPU's" does neither.
bool quotes(std::string_view text, std::size_t i) {
  const auto letter = [&](std::size_t at) {
    return at < text.size() && std::isalnum(static_cast<unsigned char>(text[at])) != 0;
  };
  return i == 0 || !letter(i - 1) || !letter(i + 1);
}

/// Parts a sentence at its first semicolon outside of quotations, or before a line of usage.
std::pair<std::string_view, std::string_view> parted(std::string_view sentence) {
  bool inside = false;
  for (std::size_t i = 0; i < sentence.size(); ++i) {
    if (sentence[i] == '\'' && quotes(sentence, i)) inside = !inside;
    if (inside) continue;
    if (sentence[i] == '\n') return {sentence.substr(0, i), sentence.substr(i + 1)};
    if (!sentence.substr(i).starts_with("; ")) continue;
    return {sentence.substr(0, i), sentence.substr(i + 2)};
  }
  return {sentence, ""};
}

Json finding_json(const Diagnostic& diagnostic) {
  const SourcePosition& place = diagnostic.position;
  const bool has_line = place.line > 0 || place.column > 0;
  const auto [message, remedy] = parted(diagnostic.message);
  Json json;
  json["file"] = place.file.empty() ? Json() : Json(place.file);
  json["line"] = has_line ? Json(std::max<std::size_t>(1, place.line)) : Json();
  json["column"] = has_line ? Json(place.column) : Json();
  json["severity"] = diagnostic.severity == Severity::error ? "error" : "warning";
  json["message"] = message;
  json["remedy"] = remedy;
  return json;
}

/// Names of files need not be UTF-8, JSON must be.
std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

namespace {
void add_findings(Json& json, const std::vector<Diagnostic>& all) {
  json["error"] = "invalid input";
  json["diagnostics"] = Json::array();
  for (const Diagnostic& diagnostic : all) json["diagnostics"].push_back(finding_json(diagnostic));
}
}  // namespace

std::string diagnostics_json(const std::vector<Diagnostic>& all) {
  Json json;
  add_findings(json, all);
  return dumped(json);
}

std::string with_diagnostics(std::string_view json, const std::vector<Diagnostic>& all) {
  Json whole = Json::parse(json);
  add_findings(whole, all);
  return dumped(whole);
}

std::string fault_json(std::string_view message) {
  Json json;
  json["error"] = "internal fault";
  json["message"] = message;
  return dumped(json);
}

}  // namespace orrery
