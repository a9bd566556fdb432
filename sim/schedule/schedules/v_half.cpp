// V-Half: two chunks per rank in a V with a split backward, half of 1F1B's activations (Qi et al.,
// Pipeline Parallelism with Controllable Memory, NeurIPS 2024, section 3.2).
// Rank r's block begins at slots 2r, 3p-r-2, 3p+i+2r-1 and 6p+i-r-2, with i = 3 slots inserted when
// p is even so that no two passes meet. Every rank holds p+2 chunks of 2p (p even); about half of
// 1F1B's bubble when F = I = W.

#include "schedule/building_block.hpp"

namespace orrery::schedules {

namespace {

Block block(std::int64_t p, std::int64_t rank) {
  const std::int64_t inserted = p % 2 == 0 ? 3 : 0;
  return {2 * rank, 3 * p - rank - 2, 3 * p + inserted + 2 * rank - 1, 6 * p + inserted - rank - 2};
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  return repeat_block(shape, rank, block);
}

}  // namespace

extern const Schedule v_half;
const Schedule v_half{
    .name = "v-half",
    .description = "a V with half of 1F1B's activations and half of its bubble",
    .objection = v_objection,
    .steps = steps,
    .place = v_place,
    .chunks = 2,
};

}  // namespace orrery::schedules
