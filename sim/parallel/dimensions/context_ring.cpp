// Context parallelism by a ring (cp_comm_type p2p; Ring Attention, Liu et al. 2023, arXiv
// 2310.01889): attention is done in as many steps as the ring has ranks, on one block of keys and
// values after the other. While a block is worked on it travels to the next rank, so that nothing
// waits unless a block takes longer than a step.
//
// Backward begins with the block that came last and sends on its gradient too, once the step has
// added to it: the first step sends keys and values alone, the last one gradients alone, which come
// home with it (Transformer Engine, AttnFuncWithCPAndKVP2P). Forward keeps the blocks that came and
// the results of all steps until they are put together, as it does.

#include "parallel/dimension.hpp"

#include <cmath>

namespace orrery::dimensions {

namespace {

struct Widths {
  double queries;
  double keys_and_values;
  double results;
};

Widths widths_of(const Op& op) {
  const auto width = [](const Extent& heads, std::int64_t dim) {
    return heads.size * static_cast<double>(dim);
  };
  return {width(op.heads, op.qk_dim), width(op.kv_heads, op.qk_dim + op.v_dim),
          width(op.heads, op.v_dim)};
}

std::vector<Bytes> sent_forward(std::int64_t ranks, Bytes block) {
  std::vector<Bytes> sent(static_cast<std::size_t>(ranks), block);
  sent.back() = Bytes(0);
  return sent;
}

std::vector<Bytes> sent_backward(std::int64_t ranks, Bytes block) {
  std::vector<Bytes> sent(static_cast<std::size_t>(ranks), block * 2);
  sent.front() = sent.back() = block;
  return sent;
}

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  const Strategy& s = input.strategy;
  if (op.kind != OpKind::attention || s.cp_ring() == 1) return {};
  const Widths widths = widths_of(op);
  const auto size = [&](double width) {
    return Bytes(std::llround(tokens * width * activation_element_bytes(input.job)));
  };
  const Bytes block = size(widths.keys_and_values);
  const std::int64_t ranks = s.cp_ring();
  const GroupAxis group = s.cp_heads() == 1 ? GroupAxis::cp : GroupAxis::cp_p2p;
  Exchanges out;
  out.forward_ring = {"key_value_block", group, Component::cp, sent_forward(ranks, block), {}, {}};
  out.backward_ring = {"key_value_gradient_block",  group, Component::cp,
                       sent_backward(ranks, block), {},    {}};
  out.forward_buffers = block * (ranks - 1) + size(widths.results) * ranks;
  // Two pairs of blocks with their gradients, the step's own gradients, and the queries' so far.
  out.backward_buffers = block * 5 + size(widths.queries) * 2;
  return out;
}

}  // namespace

extern const Dimension context_ring;
const Dimension context_ring{
    .name = "context_ring",
    .description =
        "attention in steps, keys and values going around cp beside it (cp_comm_type p2p)",
    .degree = [](const Strategy& s) { return s.cp_ring(); },
    .divides = divides_nothing,
    .token_share = all_tokens,
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
