#include "base/units_text.hpp"
#include "cli/command_line.hpp"
#include "cli/verbs.hpp"
#include "timeline/trace_json.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace orrery {

namespace {

/// A point in simulated time, as "1.2 ms".
Instant instant_of(const Arguments& arguments, std::string_view option, Instant otherwise) {
  const auto text = arguments.value(option);
  if (!text) return otherwise;
  const Parsed<Seconds> parsed = parse_seconds(*text);
  if (const auto* error = std::get_if<UnitsError>(&parsed)) {
    throw UsageError(fmt::format("--{}: {}", option, error->message));
  }
  const Seconds seconds = std::get<Seconds>(parsed);
  constexpr double most = 9e6;  // 2^63 ps, rounded down
  return seconds.value() > most ? end_of_time : simulation_start + quantize(seconds);
}

std::filesystem::path trace_path(const Arguments& arguments) {
  if (const auto path = arguments.value("output")) return *path;
  return std::filesystem::path(arguments.words[0]).replace_extension(".trace.json.gz");
}

void check_output(const std::filesystem::path& read, const std::filesystem::path& written) {
  std::error_code none_there;
  if (!std::filesystem::equivalent(read, written, none_there)) return;
  throw UsageError(fmt::format("{} is the timeline itself; wanted another file for its trace",
                               written.string()));
}

int run_trace(const Arguments& arguments) {
  const TimelineReader timeline(arguments.words[0]);
  TraceOptions options{.ranks = {},
                       .from = instant_of(arguments, "from", simulation_start),
                       .to = instant_of(arguments, "to", end_of_time)};
  if (options.from > options.to) throw UsageError("--from is later than --to");
  if (const auto ranks = arguments.value("ranks")) {
    options.ranks = parse_ranks(*ranks, timeline.program().class_of_rank.size());
  }
  const std::filesystem::path path = trace_path(arguments);
  check_output(arguments.words[0], path);
  const TraceSize size = write_trace(timeline, path, options);
  fmt::print("{}: {} ranks, {} slices, {} counter values\n", path.string(), size.ranks, size.slices,
             size.counters);
  return exit_done;
}

}  // namespace

const Verb verbs::trace = {
    .name = "trace",
    .synopsis = "FILE.h5 [-o FILE.json.gz] [--ranks 0,8-15] [--from T] [--to T]",
    .summary = "a timeline as a Chrome trace, for ui.perfetto.dev",
    .details =
        "Writes the slices of some ranks and a stretch of time; one rank of each class unless\n"
        "--ranks says otherwise. T is a time with its unit, as in \"1.5 ms\".",
    .least_words = 1,
    .most_words = 1,
    .options = {{"output", 'o', "FILE.json.gz", "where the trace goes; .gz compresses it"},
                {"ranks", 0, "LIST", "ranks and ranges of ranks: 0,8-15"},
                {"from", 0, "T", "leaves out what ends before"},
                {"to", 0, "T", "leaves out what begins after"}},
    .run = run_trace};

}  // namespace orrery
