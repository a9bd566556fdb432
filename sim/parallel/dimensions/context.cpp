// Context parallelism by gathering: every rank holds a share of each sequence's tokens and, for
// attention, gathers the keys and values of all of them (Llama 3, Grattafiori et al. 2024,
// section 3.3.2). Shares are taken zig-zag, so that with a causal mask every rank has the same
// work.

#include "parallel/dimension.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::dimensions {

namespace {

/// Keys and values of the tokens of all cp ranks, of this rank's heads.
Bytes keys_and_values(const Op& op, double tokens, const ShardInput& input) {
  const double width = op.kv_heads.size * static_cast<double>(op.qk_dim + op.v_dim);
  return Bytes(std::llround(tokens * static_cast<double>(input.strategy.cp) * width *
                            activation_element_bytes(input.job)));
}

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  if (op.kind != OpKind::attention || input.strategy.cp == 1) return {};
  const Bytes size = keys_and_values(op, tokens, input);
  const auto exchange = [&](const char* name, ExchangeKind kind) {
    return Exchange{name, kind, GroupAxis::cp, Component::cp, size, {}};
  };
  Exchanges out;
  out.before_forward = {exchange("key_value_gather", ExchangeKind::all_gather)};
  out.before_backward = {exchange("key_value_gather_again", ExchangeKind::all_gather)};
  out.after_backward = {exchange("key_value_gradient_scatter", ExchangeKind::reduce_scatter)};
  return out;
}

}  // namespace

extern const Dimension context;
const Dimension context{
    .name = "context",
    .description = "each sequence's tokens divided (cp); attention gathers keys and values",
    .degree = [](const Strategy& s) { return s.cp; },
    .divides = [](Axis, const ShardInput&) { return std::int64_t{1}; },
    .token_share =
        [](Region, const ShardInput& input) {
          return 1.0 / static_cast<double>(input.strategy.cp);
        },
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
