#include "cli/command_line.hpp"
#include "cli/comparison.hpp"
#include "cli/run_once.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "cli/verbs.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery {

namespace {

std::vector<Scenario> load_all(const Arguments& arguments) {
  const LoadOptions options = load_options(arguments);
  std::vector<Scenario> all;
  for (const std::string& path : arguments.words) {
    for (Scenario& scenario : load_variants(path, options)) all.push_back(std::move(scenario));
  }
  return all;
}

/// Those that can be simulated; the others are named on stderr.
std::vector<Summary> run_all(const std::vector<Scenario>& scenarios) {
  std::vector<Summary> summaries;
  for (const Scenario& scenario : scenarios) {
    print_warnings(scenario);
    if (is_legal(scenario) && can_be_supposed(scenario)) {
      summaries.push_back(run_once(scenario));
      continue;
    }
    for (const Finding& finding : scenario.findings) {
      fmt::print(stderr, "{}: left out: {}\n", scenario.name, to_sentence(finding));
    }
  }
  return summaries;
}

int run_compare(const Arguments& arguments) {
  const std::vector<Scenario> scenarios = load_all(arguments);
  const std::vector<Summary> summaries = run_all(scenarios);
  const bool json = arguments.has("json");
  fmt::print("{}", json ? comparison_json(summaries) : comparison_text(summaries));
  const bool all_passed = std::ranges::all_of(summaries, passed);
  return all_passed && summaries.size() == scenarios.size() ? exit_done : exit_failed;
}

}  // namespace

const Verb verbs::compare = {
    .name = "compare",
    .synopsis = "SCENARIO... [--json] [--set KEY=VALUE]...",
    .summary = "several scenarios, or the variants of one, side by side",
    .details =
        "Simulates each scenario, or each [[variant]] of it, and prints every figure with its "
        "ratio\n"
        "to the first, and which of them no other beats in time, cost and GPUs together.",
    .least_words = 1,
    .most_words = 1000,
    .options = {json_option, set_option},
    .run = run_compare};

}  // namespace orrery
