#include "cli/command_line.hpp"
#include "cli/refusal.hpp"
#include "cli/run_once.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "cli/way_out.hpp"
#include "orrery_build/paths.hpp"
#include "report/text.hpp"
#include "scenario/validate.hpp"
#include "timeline/timeline_file.hpp"
#include "timeline/trace_json.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <system_error>

namespace orrery {

namespace {

namespace fs = std::filesystem;

/// "Mixtral 8x22B on 128 H100" as "mixtral-8x22b-on-128-h100".
std::string file_stem(const std::string& name) {
  std::string stem;
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = std::isalnum(byte) != 0 || c == '.' || c == '_';
    if (plain) {
      stem += static_cast<char>(std::tolower(byte));
    } else if (!stem.empty() && stem.back() != '-') {
      stem += '-';
    }
  }
  while (!stem.empty() && stem.back() == '-') stem.pop_back();
  return stem.empty() ? "run" : stem;
}

/// Where the timeline goes; nothing when none is wanted.
std::optional<fs::path> output_path(const Arguments& arguments, const Scenario& scenario) {
  if (const auto path = arguments.value("output")) return *path;
  if (arguments.has("no-output")) {
    if (!arguments.has("trace")) return std::nullopt;
    return fs::temp_directory_path() / fmt::format("orrery-{}.h5", getpid());
  }
  const std::string& from = scenario.path;
  const std::string stem = from.empty() ? file_stem(scenario.name) : fs::path(from).stem().string();
  return fs::path("results") / (stem + ".h5");
}

/// Runs with the timeline written beside, and gives the summary.
Summary run_to_file(const Scenario& scenario, const fs::path& path) {
  std::error_code failure;  // what cannot be made, TimelineFile cannot write to and says so
  if (path.has_parent_path()) fs::create_directories(path.parent_path(), failure);
  const TimelineMeta meta{.name = scenario.name,
                          .scenario_given = scenario.text,
                          .scenario_normalised = scenario.normalised,
                          .version = std::string(build::version),
                          .seed = scenario.seed};
  std::unique_ptr<TimelineFile> file;
  const auto open = [&](const Program& program) -> TimelineSink& {
    file = std::make_unique<TimelineFile>(path, meta, program);
    return *file;
  };
  const Summary summary = with_reasons(scenario, run_once(scenario, open));
  file->close(timeless_json(summary));
  return summary;
}

void write_trace_of(const fs::path& timeline, const fs::path& trace) {
  write_trace(TimelineReader(timeline), trace);
  fmt::print(stderr, "wrote {}\n", trace.string());
}

Summary run_and_write(const Arguments& arguments, const Scenario& scenario) {
  const std::optional<fs::path> path = output_path(arguments, scenario);
  if (!path) return with_reasons(scenario, run_once(scenario));
  const Summary summary = run_to_file(scenario, *path);
  if (const auto trace = arguments.value("trace")) write_trace_of(*path, *trace);
  if (arguments.has("no-output")) {
    std::error_code failure;
    fs::remove(*path, failure);  // it was only there to make the trace from
  } else {
    fmt::print(stderr, "wrote {}\n", path->string());
  }
  return summary;
}

int run_scenario(const Arguments& arguments) {
  if (arguments.has("no-output") && arguments.has("output")) {
    throw UsageError("--output says where the timeline goes, --no-output that there is none");
  }
  const Scenario scenario = load_scenario(arguments.words[0], load_options(arguments));
  print_warnings(scenario);
  const bool json = arguments.has("json");
  const Paint paint(stdout);
  if (!is_legal(scenario) || !can_be_supposed(scenario)) {
    require_sound_cluster(scenario);
    fmt::print("{}", json ? refusal_json(scenario) : refusal_text(scenario, paint));
    return exit_failed;
  }
  const Summary summary = run_and_write(arguments, scenario);
  if (json) {
    fmt::print("{}", json_with_way_out(scenario, summary));
  } else {
    fmt::print("{}", to_text(summary, paint.colours() ? Colour::on : Colour::off));
    fmt::print("{}", way_out_text(scenario, summary, paint));
  }
  return passed(summary) ? exit_done : exit_failed;
}

}  // namespace

const Verb verbs::run = {
    .name = "run",
    .synopsis = "SCENARIO [-o FILE.h5] [--json] [--trace FILE] [--no-output] [--set KEY=VALUE]...",
    .summary = "simulates a scenario and says how it went",
    .details =
        "Prints the summary, the verdict first, and writes the timeline as HDF5 to "
        "results/NAME.h5.\n"
        "For a plan that does not work, the nearest ones that do follow.\n"
        "Exit status 1 when the plan does not fit or an [[expect]] of the scenario does not hold.",
    .least_words = 1,
    .most_words = 1,
    .options = {{"output", 'o', "FILE.h5", "where the timeline goes"},
                {"trace", 0, "FILE", "also a Chrome trace, for ui.perfetto.dev; .gz compresses it"},
                {"no-output", 0, "", "writes no timeline"},
                json_option,
                set_option},
    .run = run_scenario};

}  // namespace orrery
