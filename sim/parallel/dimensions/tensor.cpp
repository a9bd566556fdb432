// Tensor parallelism (Shoeybi et al. 2019) with sequence parallelism (Korthikanti et al. 2022).
//
// Heads, inner widths and the vocabulary are divided: an entering product is column-parallel, the
// leaving one row-parallel, so that its result is a partial sum. Without sequence parallelism the
// sum is an all-reduce (forward after the leaving op, backward after the entering one). With it the
// tokens of `sequence` regions are divided too: the entering op gathers them, the leaving op
// reduces and scatters, and backward does the reverse; the gathered input is not kept but gathered
// again for the weight gradient. Expert-tensor parallelism does the same to experts' inner width
// inside the `expert` region, where the gathered rows are what is kept.
//
// With overlap "tensor" a product runs in tp steps beside a ring (Transformer Engine's userbuffers,
// ring exchange): on the piece of its input that came while it worked on the one before, or sending
// on the piece of its result that it made before. Copy engines carry the pieces. What backward
// gathers again and sums up goes by beside the other product of backward as a whole.

#include "parallel/dimension.hpp"

#include <algorithm>
#include <cmath>

namespace orrery::dimensions {

namespace {

bool divides_sequence(const ShardInput& input) {
  return input.strategy.sp && input.strategy.tp > 1;
}

std::int64_t divides(Axis axis, Region, const ShardInput& input) {
  const Strategy& s = input.strategy;
  switch (axis) {
    case Axis::heads:
    case Axis::ffn:
    case Axis::vocabulary:
      return s.tp;
    case Axis::kv_heads:
      return std::min(s.tp, input.model.attention.kv_heads);
    case Axis::expert_ffn:
      return s.etp;
    case Axis::none:
    case Axis::experts:
      return 1;
  }
  return 1;
}

double token_share(Region region, const ShardInput& input) {
  const Strategy& s = input.strategy;
  const double sequence_share = divides_sequence(input) ? 1.0 / static_cast<double>(s.tp) : 1.0;
  switch (region) {
    case Region::sequence:
      return sequence_share;
    case Region::tensor:
    case Region::attention:
      return 1.0;
    // Every one of the etp ranks that share an expert sees the tokens of all of them; without
    // sequence parallelism they hold the same tokens to begin with.
    case Region::expert:
      return divides_sequence(input) ? sequence_share * static_cast<double>(s.etp) : 1.0;
  }
  return 1.0;
}

/// A row of `width` elements per token, of all tokens of the region.
Bytes rows(double tokens, double width, double element) {
  return Bytes(std::llround(tokens * width * element));
}

struct Border {
  GroupAxis group;
  Component component;
  bool scatters;  ///< tokens outside the region are divided over the group
  /// The region's input is not kept whole but gathered again for the weight gradient.
  bool gathers_again;
};

/// What travels: sums always in 16 bits at least; what is gathered for a product of fewer bits is
/// cast before it travels (Transformer Engine, quantized all-gather).
struct Sizes {
  Bytes gathered;
  Bytes summed;
};

Sizes sizes_of(const Op& op, double tokens, double width, const ShardInput& input) {
  const double wide = activation_element_bytes(input.job);
  const bool narrow = op.kind == OpKind::product && op.narrow;
  const double cast = narrow ? std::min(wide, bytes_per_element(input.job.precision)) : wide;
  return {rows(tokens, width, cast), rows(tokens, width, wide)};
}

Exchanges entering(const Border& border, const Sizes& sizes) {
  const auto exchange = [&](const char* name, ExchangeKind kind) {
    const Bytes size = kind == ExchangeKind::all_gather ? sizes.gathered : sizes.summed;
    return Exchange{name, kind, border.group, border.component, size, {}};
  };
  Exchanges out;
  if (border.scatters) {
    out.before_forward = {exchange("sequence_gather", ExchangeKind::all_gather)};
    if (border.gathers_again) {
      out.before_backward = {exchange("sequence_gather_again", ExchangeKind::all_gather)};
      out.before_backward.front().needed_for = Exchange::For::weight_gradient;
    }
    out.after_backward = {exchange("input_gradient_scatter", ExchangeKind::reduce_scatter)};
  } else {
    out.after_backward = {exchange("input_gradient_sum", ExchangeKind::all_reduce)};
  }
  return out;
}

Exchanges leaving(const Border& border, const Sizes& sizes) {
  const auto exchange = [&](const char* name, ExchangeKind kind) {
    const Bytes size = kind == ExchangeKind::all_gather ? sizes.gathered : sizes.summed;
    return Exchange{name, kind, border.group, border.component, size, {}};
  };
  Exchanges out;
  if (border.scatters) {
    out.after_forward = {exchange("output_scatter", ExchangeKind::reduce_scatter)};
    out.before_backward = {exchange("output_gradient_gather", ExchangeKind::all_gather)};
  } else {
    out.after_forward = {exchange("output_sum", ExchangeKind::all_reduce)};
  }
  return out;
}

/// A gather as a ring: all but the last step send the piece that they work on.
Ring gathering(const Exchange& whole, std::int64_t ranks) {
  std::vector<Bytes> sent(static_cast<std::size_t>(ranks), Bytes(whole.size.value() / ranks));
  sent.back() = Bytes(0);
  return {whole.name,
          whole.group,
          whole.component,
          std::move(sent),
          Ring::Arrivals::worked_on,
          Carrier::copy_engines};
}

/// A scatter as a ring: all but the first step send the piece that the one before made.
Ring scattering(const Exchange& whole, std::int64_t ranks) {
  std::vector<Bytes> sent(static_cast<std::size_t>(ranks), Bytes(whole.size.value() / ranks));
  sent.front() = Bytes(0);
  return {
      whole.name,           whole.group, whole.component, std::move(sent), Ring::Arrivals::added_up,
      Carrier::copy_engines};
}

/// Turns what stands next to a product of the tensor region into rings through it.
void in_pieces(Exchanges& out, const Strategy& s) {
  const auto one_is = [](const std::vector<Exchange>& all, ExchangeKind kind) {
    return all.size() == 1 && all.front().kind == kind &&
           all.front().needed_for == Exchange::For::everything;
  };
  if (one_is(out.before_forward, ExchangeKind::all_gather)) {
    out.forward_ring = gathering(out.before_forward.front(), s.tp);
    out.before_forward.clear();
  } else if (one_is(out.after_forward, ExchangeKind::reduce_scatter)) {
    out.forward_ring = scattering(out.after_forward.front(), s.tp);
    out.after_forward.clear();
  }
  if (one_is(out.before_backward, ExchangeKind::all_gather)) {
    out.backward_ring = gathering(out.before_backward.front(), s.tp);
    out.before_backward.clear();
  }
}

void append(std::vector<Exchange>& to, std::vector<Exchange> from) {
  to.insert(to.end(), from.begin(), from.end());
}

Exchanges exchanges(const Op& op, double tokens, const ShardInput& input) {
  const Strategy& s = input.strategy;
  const bool in_expert = op.region == Region::expert;
  if (in_expert) tokens *= input.experts.rows;
  const bool in_tensor = op.region == Region::tensor;
  if (!(in_tensor && s.tp > 1) && !(in_expert && s.etp > 1)) return {};
  const Border border{in_expert ? GroupAxis::etp : GroupAxis::tp,
                      in_expert ? Component::ep : Component::tp, divides_sequence(input),
                      in_tensor};
  const bool product = op.kind == OpKind::product;
  const double hidden = static_cast<double>(input.model.hidden);
  Exchanges out;
  if (op.enters) out = entering(border, sizes_of(op, tokens, product ? op.k.size : hidden, input));
  if (op.leaves) {
    Exchanges more = leaving(border, sizes_of(op, tokens, product ? op.n.size : hidden, input));
    append(out.after_forward, std::move(more.after_forward));
    append(out.before_backward, std::move(more.before_backward));
  }
  if (in_tensor && product && s.overlaps("tensor")) in_pieces(out, s);
  return out;
}

}  // namespace

extern const Dimension tensor;
const Dimension tensor{
    .name = "tensor",
    .description =
        "heads, inner widths and vocabulary divided (tp, etp), tokens between them with sp",
    .degree = [](const Strategy& s) { return s.tp; },
    .divides = divides,
    .token_share = token_share,
    .exchanges = exchanges,
};

}  // namespace orrery::dimensions
