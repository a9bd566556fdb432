// Where the engine's rows go: an HDF5 file, a trace, a test's vectors, or nowhere.
#pragma once

#include <vector>

#include "timeline/span.hpp"

namespace orrery {

class TimelineSink {
 public:
  virtual ~TimelineSink() = default;
  virtual void add(const Span& span) = 0;
  virtual void add(const MemorySample& sample) = 0;
  virtual void add(const LinkSample& sample) = 0;
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
