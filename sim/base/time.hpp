// Simulated time: integer picoseconds.
//
// Symmetric work must end at *equal* instants, so that ties are real ties and not rounding noise,
// and so that folding alike ranks is exact; hence integers. A point in time (`Instant`) is not a
// difference of times (`Duration`): points do not add. 2^63 ps is 106 days.
// `quantize` is the only bridge from the seconds that rate arithmetic yields: it rounds up to the
// next picosecond, so that no work ever ends before it is done.
#pragma once

#include "base/check.hpp"
#include "base/quantity.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>

namespace orrery {

using Duration = std::chrono::duration<std::int64_t, std::pico>;

/// The clock of the simulation. It has no now(): only the engine knows what time it is.
struct SimClock {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<SimClock, Duration>;
  static constexpr bool is_steady = true;
};

using Instant = SimClock::time_point;

inline constexpr Instant simulation_start{Duration{0}};
/// Later than anything that happens; what "never" is.
inline constexpr Instant end_of_time = Instant::max();

/// Seconds as whole picoseconds, rounded up. CHECKs that the result is finite, not negative and
/// fits.
inline Duration quantize(Seconds seconds) {
  const double picoseconds = std::ceil(seconds.value() * 1e12);
  CHECK(picoseconds >= 0.0 && picoseconds < 9.2e18, seconds.value());
  return Duration{static_cast<std::int64_t>(picoseconds)};
}

constexpr Seconds to_seconds(Duration duration) {
  return Seconds(static_cast<double>(duration.count()) * 1e-12);
}
constexpr Seconds to_seconds(Instant instant) { return to_seconds(instant.time_since_epoch()); }

namespace literals {
constexpr Duration operator""_ps(unsigned long long n) {
  return Duration{static_cast<std::int64_t>(n)};
}
constexpr Duration operator""_ns(unsigned long long n) { return operator""_ps(n * 1'000ULL); }
constexpr Duration operator""_us(unsigned long long n) { return operator""_ps(n * 1'000'000ULL); }
constexpr Duration operator""_ms(unsigned long long n) {
  return operator""_ps(n * 1'000'000'000ULL);
}
}  // namespace literals

}  // namespace orrery
