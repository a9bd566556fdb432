#include "base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace orrery {

// Line 0 with a column is a place at the beginning of a file in which something is missing; without
// one, the file as a whole, or what was typed.
std::string to_string(const SourcePosition& position) {
  if (position.line == 0 && position.column == 0) return position.file;
  return fmt::format("{}:{}:{}", position.file, std::max<std::size_t>(1, position.line),
                     position.column);
}

std::string to_string(const Diagnostic& diagnostic) {
  const std::string_view kind = diagnostic.severity == Severity::error ? "error" : "warning";
  const std::string place = to_string(diagnostic.position);
  if (place.empty()) return fmt::format("{}: {}", kind, diagnostic.message);
  return fmt::format("{}: {}: {}", place, kind, diagnostic.message);
}

void Diagnostics::error(SourcePosition position, std::string message) {
  all_.push_back({Severity::error, std::move(position), std::move(message)});
}

void Diagnostics::warning(SourcePosition position, std::string message) {
  all_.push_back({Severity::warning, std::move(position), std::move(message)});
}

bool Diagnostics::has_errors() const {
  return std::ranges::any_of(all_,
                             [](const Diagnostic& d) { return d.severity == Severity::error; });
}

void Diagnostics::throw_if_errors() const {
  if (!has_errors()) return;
  std::vector<Diagnostic> sorted = all_;
  std::ranges::stable_sort(sorted, {}, [](const Diagnostic& d) {
    return std::tie(d.position.file, d.position.line, d.position.column);
  });
  // Two readers of one key find the same.
  const auto same = [](const Diagnostic& a, const Diagnostic& b) {
    return a.position == b.position && a.message == b.message;
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  throw InvalidScenario(std::move(sorted));
}

namespace {
std::string join_lines(const std::vector<Diagnostic>& diagnostics) {
  std::string text;
  for (const Diagnostic& diagnostic : diagnostics) text += to_string(diagnostic) + "\n";
  return text;
}
}  // namespace

InvalidScenario::InvalidScenario(std::vector<Diagnostic> diagnostics)
    : std::runtime_error(join_lines(diagnostics)), diagnostics_(std::move(diagnostics)) {}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_previous(b.size() + 1);
  std::vector<std::size_t> previous(b.size() + 1);
  std::vector<std::size_t> current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, substitution});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) current[j] = std::min(current[j], before_previous[j - 2] + 1);
    }
    std::swap(before_previous, previous);
    std::swap(previous, current);
  }
  return previous[b.size()];
}

std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::size_t near_enough = std::max<std::size_t>(1, word.size() / 3);
  const std::string* best = nullptr;
  std::size_t best_distance = near_enough + 1;
  for (const std::string& candidate : candidates) {
    const auto [shorter, longer] = std::minmax({word.size(), candidate.size()});
    if (longer - shorter >= best_distance) continue;  // each needs an insertion
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : fmt::format("; did you mean '{}'?", *best);
}

std::string enumerate(std::span<const std::string> words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace orrery
