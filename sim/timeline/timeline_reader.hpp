// Reads a timeline file back: what it says of itself, its program, and its rows block by block.
// Works on the file of any run of this format version; for what is no such file, is cut off or
// contradicts itself it throws InvalidScenario with a sentence, since the file is the user's input.
#pragma once

#include "timeline/hdf5.hpp"
#include "timeline/span.hpp"
#include "timeline/timeline_file.hpp"

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace orrery {

class TimelineReader {
 public:
  explicit TimelineReader(const std::filesystem::path& path);

  const TimelineMeta& meta() const { return meta_; }
  const std::string& summary_json() const { return summary_json_; }
  /// Without phases and patterns; sound.
  const Program& program() const { return program_; }

  std::size_t span_count() const { return file_.rows("/spans/begin_ps"); }
  std::size_t memory_count() const { return file_.rows("/memory/at_ps"); }
  std::size_t link_count() const { return file_.rows("/links/at_ps"); }

  /// Rows first to first + count of the tables, in the order in which they were added. Their
  /// classes, lanes, positions and resources are those of the program.
  std::vector<Span> spans(std::size_t first, std::size_t count) const;
  std::vector<MemorySample> memory(std::size_t first, std::size_t count) const;
  std::vector<LinkSample> links(std::size_t first, std::size_t count) const;

  /// Calls `visit` with every row, a block at a time in memory.
  template <typename Visit>
  void for_each_span(const Visit& visit) const {
    for (std::size_t first = 0, all = span_count(); first < all; first += hdf5::chunk_rows) {
      for (const Span& span : spans(first, std::min(hdf5::chunk_rows, all - first))) visit(span);
    }
  }
  template <typename Visit>
  void for_each_memory_sample(const Visit& visit) const {
    for (std::size_t first = 0, all = memory_count(); first < all; first += hdf5::chunk_rows) {
      for (const MemorySample& sample : memory(first, std::min(hdf5::chunk_rows, all - first))) {
        visit(sample);
      }
    }
  }
  template <typename Visit>
  void for_each_link_sample(const Visit& visit) const {
    for (std::size_t first = 0, all = link_count(); first < all; first += hdf5::chunk_rows) {
      for (const LinkSample& sample : links(first, std::min(hdf5::chunk_rows, all - first))) {
        visit(sample);
      }
    }
  }

 private:
  void check_format() const;
  /// Refuses the file unless the condition holds.
  void require(bool holds, const char* what) const;

  hdf5::Reader file_;
  TimelineMeta meta_;
  std::string summary_json_;
  Program program_;
};

}  // namespace orrery
