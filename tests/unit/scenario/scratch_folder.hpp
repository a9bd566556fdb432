// A folder of small files that lives as long as a test, and what a load of one of them complains
// of.
#pragma once

#include "scenario/load.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "orrery-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  ~ScratchFolder() { std::filesystem::remove_all(path_); }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  std::filesystem::path operator/(std::string_view name) const { return path_ / name; }

  /// Writes a file and gives its path.
  std::filesystem::path write(std::string_view name, std::string_view text) const {
    const std::filesystem::path path = path_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

 private:
  std::filesystem::path path_;
};

/// The findings of a text, each "line:column: message", sorted.
inline std::vector<std::string> lines_of(const Diagnostics& diagnostics) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : diagnostics.all()) {
    lines.push_back(std::to_string(diagnostic.position.line) + ":" +
                    std::to_string(diagnostic.position.column) + ": " + diagnostic.message);
  }
  return lines;
}

/// The share folder of the checkout: tests run from its root.
inline LoadOptions from_checkout() { return {.search_paths = {"."}}; }

/// What loading throws, or "" when it loads.
inline std::string complaints(const std::filesystem::path& path,
                              const LoadOptions& options = from_checkout()) {
  try {
    load_scenario(path, options);
  } catch (const InvalidScenario& invalid) {
    return invalid.what();
  }
  return "";
}

/// Those of a scenario's text.
inline std::string complaints_of(std::string_view text) {
  const ScratchFolder folder;
  return complaints(folder.write("s.toml", text));
}

}  // namespace orrery
