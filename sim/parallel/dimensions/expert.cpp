// Expert parallelism (Shazeer 2017, Lepikhin 2020): the experts of a layer are spread over ep
// ranks, and tokens travel to them and back, with the gradients the other way in backward. How is
// the dispatcher's business:
//
//   alltoall            every copy of a rank's own tokens, tokens · top_k rows of the hidden width
//   allgather           every token to every rank of the group, and a sum of all results back
//   deepep, hybridep    the copies, of which those that share a node or a rank travel together
//
// Tokens may travel in 8 bits with a scale for 128 values (DeepSeek-V3, arXiv 2412.19437, section
// 3.3.3); results, which are added up, never do.

#include "parallel/dimension.hpp"

#include <cmath>

namespace orrery::dimensions {

namespace {

/// Bytes of a value that travels to an expert.
double dispatched(const ShardInput& input) {
  const double bytes = bytes_per_element(input.job.dispatch_type);
  return bytes < 2.0 ? bytes + 4.0 / 128.0 : bytes;
}

/// `tokens` counts copies that arrive with an even routing, which are as many as leave with any,
/// once per rank that shares an expert.
double own_copies(double tokens, const ShardInput& input) {
  const Strategy& s = input.strategy;
  return tokens / (s.sp && s.tp > 1 ? static_cast<double>(s.etp) : 1.0);
}

/// Bytes of all copies of the rank's own tokens that travel.
Bytes copies(double tokens, double element, const ShardInput& input) {
  const double each = static_cast<double>(input.model.hidden) * input.experts.sent;
  return Bytes(std::llround(own_copies(tokens, input) * each * element));
}

/// Bytes of the tokens of all ranks, each once; on their way in with their probability (fp32) and a
/// byte of map for each expert.
Bytes gathered(double tokens, double element, double per_expert, const ShardInput& input) {
  const Experts& experts = *input.model.experts;
  const double each = own_copies(tokens, input) / static_cast<double>(experts.top_k);
  const double row = static_cast<double>(input.model.hidden) * element +
                     static_cast<double>(experts.experts) * per_expert;
  return Bytes(std::llround(each * static_cast<double>(input.strategy.ep) * row));
}

/// What goes to experts and what comes back, forward; backward has them exchanged.
struct Ways {
  ExchangeKind to = ExchangeKind::all_to_all;
  ExchangeKind back = ExchangeKind::all_to_all;
  Bytes to_size;
  Bytes back_size;
};

Ways ways(double tokens, const ShardInput& input) {
  const std::string& dispatcher = input.strategy.dispatcher;
  const double wide = activation_element_bytes(input.job);
  const double narrow = dispatched(input);
  if (dispatcher == "allgather") {
    return {ExchangeKind::all_gather, ExchangeKind::reduce_scatter,
            gathered(tokens, narrow, 5.0, input), gathered(tokens, wide, 0.0, input)};
  }
  // Parts that differ have a direction.
  const bool plain = dispatcher == "alltoall" && !input.experts.uneven;
  return {plain ? ExchangeKind::all_to_all : ExchangeKind::dispatch,
          plain ? ExchangeKind::all_to_all : ExchangeKind::combine, copies(tokens, narrow, input),
          copies(tokens, wide, input)};
}

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  if (op.region != Region::expert || input.strategy.ep == 1) return {};
  const Ways way = ways(tokens, input);
  const auto to = [&](const char* name) {
    return Exchange{name, way.to, GroupAxis::ep, Component::ep, way.to_size, {}};
  };
  const auto back = [&](const char* name) {
    return Exchange{name, way.back, GroupAxis::ep, Component::ep, way.back_size, {}};
  };
  Exchanges out;
  if (op.enters) {
    out.before_forward = {to("dispatch")};
    out.after_backward = {back("dispatch_gradient")};
  }
  if (op.leaves) {
    out.after_forward = {back("combine")};
    out.before_backward = {to("combine_gradient")};
  }
  return out;
}

}  // namespace

extern const Dimension expert;
const Dimension expert{
    .name = "expert",
    .description = "experts spread over ranks (ep); tokens travel to them and back",
    .degree = [](const Strategy& s) { return s.ep; },
    .divides =
        [](Axis axis, Region, const ShardInput& input) {
          return axis == Axis::experts ? input.strategy.ep : 1;
        },
    .token_share = [](Region, const ShardInput&) { return 1.0; },
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
