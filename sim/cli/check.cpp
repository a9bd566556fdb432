#include "search/check.hpp"

#include "cli/check_json.hpp"
#include "cli/check_text.hpp"
#include "cli/command_line.hpp"
#include "cli/forecast.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "cli/verbs.hpp"

#include <fmt/format.h>

namespace orrery {

namespace {

int run_check(const Arguments& arguments) {
  LoadOptions options = load_options(arguments);
  options.illegal = Illegal::report;
  const Scenario scenario = load_scenario(arguments.words[0], options);
  require_sound_cluster(scenario);
  const CheckReport report = check(scenario, simulate_scenario);
  if (arguments.has("json")) {
    fmt::print("{}", check_json(scenario, report));
  } else {
    fmt::print("{}", check_text(scenario, report, Paint(stdout)));
  }
  return report.passes() ? exit_done : exit_failed;
}

}  // namespace

const Verb verbs::check = {
    .name = "check",
    .synopsis = "SCENARIO [--json] [--set KEY=VALUE]...",
    .summary = "whether a plan can work, and the nearest ones that do",
    .details =
        "Arithmetic instead of a timeline: how many GPUs the degrees need, what each rank holds "
        "of\n"
        "the model, its memory against the GPU's, and whether links can carry what is asked. "
        "Claims\n"
        "of the scenario are held against it, with the reason when one fails; only claims about\n"
        "time take a run. For a plan that does not work, the nearest ones that do follow, with a\n"
        "launch line and limits to watch.",
    .least_words = 1,
    .most_words = 1,
    .options = {json_option, set_option},
    .run = run_check};

}  // namespace orrery
