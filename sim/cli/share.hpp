// Where the models, topologies and scenarios that ship are, for a checkout and for an installation.
#pragma once

#include "cli/options.hpp"
#include "scenario/load.hpp"

#include <filesystem>
#include <vector>

namespace orrery {

/// Folders that hold models/ and topologies/: the working folder, then ../share/orrery seen from
/// the executable, or the source tree for one that runs where it was built.
std::vector<std::filesystem::path> share_folders();

/// How a verb loads scenarios: `--set` applied, names looked up in the share folders.
LoadOptions load_options(const Arguments& arguments);

/// The option that every verb with a scenario takes.
inline constexpr Option set_option{
    "set", 0, "KEY=VALUE",
    "overrides a key of the scenario, as in strategy.tp=4; as often as wanted"};
inline constexpr Option json_option{"json", 0, "", "one JSON object on stdout and nothing else"};

}  // namespace orrery
