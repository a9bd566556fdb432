#include "engine/cursor.hpp"

#include "base/check.hpp"

#include <cmath>

namespace orrery {
namespace {

struct Flattening {
  FlatAction operator()(const Compute& compute) const {
    return {.amount = compute.duration.count(),
            .shares = {.sm = compute.sm, .memory = compute.memory},
            .verb = ActionKind::compute};
  }
  FlatAction operator()(const Communicate& join) const {
    return {.slot = join.slot, .plan = join.plan, .verb = ActionKind::communicate};
  }
  FlatAction operator()(const Allocate& allocate) const {
    return {.amount = allocate.bytes.value(),
            .verb = ActionKind::allocate,
            .category = allocate.category};
  }
  FlatAction operator()(const Release& release) const {
    return {
        .amount = release.bytes.value(), .verb = ActionKind::release, .category = release.category};
  }
};

}  // namespace

FlatAction flatten(const Kind& kind) {
  FlatAction step = std::visit(Flattening{}, kind.action);
  step.component = kind.component;
  return step;
}

Duration lengthen(Duration duration, double factor) {
  if (factor == 1.0) return duration;
  const double picoseconds = std::ceil(static_cast<double>(duration.count()) * factor);
  CHECK(picoseconds >= 0.0 && picoseconds < 9.2e18, duration.count(), factor);
  return Duration{static_cast<std::int64_t>(picoseconds)};
}

}  // namespace orrery
