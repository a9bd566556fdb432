// Random tests: every case is a function of its seed, and a failure names it.
#pragma once

#include "base/random.hpp"

#include <gtest/gtest.h>

#include <cstdint>

namespace orrery {

/// Random numbers of one case, in the order of asking.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : seed_(seed) {}

  /// Uniform in [least, most].
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + draw({.seed = seed_}, rolls_++) % (most - least + 1);
  }
  double real(double least, double most) {
    return least + (most - least) * draw_unit({.seed = seed_}, rolls_++);
  }
  bool chance(double probability) { return real(0.0, 1.0) < probability; }

 private:
  std::uint64_t seed_;
  std::uint64_t rolls_ = 0;
};

/// Calls body(seed) for seeds 1 to `count`, until one fails; with --gtest_random_seed=N for N
/// alone.
template <typename Body>
void for_each_seed(std::uint64_t count, Body body) {
  const auto only = static_cast<std::uint64_t>(GTEST_FLAG_GET(random_seed));
  for (std::uint64_t seed = 1; seed <= count && !testing::Test::HasFailure(); ++seed) {
    if (only != 0 && seed != only) continue;
    SCOPED_TRACE(testing::Message() << "again with --gtest_random_seed=" << seed);
    body(seed);
  }
}

}  // namespace orrery
