// The bytes that each rank of a class holds, by category, and the fullest moment with who held what
// then.
//
// A ledger, not a formula: allocations and releases are booked when they happen, so that "when" and
// "what" have answers. Releasing more of a category than is held is an internal fault; exceeding
// the GPU's capacity is not: it is a fact that results report.
#pragma once

#include "base/time.hpp"
#include "program/task.hpp"

#include <cstdint>

namespace orrery {

/// The fullest moment of a class and who held what then.
struct MemoryPeak {
  Bytes bytes;
  Instant at{};
  BytesByCategory held{};
  /// The most that was taken of the GPU at once, at this moment or another (memory/pool.hpp).
  Bytes reserved{};
  std::uint32_t position = 0;  ///< of the task that was being started on lane `lane`
  std::uint16_t lane = 0;
};

class MemoryLedger {
 public:
  MemoryLedger() = default;
  /// What is resident is held from the start of the simulation on.
  explicit MemoryLedger(const BytesByCategory& resident);

  /// Where a booking comes from: what a new peak is reported with.
  struct Origin {
    Instant at{};
    std::uint16_t lane = 0;
    std::uint32_t position = 0;
  };

  /// Both return what the category holds afterwards.
  Bytes allocate(MemoryCategory category, Bytes bytes, const Origin& origin);
  Bytes release(MemoryCategory category, Bytes bytes);

  Bytes total() const { return total_; }
  const BytesByCategory& held() const { return held_; }
  /// The first of equally full moments.
  const MemoryPeak& peak() const { return peak_; }

 private:
  BytesByCategory held_{};
  Bytes total_;
  MemoryPeak peak_;
};

}  // namespace orrery
