#include "engine/cursor.hpp"

namespace orrery {
namespace {

struct Flattening {
  Step operator()(const Compute& compute) const {
    return {.amount = compute.duration.count(),
            .shares = {.sm = compute.sm, .memory = compute.memory},
            .verb = Verb::compute};
  }
  Step operator()(const Communicate& join) const {
    return {.slot = join.slot, .plan = join.plan, .verb = Verb::communicate};
  }
  Step operator()(const Allocate& allocate) const {
    return {
        .amount = allocate.bytes.value(), .verb = Verb::allocate, .category = allocate.category};
  }
  Step operator()(const Release& release) const {
    return {.amount = release.bytes.value(), .verb = Verb::release, .category = release.category};
  }
};

}  // namespace

Step flatten(const Kind& kind) {
  Step step = std::visit(Flattening{}, kind.action);
  step.component = kind.component;
  return step;
}

}  // namespace orrery
