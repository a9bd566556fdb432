// Random numbers of one entity in a row, for draws that need more than one number each: from the
// binomial, the gamma and the exponential law. Made of draw() and nothing else, so the same
// everywhere; the standard library's distributions differ from one library to the next.
//
//   binomial     below a mean of 10 by inversion; above by transformed rejection with squeeze
//                (Hörmann, Journal of Statistical Computation and Simulation 46, 1993, algorithm
//                BTRS): about 1.2 pairs of numbers a draw, whatever the number of trials
//   log_gamma    the logarithm of a gamma variate of scale 1 (Marsaglia, Tsang, ACM Transactions on
//                Mathematical Software 26, 2000); a shape below 1 as shape + 1 times a power of a
//                uniform number, in logarithms, so that tiny ones do not vanish
#pragma once

#include "base/random.hpp"

#include <cstdint>

namespace orrery {

class DrawSequence {
 public:
  explicit DrawSequence(Draw what) : what_(what) {}

  /// Uniform in [0, 1).
  double unit() { return draw_unit(what_, next_++); }
  /// Uniform in [0, bound), 0 < bound <= 2^32.
  std::uint64_t below(std::uint64_t bound) { return draw_below(what_, next_++, bound); }
  /// How many of `trials` succeed, each with `chance`: always within [0, trials].
  std::int64_t binomial(std::int64_t trials, double chance);
  /// The logarithm of a gamma variate of `shape` > 0.
  double log_gamma(double shape);

 private:
  double positive_unit() { return 1.0 - unit(); }  ///< in (0, 1]
  double normal();
  std::int64_t few(std::int64_t trials, double chance);
  std::int64_t many(std::int64_t trials, double chance);

  Draw what_;
  std::uint64_t next_ = 0;
};

}  // namespace orrery
