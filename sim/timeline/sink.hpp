// Where the engine's rows go: an HDF5 file, a trace, a test's vectors, or nowhere.
//
// Rows come in order of time: memory and link samples by their instant, spans by their end. Spans
// that end together come in the order in which the engine ended them, which is the same in every
// run.
#pragma once

#include "timeline/span.hpp"

#include <vector>

namespace orrery {

class TimelineSink {
 public:
  virtual ~TimelineSink() = default;
  virtual void add(const Span& span) = 0;
  virtual void add(const MemorySample& sample) = 0;
  virtual void add(const LinkSample& sample) = 0;
};

/// Drops every row: for benchmarks, and when only the totals are wanted.
class NullSink final : public TimelineSink {
 public:
  void add(const Span&) override {}
  void add(const MemorySample&) override {}
  void add(const LinkSample&) override {}
};

/// Keeps every row in memory, for tests and small runs.
class RecordingSink final : public TimelineSink {
 public:
  void add(const Span& span) override { spans.push_back(span); }
  void add(const MemorySample& sample) override { memory.push_back(sample); }
  void add(const LinkSample& sample) override { links.push_back(sample); }

  std::vector<Span> spans;
  std::vector<MemorySample> memory;
  std::vector<LinkSample> links;
};

}  // namespace orrery
