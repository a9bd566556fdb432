// Expert parallelism (Shazeer 2017, Lepikhin 2020): the experts of a layer are spread over ep
// ranks, and tokens travel to them and back in two all-to-alls, with the gradients the other way in
// backward. What a rank sends is every copy of its own tokens: tokens · top_k rows of the hidden
// width.

#include "parallel/dimension.hpp"

#include <cmath>

namespace orrery::dimensions {

namespace {

/// Bytes of all copies of the rank's own tokens. `tokens` counts copies that arrive, which with
/// balanced experts are as many as leave, once per rank that shares an expert.
Bytes copies(double tokens, const ShardInput& input) {
  const Strategy& s = input.strategy;
  const double gathered = s.sp && s.tp > 1 ? static_cast<double>(s.etp) : 1.0;
  return Bytes(std::llround(tokens / gathered * static_cast<double>(input.model.hidden) *
                            activation_element_bytes(input.job)));
}

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  if (op.region != Region::expert || input.strategy.ep == 1) return {};
  const auto exchange = [&](const char* name) {
    return Exchange{name,          ExchangeKind::all_to_all, GroupAxis::ep,
                    Component::ep, copies(tokens, input),    {}};
  };
  Exchanges out;
  if (op.enters) {
    out.before_forward = {exchange("dispatch")};
    out.after_backward = {exchange("dispatch_gradient")};
  }
  if (op.leaves) {
    out.after_forward = {exchange("combine")};
    out.before_backward = {exchange("combine_gradient")};
  }
  return out;
}

}  // namespace

extern const Dimension expert;
const Dimension expert{
    .name = "expert",
    .description = "experts spread over ranks (ep); tokens travel to them and back in all-to-alls",
    .degree = [](const Strategy& s) { return s.ep; },
    .divides =
        [](Axis axis, const ShardInput& input) {
          return axis == Axis::experts ? input.strategy.ep : 1;
        },
    .token_share = [](Region, const ShardInput&) { return 1.0; },
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
