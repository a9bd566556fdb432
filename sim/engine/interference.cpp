#include "engine/interference.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

constexpr double units_per_whole = 0x1.0p32;

std::int64_t in_units(float share) {
  return std::llround(static_cast<double>(share) * units_per_whole);
}

double left_of(std::int64_t held) {
  return std::max(1.0 - static_cast<double>(held) / units_per_whole, least_share_left);
}

}  // namespace

void HeldShares::take(const TransferPlan& plan) {
  sm_ += in_units(plan.sm);
  memory_ += in_units(plan.memory);
}

void HeldShares::give_back(const TransferPlan& plan) {
  sm_ -= in_units(plan.sm);
  memory_ -= in_units(plan.memory);
  CHECK(sm_ >= 0 && memory_ >= 0, sm_, memory_);
}

double HeldShares::stretch(GpuShares kernel) const {
  const double by_sm = static_cast<double>(kernel.sm) / left_of(sm_);
  const double by_memory = static_cast<double>(kernel.memory) / left_of(memory_);
  return std::max({1.0, by_sm, by_memory});
}

void Pace::change(Instant now, double new_stretch) {
  const double done = static_cast<double>((now - settled).count()) / stretch;
  left -= std::min(left, Duration{static_cast<std::int64_t>(done)});
  settled = now;
  stretch = new_stretch;
}

Instant Pace::finish() const { return settled + lengthen(left, stretch); }

Duration lengthen(Duration duration, double factor) {
  if (factor == 1.0) return duration;
  const double picoseconds = std::ceil(static_cast<double>(duration.count()) * factor);
  CHECK(picoseconds >= 0.0 && picoseconds < 9.2e18, duration.count(), factor);
  return Duration{static_cast<std::int64_t>(picoseconds)};
}

}  // namespace orrery
