// Writes a timeline as HDF5: the program's dictionaries when it is opened, a row per span, memory
// change and link change while the run goes on, the summary when it is closed. README.md describes
// every dataset.
//
// Rows speak of classes of ranks and /classes/of_rank unfolds them, so the file of a large run is
// small and still answers for any rank. Memory is a few MiB whatever the run. The same run is the
// same bytes. The file has its name only after close(): without it, everything is removed again.
#pragma once

#include "program/program.hpp"
#include "timeline/sink.hpp"

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

namespace orrery {

/// What a file says of itself beside the run.
struct TimelineMeta {
  std::string name{};                 ///< of the scenario
  std::string scenario_given{};       ///< the text as the user wrote it
  std::string scenario_normalised{};  ///< the same with every default spelt out
  std::string version{};              ///< of the program that wrote the file
  std::uint64_t seed = 0;

  bool operator==(const TimelineMeta&) const = default;
};

inline constexpr std::string_view timeline_format = "orrery timeline";
/// Grows when a reader of the older version would misread the newer file.
inline constexpr std::uint64_t timeline_format_version = 1;

class TimelineFile final : public TimelineSink {
 public:
  /// Throws OutputError when the file cannot be made. The program must be sound.
  TimelineFile(const std::filesystem::path& path, const TimelineMeta& meta, const Program& program);
  ~TimelineFile() override;

  /// These throw OutputError when the disk is full.
  void add(const Span& span) override;
  void add(const MemorySample& sample) override;
  void add(const LinkSample& sample) override;

  /// Writes what is buffered and the summary (JSON), and gives the file its name.
  void close(std::string_view summary_json);

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace orrery
