// Context parallelism by gathering (cp_comm_type all_gather; Llama 3, Grattafiori et al. 2024,
// section 3.3.2): for attention every rank gathers the keys and values of all tokens, in backward
// again, and scatters the sums of their gradients.

#include "parallel/dimension.hpp"

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
  const Strategy& s = input.strategy;
  const bool gathers = s.cp > 1 && s.cp_comm_type == "all_gather";
  if (op.kind != OpKind::attention || !gathers) return {};
  const Bytes size = keys_and_values(op, tokens, input);
  const auto exchange = [&](const char* name, ExchangeKind kind) {
    return Exchange{name, kind, GroupAxis::cp, Component::cp, size, {}};
  };
  Exchanges out;
  out.before_forward = {exchange("key_value_gather", ExchangeKind::all_gather)};
  out.before_backward = {exchange("key_value_gather_again", ExchangeKind::all_gather)};
  out.after_backward = {exchange("key_value_gradient_scatter", ExchangeKind::reduce_scatter)};
  out.forward_buffers = size;
  out.backward_buffers = size * 2;  // and their gradients
  return out;
}

}  // namespace

extern const Dimension context_gather;
const Dimension context_gather{
    .name = "context_gather",
    .description = "attention gathers keys and values over cp (cp_comm_type all_gather)",
    .degree = [](const Strategy& s) { return s.cp_comm_type == "all_gather" ? s.cp : 1; },
    .divides = divides_nothing,
    .token_share = all_tokens,
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
