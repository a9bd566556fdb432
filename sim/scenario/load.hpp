// A file becomes a scenario: composed of the files it extends and refers to, overridden, read,
// judged.
//
// All findings of all files involved are gathered and thrown once, as InvalidScenario. What was
// read without fault is judged even when other keys are at fault: a rule is left out only if a key
// that it looks at could not be read.
#pragma once

#include "scenario/assignment.hpp"
#include "scenario/scenario.hpp"

#include <filesystem>
#include <vector>

namespace orrery {

/// What becomes of a strategy that cannot be: heads that tp does not divide, and the like.
enum class Illegal { refuse, report };

struct LoadOptions {
  std::vector<Assignment> overrides{};
  std::vector<std::filesystem::path> search_paths{};  ///< share folders: hold models/, topologies/
  Illegal illegal = Illegal::refuse;                  ///< report: as findings of the scenario
};

/// Reads a scenario; an empty path is a scenario that consists of the overrides alone. Throws
/// InvalidScenario.
Scenario load_scenario(const std::filesystem::path& path, const LoadOptions& options = {});

/// The same for a text that is called `file` in findings; paths in it are relative to that.
Scenario load_scenario_text(const std::string& text, const std::string& file,
                            const LoadOptions& options = {});

/// The scenarios of a file's `[[variant]]`s, each laid over the rest of the file and named after
/// it; the file's own scenario if there are none. Throws InvalidScenario with the findings of all
/// of them.
std::vector<Scenario> load_variants(const std::filesystem::path& path,
                                    const LoadOptions& options = {});

}  // namespace orrery
