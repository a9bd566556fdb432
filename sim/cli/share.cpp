#include "cli/share.hpp"

#include "orrery_build/paths.hpp"

#include <system_error>

namespace orrery {

namespace fs = std::filesystem;

std::vector<fs::path> share_folders() {
  std::vector<fs::path> folders = {"."};
  std::error_code failure;
  const fs::path program = fs::read_symlink("/proc/self/exe", failure);
  const fs::path installed = program.parent_path() / build::install_share;
  if (!failure && fs::is_directory(installed / "models", failure)) {
    folders.push_back(fs::weakly_canonical(installed, failure));
  } else {
    folders.emplace_back(build::source_share);
  }
  return folders;
}

LoadOptions load_options(const Arguments& arguments) {
  LoadOptions options{.search_paths = share_folders()};
  for (const std::string& text : arguments.values("set")) {
    options.overrides.push_back(parse_override(text));
  }
  return options;
}

}  // namespace orrery
