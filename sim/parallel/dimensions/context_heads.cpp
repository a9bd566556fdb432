// Context parallelism by heads (cp_comm_type a2a; DeepSpeed-Ulysses, Jacobs et al. 2023, arXiv
// 2309.14509): for attention ranks exchange tokens for heads, so that each has whole sequences of a
// part of the heads. Queries, keys and values are exchanged before it and the result after it,
// their gradients the other way in backward; a rank sends (cp − 1)/cp of each of the four.
//
// With a2a+p2p this is done inside groups of neighbours, and the groups of equal heads are rings.

#include "parallel/dimension.hpp"

#include <cmath>

namespace orrery::dimensions {

namespace {

class Exchanged {
 public:
  Exchanged(double tokens, const ShardInput& input) : tokens_(tokens), input_(input) {}

  Exchange operator()(const char* name, double width) const {
    const bool all = input_.strategy.cp_heads() == input_.strategy.cp;
    return {name,
            ExchangeKind::all_to_all,
            all ? GroupAxis::cp : GroupAxis::cp_a2a,
            Component::cp,
            size(width),
            {}};
  }
  Bytes size(double width) const {
    return Bytes(std::llround(tokens_ * width * activation_element_bytes(input_.job)));
  }

 private:
  double tokens_;
  const ShardInput& input_;
};

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  if (op.kind != OpKind::attention || input.strategy.cp_heads() == 1) return {};
  const double queries = op.heads.size * static_cast<double>(op.qk_dim);
  const double keys = op.kv_heads.size * static_cast<double>(op.qk_dim);
  const double values = op.kv_heads.size * static_cast<double>(op.v_dim);
  const double results = op.heads.size * static_cast<double>(op.v_dim);
  const Exchanged exchange(tokens, input);
  Exchanges out;
  out.before_forward = {exchange("query_exchange", queries), exchange("key_exchange", keys),
                        exchange("value_exchange", values)};
  out.after_forward = {exchange("result_exchange", results)};
  out.before_backward = {exchange("result_gradient_exchange", results)};
  out.after_backward = {exchange("query_gradient_exchange", queries),
                        exchange("key_gradient_exchange", keys),
                        exchange("value_gradient_exchange", values)};
  // What arrives, beside what was sent; in backward the gradients of everything.
  out.forward_buffers = exchange.size(queries + keys + values + results);
  out.backward_buffers = out.forward_buffers;
  return out;
}

}  // namespace

extern const Dimension context_heads;
const Dimension context_heads{
    .name = "context_heads",
    .description = "attention divides heads over cp instead of tokens (cp_comm_type a2a)",
    .degree = [](const Strategy& s) { return s.cp_heads(); },
    .divides =
        [](Axis axis, Region region, const ShardInput& input) {
          const bool heads = axis == Axis::heads || axis == Axis::kv_heads;
          return region == Region::attention && heads ? input.strategy.cp_heads() : 1;
        },
    .token_share =
        [](Region region, const ShardInput& input) {
          return region == Region::attention ? static_cast<double>(input.strategy.cp_heads()) : 1.0;
        },
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
