#include "timeline/timeline_file.hpp"

#include "base/check.hpp"
#include "timeline/columns.hpp"
#include "timeline/partial_file.hpp"
#include "timeline/program_tables.hpp"

namespace orrery {

namespace {

struct SpanTable {
  Column<std::int64_t> begin;
  Column<std::int64_t> duration;
  Column<std::int64_t> waited;
  Column<std::uint32_t> rank_class;
  Column<std::uint8_t> lane;
  Column<std::uint32_t> position;

  explicit SpanTable(hdf5::Writer& file)
      : begin(file, "/spans/begin_ps"),
        duration(file, "/spans/duration_ps"),
        waited(file, "/spans/waited_ps"),
        rank_class(file, "/spans/class"),
        lane(file, "/spans/lane"),
        position(file, "/spans/position") {}

  void add(const Span& span) {
    begin.push_back(span.begin.time_since_epoch().count());
    duration.push_back(span.duration.count());
    waited.push_back(span.waited.count());
    rank_class.push_back(static_cast<std::uint32_t>(span.rank_class));
    lane.push_back(static_cast<std::uint8_t>(span.lane));
    position.push_back(span.position);
  }
  void close() {
    begin.close();
    duration.close();
    waited.close();
    rank_class.close();
    lane.close();
    position.close();
  }
};

struct MemoryTable {
  Column<std::int64_t> at;
  Column<std::uint32_t> rank_class;
  Column<std::uint8_t> category;
  Column<std::int64_t> bytes;

  explicit MemoryTable(hdf5::Writer& file)
      : at(file, "/memory/at_ps"),
        rank_class(file, "/memory/class"),
        category(file, "/memory/category"),
        bytes(file, "/memory/bytes") {}

  void add(const MemorySample& sample) {
    at.push_back(sample.at.time_since_epoch().count());
    rank_class.push_back(static_cast<std::uint32_t>(sample.rank_class));
    category.push_back(static_cast<std::uint8_t>(sample.category));
    bytes.push_back(sample.bytes.value());
  }
  void close() {
    at.close();
    rank_class.close();
    category.close();
    bytes.close();
  }
};

struct LinkTable {
  Column<std::int64_t> at;
  Column<std::uint32_t> resource;
  Column<double> rate;

  explicit LinkTable(hdf5::Writer& file)
      : at(file, "/links/at_ps"),
        resource(file, "/links/resource"),
        rate(file, "/links/bytes_per_s") {}

  void add(const LinkSample& sample) {
    at.push_back(sample.at.time_since_epoch().count());
    resource.push_back(static_cast<std::uint32_t>(sample.resource));
    rate.push_back(sample.bytes_per_second);
  }
  void close() {
    at.close();
    resource.close();
    rate.close();
  }
};

/// The file as it is before the first row.
hdf5::Writer begin_file(const PartialFile& place, const TimelineMeta& meta,
                        const Program& program) {
  hdf5::Writer file(place.partial(), place.path());
  file.attribute("/", "format", timeline_format);
  file.attribute("/", "format_version", timeline_format_version);
  for (const char* group : {"/meta", "/spans", "/memory", "/links"}) file.group(group);
  file.attribute("/meta", "name", meta.name);
  file.attribute("/meta", "version", meta.version);
  file.attribute("/meta", "seed", meta.seed);
  file.text("/meta/scenario_given", meta.scenario_given);
  file.text("/meta/scenario_normalised", meta.scenario_normalised);
  write_program(file, program);
  return file;
}

}  // namespace

/// Destroyed from the bottom up: the file is closed before its partial is removed.
struct TimelineFile::Tables {
  PartialFile place;
  hdf5::Writer file;
  SpanTable spans;
  MemoryTable memory;
  LinkTable links;

  Tables(const std::filesystem::path& path, const TimelineMeta& meta, const Program& program)
      : place(path),
        file(begin_file(place, meta, program)),
        spans(file),
        memory(file),
        links(file) {}
};

TimelineFile::TimelineFile(const std::filesystem::path& path, const TimelineMeta& meta,
                           const Program& program)
    : tables_(std::make_unique<Tables>(path, meta, program)) {}

TimelineFile::~TimelineFile() = default;

void TimelineFile::add(const Span& span) { tables_->spans.add(span); }
void TimelineFile::add(const MemorySample& sample) { tables_->memory.add(sample); }
void TimelineFile::add(const LinkSample& sample) { tables_->links.add(sample); }

void TimelineFile::close(std::string_view summary_json) {
  CHECK(tables_ != nullptr);
  tables_->spans.close();
  tables_->memory.close();
  tables_->links.close();
  tables_->file.text("/meta/summary", summary_json);
  tables_->file.close();
  tables_->place.keep();
  tables_.reset();
}

}  // namespace orrery
