// ZB-H2: as ZB-H1 with twice as many forwards ahead, so that the bubble closes when F = I = W and
// ranks need not begin the optimizer step together (Qi et al., Zero Bubble Pipeline Parallelism,
// ICLR 2024, section 2.2).
// A rank idles (p-1)·(F+I-2W) between its first and its last step, and begins r·F after the first
// rank; it holds min(m, 2p-1) micro-batches.

#include "schedule/zero_bubble.hpp"

namespace orrery::schedules {

namespace {

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  return zero_bubble_steps(shape, rank, 2);
}

}  // namespace

extern const Schedule zb_h2;
const Schedule zb_h2{
    .name = "zb-h2",
    .description =
        "1F1B with a split backward and twice the activations: no bubble inside a rank's step",
    .objection = single_chunk_objection,
    .steps = steps,
    .place = looped_place,
};

}  // namespace orrery::schedules
