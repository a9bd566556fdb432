// Rows of a timeline. They speak of classes of ranks; Program::class_of_rank unfolds them.
#pragma once

#include "base/ids.hpp"
#include "base/time.hpp"
#include "program/task.hpp"

#include <cstdint>

namespace orrery {

/// A task from its begin to its end. A collective begins when the rank joins it; `waited` of its
/// duration passes before the last member has joined and bytes can move. `lane` and `position` find
/// the task.
struct Span {
  Instant begin{};
  Duration duration{0};
  Duration waited{0};
  ClassId rank_class{};
  std::uint16_t lane = 0;
  std::uint32_t position = 0;
};

/// From `at` on, each rank of the class holds `bytes` in the category.
struct MemorySample {
  Instant at{};
  ClassId rank_class{};
  MemoryCategory category{};
  Bytes bytes{};
};

/// From `at` on, `bytes_per_second` cross each link of the resource class.
struct LinkSample {
  Instant at{};
  ResourceId resource{};
  double bytes_per_second = 0.0;
};

}  // namespace orrery
