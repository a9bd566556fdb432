#include "cli/command_line.hpp"

#include "base/diagnostics.hpp"
#include "cli/options.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "orrery_build/paths.hpp"
#include "timeline/output_error.hpp"

#include <fmt/format.h>

#include <cstdio>
#include <exception>

namespace orrery {

namespace {

/// More findings than this are a broken file, not a list to work through.
constexpr std::size_t most_printed = 100;

void print_findings(const InvalidScenario& invalid) {
  const Paint paint(stderr);
  const auto& all = invalid.diagnostics();
  for (std::size_t i = 0; i < all.size() && i < most_printed; ++i) {
    fmt::print(stderr, "{}\n", painted(all[i], paint));
  }
  if (all.size() > most_printed) fmt::print(stderr, "... and {} more\n", all.size() - most_printed);
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
  const Paint paint(stderr);
  try {
    const int status = run_command_line(typed);
    if (std::fflush(stdout) == 0) return status;
    fmt::print(stderr, "{} the results could not be written\n", paint.error("error:"));
    return exit_internal;
  } catch (const InvalidScenario& invalid) {
    print_findings(invalid);
    return exit_invalid;
  } catch (const UsageError& error) {
    fmt::print(stderr, "{} {}\n", paint.error("error:"), error.what());
    return exit_invalid;
  } catch (const OutputError& error) {
    fmt::print(stderr, "{} {}\n", paint.error("error:"), error.what());
    return exit_invalid;
  } catch (const std::exception& fault) {
    fmt::print(stderr, "{} {}\n", paint.error("internal fault:"), fault.what());
    return exit_internal;
  }
}

}  // namespace orrery
