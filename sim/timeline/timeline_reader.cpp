#include "timeline/timeline_reader.hpp"

#include "timeline/program_tables.hpp"

#include <fmt/format.h>

#include <array>
#include <string>

namespace orrery {

namespace {

/// Columns that are read side by side.
struct Columns {
  const char* group;
  std::array<const char*, 6> names;  ///< the rest null
};
constexpr std::array tables = {
    Columns{"/spans", {"begin_ps", "duration_ps", "waited_ps", "class", "lane", "position"}},
    Columns{"/memory", {"at_ps", "class", "category", "bytes"}},
    Columns{"/links", {"at_ps", "resource", "bytes_per_s"}}};

}  // namespace

TimelineReader::TimelineReader(const std::filesystem::path& path) : file_(path) {
  check_format();
  meta_ = {.name = file_.text_attribute("/meta", "name"),
           .scenario_given = file_.text("/meta/scenario_given"),
           .scenario_normalised = file_.text("/meta/scenario_normalised"),
           .version = file_.text_attribute("/meta", "version"),
           .seed = file_.number_attribute("/meta", "seed")};
  summary_json_ = file_.text("/meta/summary");
  program_ = read_program(file_);
  for (const Columns& columns : tables) {
    const std::string group = columns.group;
    const std::size_t rows = file_.rows(group + "/" + columns.names.front());
    for (const char* name : columns.names) {
      require(name == nullptr || file_.rows(group + "/" + name) == rows,
              "columns of one table are of different lengths");
    }
  }
}

void TimelineReader::check_format() const {
  if (!file_.has_attribute("/", "format") || !file_.has_attribute("/", "format_version") ||
      file_.text_attribute("/", "format") != timeline_format) {
    file_.refuse("this is an HDF5 file, but no timeline of ours");
  }
  const std::uint64_t version = file_.number_attribute("/", "format_version");
  if (version == timeline_format_version) return;
  file_.refuse(fmt::format(
      "the timeline has format version {}, this program reads version {}: {}", version,
      timeline_format_version,
      version > timeline_format_version ? "use a newer program" : "simulate the scenario again"));
}

void TimelineReader::require(bool holds, const char* what) const {
  if (!holds) file_.refuse(fmt::format("the file is damaged: {}", what));
}

std::vector<Span> TimelineReader::spans(std::size_t first, std::size_t count) const {
  const auto begin = file_.numbers<std::int64_t>("/spans/begin_ps", first, count);
  const auto duration = file_.numbers<std::int64_t>("/spans/duration_ps", first, count);
  const auto waited = file_.numbers<std::int64_t>("/spans/waited_ps", first, count);
  const auto rank_class = file_.numbers<std::uint32_t>("/spans/class", first, count);
  const auto lane = file_.numbers<std::uint16_t>("/spans/lane", first, count);
  const auto position = file_.numbers<std::uint32_t>("/spans/position", first, count);
  std::vector<Span> spans;
  spans.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = id_at<ClassId>(rank_class[i]);
    require(index_of(id) < program_.classes.size(), "a span names a class that is not there");
    const std::vector<Lane>& lanes = program_.scripts[program_.classes[id].script].lanes;
    require(lane[i] < lanes.size() && position[i] < lanes[lane[i]].tasks.size(),
            "a span names a task that is not there");
    spans.push_back({.begin = Instant{Duration{begin[i]}},
                     .duration = Duration{duration[i]},
                     .waited = Duration{waited[i]},
                     .rank_class = id,
                     .lane = lane[i],
                     .position = position[i]});
  }
  return spans;
}

std::vector<MemorySample> TimelineReader::memory(std::size_t first, std::size_t count) const {
  const auto at = file_.numbers<std::int64_t>("/memory/at_ps", first, count);
  const auto rank_class = file_.numbers<std::uint32_t>("/memory/class", first, count);
  const auto category = file_.numbers<std::uint8_t>("/memory/category", first, count);
  const auto bytes = file_.numbers<std::int64_t>("/memory/bytes", first, count);
  std::vector<MemorySample> samples;
  samples.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    require(rank_class[i] < program_.classes.size() && category[i] < memory_category_count,
            "a memory sample names a class or category that is not there");
    samples.push_back({.at = Instant{Duration{at[i]}},
                       .rank_class = id_at<ClassId>(rank_class[i]),
                       .category = static_cast<MemoryCategory>(category[i]),
                       .bytes = Bytes(bytes[i])});
  }
  return samples;
}

std::vector<LinkSample> TimelineReader::links(std::size_t first, std::size_t count) const {
  const auto at = file_.numbers<std::int64_t>("/links/at_ps", first, count);
  const auto resource = file_.numbers<std::uint32_t>("/links/resource", first, count);
  const auto rate = file_.numbers<double>("/links/bytes_per_s", first, count);
  std::vector<LinkSample> samples;
  samples.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    require(resource[i] < program_.resources.size(), "a link sample names no resource");
    samples.push_back({.at = Instant{Duration{at[i]}},
                       .resource = id_at<ResourceId>(resource[i]),
                       .bytes_per_second = rate[i]});
  }
  return samples;
}

}  // namespace orrery
