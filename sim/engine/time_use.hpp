// Where the time of one rank of a class went. The parts sum to the end of the run, exactly.
#pragma once

#include "base/time.hpp"
#include "program/task.hpp"

#include <array>

namespace orrery {

struct TimeUse {
  Duration busy{0};  ///< computing, stretched by interference or not
  /// Of the compute lane: work by the component of the kind or plan, and, of the time it idled,
  /// that of the collectives that held it up, while their bytes moved (exposed).
  std::array<Duration, component_count> by_component{};
  Duration bubble{0};  ///< idle, and nothing that it waits for in flight
  double flops = 0.0;  ///< the model's
  double recomputed_flops = 0.0;
};

}  // namespace orrery
