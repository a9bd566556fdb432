#include "engine/cursor.hpp"

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

}  // namespace orrery
