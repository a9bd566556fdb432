// From a shape, a choice and a size to the plan that the engine executes.
//
// A bundle's bytes on the wire are volume * size / payload_share; its latency is the library's
// base (once per operation), its hops, and the wire's. Patterns are numbered over all bundles of
// the shape, phase by phase.
#pragma once

#include "collective/collective.hpp"
#include "program/program.hpp"

namespace orrery {

struct TransferPlanRequest {
  const Shape& shape;
  const Choice& choice;
  CollectiveKind kind = CollectiveKind::all_reduce;
  Bytes size;
  std::size_t members = 1;
};

/// A plan without phases, which takes no time, for a group of one or nothing to send.
TransferPlan make_transfer_plan(const TransferPlanRequest& request);

}  // namespace orrery
