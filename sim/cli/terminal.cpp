#include "cli/terminal.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace orrery {

bool is_terminal(std::FILE* stream) { return ::isatty(::fileno(stream)) == 1; }

Paint::Paint(std::FILE* stream) {
  const char* refused = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const bool dumb = kind != nullptr && std::string_view(kind) == "dumb";
  colours_ = is_terminal(stream) && !dumb && (refused == nullptr || *refused == '\0');
}

std::string Paint::in(std::string_view code, std::string_view text) const {
  return colours_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
}

std::string painted(const Diagnostic& diagnostic, const Paint& paint) {
  const bool fatal = diagnostic.severity == Severity::error;
  const std::string kind = fatal ? paint.error("error:") : paint.warning("warning:");
  const std::string place = to_string(diagnostic.position);
  if (place.empty()) return fmt::format("{} {}", kind, diagnostic.message);
  return fmt::format("{}: {} {}", paint.bold(place), kind, diagnostic.message);
}

namespace {
/// More findings than this are a broken file, not a list to work through.
constexpr std::size_t most_printed = 100;
}  // namespace

void print_findings(const std::vector<Diagnostic>& all) {
  const Paint paint(stderr);
  for (std::size_t i = 0; i < all.size() && i < most_printed; ++i) {
    fmt::print(stderr, "{}\n", painted(all[i], paint));
  }
  if (all.size() > most_printed) fmt::print(stderr, "... and {} more\n", all.size() - most_printed);
}

std::size_t columns_of(std::string_view utf8) {
  const auto begins = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return static_cast<std::size_t>(std::ranges::count_if(utf8, begins));
}

std::string padded(std::string_view text, std::size_t width) {
  const std::size_t columns = columns_of(text);
  return std::string(text) + std::string(columns < width ? width - columns : 0, ' ');
}

}  // namespace orrery
