// Chrome trace events, for ui.perfetto.dev and chrome://tracing, from a timeline file: some ranks,
// a stretch of time. A process per rank with a thread per lane, a slice per task, the memory held
// as counters; one more process counts what links carry. Written as a stream, so that memory is
// bounded; times are exact.
//
// Format: "Trace Event Format", Google, events X (slice), C (counter) and M (name); ts and dur in
// microseconds, of which six decimals are picoseconds.
#pragma once

#include "timeline/timeline_reader.hpp"

#include <cstddef>
#include <filesystem>
#include <string_view>
#include <vector>

namespace orrery {

/// Ranks of a trace that names none: one of each class, up to so many.
inline constexpr std::size_t default_trace_ranks = 64;

struct TraceOptions {
  std::vector<RankId> ranks{};  ///< ascending; none: representatives of the classes
  Instant from = simulation_start;
  Instant to = end_of_time;
};

struct TraceSize {
  std::size_t ranks = 0;
  std::size_t slices = 0;
  std::size_t counters = 0;
};

/// "0,8-15" as ranks, ascending, each once. Throws InvalidScenario for what is no such list or
/// names a rank that the run does not have.
std::vector<RankId> parse_ranks(std::string_view text, std::size_t rank_count);

/// Slices that overlap the stretch are kept whole. Compressed when the name ends in ".gz". Throws
/// OutputError when the file cannot be written.
TraceSize write_trace(const TimelineReader& timeline, const std::filesystem::path& path,
                      const TraceOptions& options = {});

}  // namespace orrery
