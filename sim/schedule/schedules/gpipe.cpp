// All forwards, then all backwards in the same order (Huang et al., GPipe, NeurIPS 2019).
// Bubble (p-1)·(F+B); every rank holds all m micro-batches.

#include "base/check.hpp"
#include "schedule/schedule.hpp"

namespace orrery::schedules {

namespace {

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  std::vector<Step> order = forward_steps(shape);
  const std::size_t forwards = order.size();
  for (std::size_t i = 0; i < forwards; ++i) {
    order.push_back({StepKind::backward, order[i].micro_batch, order[i].chunk});
  }
  return order;
}

}  // namespace

extern const Schedule gpipe;
const Schedule gpipe{
    .name = "gpipe",
    .description = "all forwards, then all backwards; holds every micro-batch",
    .objection = single_chunk_objection,
    .steps = steps,
    .place = looped_place,
    .in_step = true,
};

}  // namespace orrery::schedules
