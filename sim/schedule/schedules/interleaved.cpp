// Interleaved 1F1B: every rank holds v chunks, so that the pipeline fills v times as fast
// (Narayanan et al., SC'21, section 2.2.2; Megatron-LM's order).
// Step k of the forwards is micro-batch group·p + k mod p of chunk (k mod p·v) div p, group = k div
// p·v; backwards go through the chunks from the last. Rank r runs min(m·v, 2(p-r-1) + (v-1)·p)
// forwards ahead, one more for pairs (Megatron-Core, overlap_moe_expert_parallel_comm). Bubble
// (p-1)·(F+B)/v of a rank's times; rank r holds p·v + p - 1 - 2r chunks at most.

#include "base/check.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::schedules {

namespace {

std::optional<std::string> objection(const PipelineShape& shape) {
  if (auto common = common_objection(shape)) return common;
  if (shape.ranks < 2)
    return "the interleaved schedule needs pp of at least 2; without a pipeline use \"1f1b\"";
  if (shape.chunks < 2)
    return "the interleaved schedule needs vpp of at least 2; for vpp = 1 use \"1f1b\"";
  if (shape.micro_batches % shape.ranks == 0) return std::nullopt;
  const std::int64_t below = shape.micro_batches / shape.ranks * shape.ranks;
  const std::string right = below == 0 ? fmt::format("{}", shape.ranks)
                                       : fmt::format("{} or {}", below, below + shape.ranks);
  return fmt::format(
      "the interleaved schedule needs micro-batches in groups of pp = {}: {} would be "
      "right, not {}; change global_batch, micro_batch or dp",
      shape.ranks, right, shape.micro_batches);
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  const std::vector<Step> forwards = forward_steps(shape);
  const auto total = static_cast<std::int64_t>(forwards.size());
  const std::int64_t pairs = shape.pairing == Pairing::with_next ? 1 : 0;
  const std::int64_t ahead =
      std::min(total, 2 * (shape.ranks - rank - 1) + (shape.chunks - 1) * shape.ranks + pairs);
  std::vector<Step> order;
  for (std::int64_t i = 0; i < total + ahead; ++i) {
    if (i < total) order.push_back(forwards[static_cast<std::size_t>(i)]);
    if (i < ahead) continue;
    if (i < total) order.back().pairing = shape.pairing;
    Step backward = forwards[static_cast<std::size_t>(i - ahead)];
    backward.kind = StepKind::backward;
    backward.chunk = static_cast<std::uint16_t>(shape.chunks - 1 - backward.chunk);
    order.push_back(backward);
  }
  return order;
}

}  // namespace

extern const Schedule interleaved;
const Schedule interleaved{
    .name = "interleaved",
    .description = "1F1B over several chunks per rank (vpp): a smaller bubble for more messages",
    .objection = objection,
    .steps = steps,
    .place = looped_place,
    .chunks = 0,
    .in_step = true,
};

}  // namespace orrery::schedules
