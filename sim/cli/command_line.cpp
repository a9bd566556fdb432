#include "cli/command_line.hpp"

#include "base/diagnostics.hpp"
#include "cli/diagnostics_json.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "orrery_build/paths.hpp"
#include "timeline/output_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>

namespace orrery {

namespace {

bool wants_json(const std::vector<std::string>& typed) {
  const auto end = std::ranges::find(typed, "--");
  return std::find(typed.begin(), end, "--json") != end;
}

/// Says what is wrong with the input: to people on stderr, with --json to programs on stdout.
int refuse(const std::vector<std::string>& typed, const std::vector<Diagnostic>& all) {
  print_findings(all);
  if (wants_json(typed)) fmt::print("{}\n", diagnostics_json(all));
  return exit_invalid;
}

int refuse(const std::vector<std::string>& typed, const std::exception& error) {
  return refuse(typed, {{Severity::error, {}, error.what()}});
}

int say_unwritten() {
  fmt::print(stderr, "{} the results could not be written; is the disk full?\n",
             Paint(stderr).error("error:"));
  return exit_invalid;
}

int say_fault(const std::vector<std::string>& typed, const std::exception& fault) {
  if (std::ferror(stdout) != 0) return say_unwritten();
  fmt::print(stderr, "{} {}\n", Paint(stderr).error("internal fault:"), fault.what());
  if (wants_json(typed)) fmt::print("{}\n", fault_json(fault.what()));
  return exit_internal;
}

}  // namespace

int run_command_line(std::vector<std::string> typed) {
  if (typed.empty()) typed = {"help"};
  if (typed.front() == "--version" || typed.front() == "-V") {
    fmt::print("orrery {}\n", build::version);
    return exit_done;
  }
  if (typed.front() == "--help" || typed.front() == "-h") typed.front() = "help";
  const Verb& verb = find_verb(typed.front());
  typed.erase(typed.begin());
  for (const std::string& word : typed) {
    if (word == "--") break;
    if (word == "--help" || word == "-h") {
      return verbs::help.run(parse_arguments(verbs::help, {std::string(verb.name)}));
    }
  }
  return verb.run(parse_arguments(verb, typed));
}

int guarded_command_line(const std::vector<std::string>& typed) {
  try {
    const int status = run_command_line(typed);
    return std::fflush(stdout) == 0 ? status : say_unwritten();
  } catch (const InvalidScenario& invalid) {
    return refuse(typed, invalid.diagnostics());
  } catch (const UsageError& error) {
    return refuse(typed, error);
  } catch (const OutputError& error) {
    return refuse(typed, error);
  } catch (const std::exception& fault) {
    return say_fault(typed, fault);
  }
}

}  // namespace orrery
