#include "scenario/files.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <set>
#include <system_error>

namespace orrery {

namespace fs = std::filesystem;

namespace {

/// Names of what else lies beside `path`, to suggest one of them.
std::vector<std::string> neighbours(const fs::path& path) {
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code failure;
  std::set<std::string> names;
  for (fs::directory_iterator at(folder, failure), end; !failure && at != end;
       at.increment(failure)) {
    names.insert(at->path().filename().string());
  }
  names.erase(path.filename().string());
  return {names.begin(), names.end()};
}

void complain(const fs::path& path, const SourcePosition& asked_at, std::string_view what,
              Diagnostics& diagnostics) {
  if (asked_at.file.empty()) {
    diagnostics.error({shown(path), 0, 0}, std::string(what));
  } else {
    diagnostics.error(asked_at, fmt::format("{}: {}", shown(path), what));
  }
}

}  // namespace

std::string shown(const fs::path& path) {
  std::error_code failure;
  if (!path.is_absolute()) return path.lexically_normal().string();
  const fs::path relative = path.lexically_relative(fs::current_path(failure));
  const bool below = !failure && !relative.empty() && *relative.begin() != "..";
  return below ? relative.string() : path.string();
}

std::optional<std::string> read_text_file(const fs::path& path, const SourcePosition& asked_at,
                                          Diagnostics& diagnostics) {
  std::error_code failure;
  if (!fs::exists(path, failure)) {
    if (failure) {  // more than missing: a link that leads back to itself, a name too long
      complain(path, asked_at, "this cannot be opened: " + failure.message(), diagnostics);
      return std::nullopt;
    }
    const std::string meant = did_you_mean(path.filename().string(), neighbours(path));
    complain(path, asked_at, "there is no such file" + meant, diagnostics);
    return std::nullopt;
  }
  if (fs::is_directory(path, failure)) {
    complain(path, asked_at, "this is a folder; wanted a file", diagnostics);
    return std::nullopt;
  }
  std::ifstream file(path, std::ios::binary);
  std::string text;
  std::array<char, 1 << 16> block{};
  while (file && text.size() <= static_cast<std::size_t>(limits::input_bytes)) {
    file.read(block.data(), block.size());
    text.append(block.data(), static_cast<std::size_t>(file.gcount()));
  }
  if (text.size() > static_cast<std::size_t>(limits::input_bytes)) {
    complain(path, asked_at,
             fmt::format("this is longer than {} bytes, the most an input file may have",
                         limits::input_bytes),
             diagnostics);
    return std::nullopt;
  }
  if (!file.eof()) {
    complain(path, asked_at, "this file cannot be read; its permissions may forbid it",
             diagnostics);
    return std::nullopt;
  }
  return text;
}

std::string_view folder_of(Shelf shelf) {
  switch (shelf) {
    case Shelf::models:
      return "models";
    case Shelf::software:
      return "models/software";
    case Shelf::clusters:
      return "topologies/clusters";
    case Shelf::gpus:
      return "topologies/gpus";
    case Shelf::scenarios:
      return "scenarios";
  }
  return "";
}

std::string_view noun_of(Shelf shelf) {
  switch (shelf) {
    case Shelf::models:
      return "model";
    case Shelf::software:
      return "software profile";
    case Shelf::clusters:
      return "cluster";
    case Shelf::gpus:
      return "GPU";
    case Shelf::scenarios:
      return "scenario";
  }
  return "";
}

bool is_path(std::string_view reference) {
  return reference.find('/') != std::string_view::npos || reference.ends_with(".toml") ||
         reference.ends_with(".json");
}

std::vector<std::string> names_on(Shelf shelf, std::span<const fs::path> folders) {
  std::set<std::string> names;
  for (const fs::path& folder : folders) {
    std::error_code failure;
    fs::directory_iterator at(folder / folder_of(shelf), failure);
    for (const fs::directory_iterator end; !failure && at != end; at.increment(failure)) {
      if (at->path().extension() == ".toml") names.insert(at->path().stem().string());
    }
  }
  return {names.begin(), names.end()};
}

std::optional<fs::path> find_on(Shelf shelf, std::string_view name,
                                std::span<const fs::path> folders) {
  for (const fs::path& folder : folders) {
    const fs::path candidate = folder / folder_of(shelf) / (std::string(name) + ".toml");
    std::error_code failure;
    if (fs::is_regular_file(candidate, failure)) return candidate;
  }
  return std::nullopt;
}

}  // namespace orrery
