#include "timeline/trace_json.hpp"

#include "base/check.hpp"
#include "base/diagnostics.hpp"
#include "timeline/gzip_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <optional>
#include <variant>

namespace orrery {

namespace {

/// Picoseconds as microseconds, exact: 1500001 is "1.500001".
std::string microseconds(std::int64_t picoseconds) {
  std::string text = fmt::format("{}", picoseconds / 1'000'000);
  const std::int64_t rest = picoseconds % 1'000'000;
  if (rest == 0) return text;
  text += fmt::format(".{:06}", rest);
  return text.erase(text.find_last_not_of('0') + 1);
}
std::string microseconds(Instant at) { return microseconds(at.time_since_epoch().count()); }

/// In quotes, as JSON wants it.
std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      json += c;
    }
  }
  return json += '"';
}

/// What is held in a category, or carried by a link, from an instant on that may still be revised.
struct MemoryTrack {
  Instant at;
  std::array<std::int64_t, memory_category_count> held{};
};
struct LinkTrack {
  Instant at;
  double bytes_per_second = 0.0;
  bool exists = false;
};

class TraceWriter {
 public:
  TraceWriter(const TimelineReader& timeline, const std::filesystem::path& path,
              const TraceOptions& options)
      : timeline_(timeline),
        program_(timeline.program()),
        options_(options),
        file_(path),
        ranks_of_class_(program_.classes.size()) {
    for (const RankId rank : chosen_ranks()) {
      ranks_of_class_[program_.class_of_rank[rank]].push_back(rank);
      ++size_.ranks;
    }
    for (const Kind& kind : program_.kinds) {
      kind_starts_.push_back(fmt::format(R"({{"ph":"X","name":{},"cat":"{}")", json_text(kind.name),
                                         to_string(kind.component)));
    }
  }

  TraceSize write() && {
    file_.write(
        fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{},"
                    "\"version\":{}}},\"traceEvents\":[\n",
                    json_text(timeline_.meta().name), json_text(timeline_.meta().version)));
    names();
    timeline_.for_each_span([this](const Span& span) { add(span); });
    memory();
    links();
    file_.write("\n]}\n");
    file_.close();
    return size_;
  }

 private:
  std::vector<RankId> chosen_ranks() const {
    if (!options_.ranks.empty()) return options_.ranks;
    std::vector<RankId> ranks;
    for (const RankClass& rank_class : program_.classes) {
      ranks.push_back(rank_class.representative);
    }
    std::ranges::sort(ranks);
    ranks.resize(std::min(ranks.size(), default_trace_ranks));
    return ranks;
  }

  void event(std::string_view json) {
    if (!first_) file_.write(",\n");
    first_ = false;
    file_.write(json);
  }

  // --- names of ranks and lanes ----------------------------------------------------------------

  void names() {
    for (std::size_t i = 0; i < program_.classes.size(); ++i) {
      const Script& script = program_.scripts[program_.classes[id_at<ClassId>(i)].script];
      for (const RankId rank : ranks_of_class_[id_at<ClassId>(i)]) {
        name_group(index_of(rank), fmt::format("rank {} · {}", index_of(rank), script.name));
        for (std::size_t lane = 0; lane < script.lanes.size(); ++lane) {
          name_lane(index_of(rank), lane, script.lanes[lane].name);
        }
      }
    }
    if (timeline_.link_count() > 0) name_group(link_group(), "links");
  }

  /// What the format calls a process.
  void name_group(std::size_t id, std::string_view name) {
    event(fmt::format(R"({{"ph":"M","name":"process_name","pid":{},"args":{{"name":{}}}}})", id,
                      json_text(name)));
    event(fmt::format(
        R"({{"ph":"M","name":"process_sort_index","pid":{0},"args":{{"sort_index":{0}}}}})", id));
  }

  void name_lane(std::size_t rank, std::size_t lane, std::string_view name) {
    event(fmt::format(R"({{"ph":"M","name":"thread_name","pid":{},"tid":{},"args":{{"name":{}}}}})",
                      rank, lane, json_text(name)));
    constexpr std::string_view order =
        R"({{"ph":"M","name":"thread_sort_index","pid":{},"tid":{},"args":{{"sort_index":{}}}}})";
    event(fmt::format(order, rank, lane, lane));
  }

  std::size_t link_group() const { return program_.class_of_rank.size(); }

  // --- slices ----------------------------------------------------------------------------------

  void add(const Span& span) {
    const std::vector<RankId>& ranks = ranks_of_class_[span.rank_class];
    if (ranks.empty() || span.begin >= options_.to) return;
    if (span.begin + span.duration < options_.from) return;
    const RankClass& rank_class = program_.classes[span.rank_class];
    const Lane& lane = program_.scripts[rank_class.script].lanes[span.lane];
    const Task& task = lane.tasks[span.position];
    const Action& action = program_.kinds[task.kind].action;
    const bool changes_memory =
        std::holds_alternative<Allocate>(action) || std::holds_alternative<Release>(action);
    if (changes_memory) return;  // the counters show it

    const std::string rest =
        fmt::format(R"(,"ts":{},"dur":{},"tid":{},"args":{{"position":{}{}}}}})",
                    microseconds(span.begin), microseconds(span.duration.count()), span.lane,
                    span.position, arguments(task, span) + operation(rank_class, action));
    for (const RankId rank : ranks) {
      event(fmt::format(R"({},"pid":{}{})", kind_starts_[task.kind], index_of(rank), rest));
      ++size_.slices;
    }
  }

  static std::string arguments(const Task& task, const Span& span) {
    std::string text;
    if (task.micro_batch != none_16) text += fmt::format(R"(,"micro_batch":{})", task.micro_batch);
    if (task.layer != none_16) text += fmt::format(R"(,"layer":{})", task.layer);
    if (task.chunk != 0) text += fmt::format(R"(,"chunk":{})", task.chunk);
    if (span.waited > Duration{0}) {
      text += fmt::format(R"(,"waited_us":{})", microseconds(span.waited.count()));
    }
    return text;
  }

  std::string operation(const RankClass& rank_class, const Action& action) const {
    const auto* const join = std::get_if<Communicate>(&action);
    if (join == nullptr) return "";
    const Group& group = program_.groups[rank_class.groups[join->slot]];
    const TransferPlan& plan = program_.plans[group.plans[join->plan]];
    return fmt::format(R"(,"group":{},"operation":{},"bytes":{})", json_text(group.name),
                       json_text(plan.name), plan.size.value());
  }

  // --- counters --------------------------------------------------------------------------------

  /// Changes before the stretch count as one at its beginning.
  Instant clamped(Instant at) const { return std::max(at, options_.from); }

  void memory() {
    const std::array<bool, memory_category_count> used = categories_used();
    IdVector<ClassId, MemoryTrack> tracks;
    for (const RankClass& rank_class : program_.classes) {
      MemoryTrack track{.at = options_.from};
      const BytesByCategory& resident = program_.scripts[rank_class.script].resident;
      for (std::size_t i = 0; i < resident.size(); ++i) track.held[i] = resident[i].value();
      tracks.push_back(track);
    }
    timeline_.for_each_memory_sample([&](const MemorySample& sample) {
      MemoryTrack& track = tracks[sample.rank_class];
      const Instant at = clamped(sample.at);
      if (at != track.at) write_memory(sample.rank_class, track, used);
      track.at = at;
      track.held[static_cast<std::size_t>(sample.category)] = sample.bytes.value();
    });
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      write_memory(id_at<ClassId>(i), tracks[id_at<ClassId>(i)], used);
    }
  }

  std::array<bool, memory_category_count> categories_used() const {
    std::array<bool, memory_category_count> used{};
    for (const Script& script : program_.scripts) {
      for (std::size_t i = 0; i < used.size(); ++i) {
        used[i] = used[i] || script.resident[i] > Bytes(0);
      }
    }
    timeline_.for_each_memory_sample([&](const MemorySample& sample) {
      if (sample.bytes > Bytes(0)) used[static_cast<std::size_t>(sample.category)] = true;
    });
    return used;
  }

  void write_memory(ClassId id, const MemoryTrack& track,
                    const std::array<bool, memory_category_count>& used) {
    if (track.at >= options_.to || ranks_of_class_[id].empty()) return;
    std::string held;
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (!used[i]) continue;
      held += fmt::format(R"({}"{}":{})", held.empty() ? "" : ",",
                          to_string(static_cast<MemoryCategory>(i)), track.held[i]);
    }
    for (const RankId rank : ranks_of_class_[id]) {
      event(fmt::format(R"({{"ph":"C","name":"memory","pid":{},"ts":{},"args":{{{}}}}})",
                        index_of(rank), microseconds(track.at), held));
      ++size_.counters;
    }
  }

  void links() {
    IdVector<ResourceId, LinkTrack> tracks(program_.resources.size());
    timeline_.for_each_link_sample([&](const LinkSample& sample) {
      LinkTrack& track = tracks[sample.resource];
      const Instant at = clamped(sample.at);
      if (track.exists && at != track.at) write_link(sample.resource, track);
      track = {.at = at, .bytes_per_second = sample.bytes_per_second, .exists = true};
    });
    for (std::size_t i = 0; i < tracks.size(); ++i) {
      const auto id = id_at<ResourceId>(i);
      if (tracks[id].exists) write_link(id, tracks[id]);
    }
  }

  void write_link(ResourceId id, const LinkTrack& track) {
    if (track.at >= options_.to) return;
    const Resource& resource = program_.resources[id];
    const std::string name = resource.count == 1
                                 ? resource.name
                                 : fmt::format("{} (1 of {})", resource.name, resource.count);
    event(fmt::format(R"({{"ph":"C","name":{},"pid":{},"ts":{},"args":{{"GB/s":{}}}}})",
                      json_text(name), link_group(), microseconds(track.at),
                      track.bytes_per_second / 1e9));
    ++size_.counters;
  }

  const TimelineReader& timeline_;
  const Program& program_;
  const TraceOptions& options_;
  GzipFile file_;
  IdVector<ClassId, std::vector<RankId>> ranks_of_class_;
  IdVector<KindId, std::string> kind_starts_;
  TraceSize size_;
  bool first_ = true;
};

/// "8" or "8-15" as its first and last number.
std::optional<std::pair<std::size_t, std::size_t>> parse_range(std::string_view text) {
  std::pair<std::size_t, std::size_t> range;
  const char* const end = text.data() + text.size();
  auto [at, error] = std::from_chars(text.data(), end, range.first);
  if (error != std::errc{}) return std::nullopt;
  range.second = range.first;
  if (at != end && *at == '-') {
    const auto last = std::from_chars(at + 1, end, range.second);
    if (last.ec != std::errc{}) return std::nullopt;
    at = last.ptr;
  }
  if (at != end || range.second < range.first) return std::nullopt;
  return range;
}

}  // namespace

std::vector<RankId> parse_ranks(std::string_view text, std::size_t rank_count) {
  Diagnostics diagnostics;
  std::vector<RankId> ranks;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    begin = end + 1;
    const auto range = parse_range(part);
    if (!range) {
      diagnostics.error({.file = "--ranks"},
                        fmt::format("'{}' is no rank and no range; write 0,8-15", part));
    } else if (range->second >= rank_count) {
      diagnostics.error({.file = "--ranks"}, fmt::format("there is no rank {}; the last is {}",
                                                         range->second, rank_count - 1));
    } else {
      for (std::size_t i = range->first; i <= range->second; ++i) ranks.push_back(id_at<RankId>(i));
    }
  }
  diagnostics.throw_if_errors();
  std::ranges::sort(ranks);
  ranks.erase(std::ranges::unique(ranks).begin(), ranks.end());
  return ranks;
}

TraceSize write_trace(const TimelineReader& timeline, const std::filesystem::path& path,
                      const TraceOptions& options) {
  return TraceWriter(timeline, path, options).write();
}

}  // namespace orrery
