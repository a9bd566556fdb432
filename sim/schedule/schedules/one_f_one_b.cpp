// 1F1B: as few forwards ahead as the pipeline needs, then one forward and one backward in turn
// (Narayanan et al., PipeDream-Flush, SC'21, section 2.2.1; Megatron-LM's order).
// Rank r runs min(m, p-1-r) forwards ahead. Bubble (p-1)·(F+B); rank r holds min(m, p-r)
// micro-batches. On a pipeline of one rank pairs can be had: one forward ahead, then a forward and
// the backward before it together (Megatron-Core, combined_1f1b.py).

#include "base/check.hpp"
#include "schedule/schedule.hpp"

#include <algorithm>

namespace orrery::schedules {

namespace {

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  const bool pairs = shape.pairing == Pairing::with_next && shape.ranks == 1;
  const std::int64_t ahead =
      std::min(shape.micro_batches, shape.ranks - 1 - rank + (pairs ? 1 : 0));
  std::vector<Step> order;
  for (std::int64_t i = 0; i < shape.micro_batches + ahead; ++i) {
    if (i < shape.micro_batches) {
      order.push_back({StepKind::forward, static_cast<std::uint16_t>(i), 0});
      if (pairs && i >= ahead) order.back().pairing = Pairing::with_next;
    }
    if (i >= ahead) {
      order.push_back({StepKind::backward, static_cast<std::uint16_t>(i - ahead), 0});
    }
  }
  return order;
}

}  // namespace

extern const Schedule one_f_one_b;
const Schedule one_f_one_b{
    .name = "1f1b",
    .description = "one forward, one backward in turn; holds at most p micro-batches",
    .objection = single_chunk_objection,
    .steps = steps,
    .place = looped_place,
    .in_step = true,
};

}  // namespace orrery::schedules
