// Where the shipped models, topologies and scenarios lie when tests run: in the source tree.
#pragma once

#include "orrery_build/paths.hpp"

#include <filesystem>
#include <vector>

namespace orrery {

inline std::vector<std::filesystem::path> share_folders() { return {build::source_share}; }

}  // namespace orrery
