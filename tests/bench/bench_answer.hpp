// A benchmark that computes something wrong is worth nothing: each one states its answer.
#pragma once

#include "base/check.hpp"

#include <cmath>

namespace orrery {

/// CHECKs that `got` is within the relative tolerance of `expected`.
inline void expect_answer(double got, double expected, double tolerance) {
  CHECK(std::abs(got - expected) <= tolerance * expected, got, expected);
}

}  // namespace orrery
