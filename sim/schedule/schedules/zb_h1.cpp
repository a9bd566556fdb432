// ZB-H1: 1F1B whose weight gradients fill the drain, with no more activations than 1F1B's first
// rank (Qi et al., Zero Bubble Pipeline Parallelism, ICLR 2024, section 2.1). Bubble (p-1)·(F+I-W),
// I and W the halves of the backward; every rank holds min(m, p) micro-batches.

#include "schedule/zero_bubble.hpp"

namespace orrery::schedules {

namespace {

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  return zero_bubble_steps(shape, rank, 1);
}

}  // namespace

extern const Schedule zb_h1;
const Schedule zb_h1{
    .name = "zb-h1",
    .description = "1F1B with a split backward: a third of its bubble for the same memory",
    .objection = single_chunk_objection,
    .steps = steps,
    .place = looped_place,
};

}  // namespace orrery::schedules
