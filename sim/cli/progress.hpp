// How far a run is: one line on the terminal that erases itself. Nothing when stderr is no
// terminal.
#pragma once

#include "timeline/sink.hpp"

#include <chrono>
#include <cstdint>
#include <string>

namespace orrery {

class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows `done` of `total`, at most ten times a second.
  void show(std::uint64_t done, std::uint64_t total);

 private:
  std::string label_;
  bool visible_ = false;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_{};
};

/// Passes rows on and counts the tasks that ended.
class ProgressSink final : public TimelineSink {
 public:
  /// `tasks` is what the whole run will add.
  ProgressSink(TimelineSink& inner, Progress& progress, std::uint64_t tasks)
      : inner_(inner), progress_(progress), tasks_(tasks) {}

  void add(const Span& span) override;
  void add(const MemorySample& sample) override { inner_.add(sample); }
  void add(const LinkSample& sample) override { inner_.add(sample); }

 private:
  TimelineSink& inner_;
  Progress& progress_;
  std::uint64_t tasks_;
  std::uint64_t ended_ = 0;
};

}  // namespace orrery
