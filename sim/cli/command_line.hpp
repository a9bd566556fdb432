// From what was typed to an exit status: finds the verb, runs it, says what went wrong.
#pragma once

#include <string>
#include <vector>

namespace orrery {

// Exit statuses.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;  ///< ran, but a requirement or an expectation failed
inline constexpr int exit_invalid =
    2;  ///< the input is wrong, or there is no writing where it says
inline constexpr int exit_internal = 3;  ///< a fault of ours

/// Runs `orrery ARGUMENTS...`. Throws InvalidScenario and UsageError.
int run_command_line(std::vector<std::string> typed);

/// The same for main: prints what is thrown to stderr and gives the exit status for it.
int guarded_command_line(const std::vector<std::string>& typed);

}  // namespace orrery
