// V-Min: two chunks per rank in a V with a split backward, a third of 1F1B's activations (Qi et
// al., Pipeline Parallelism with Controllable Memory, NeurIPS 2024, section 3.2). Rank r's block
// begins at slots r, 2p-r-1, 2p+i+r and 4p+i-r-1, with i = 2 slots inserted when p is a multiple of
// 3 so that no two passes meet. Every rank holds little more than 2p/3 chunks of 2p; about two
// thirds of 1F1B's bubble when F = I = W, and more the further these are apart.

#include "schedule/building_block.hpp"

namespace orrery::schedules {

namespace {

Block block(std::int64_t p, std::int64_t rank) {
  const std::int64_t inserted = p % 3 == 0 ? 2 : 0;
  return {rank, 2 * p - rank - 1, 2 * p + inserted + rank, 4 * p + inserted - rank - 1};
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  return repeat_block(shape, rank, block);
}

}  // namespace

extern const Schedule v_min;
const Schedule v_min{
    .name = "v-min",
    .description = "a V with a third of 1F1B's activations and two thirds of its bubble",
    .objection = v_objection,
    .steps = steps,
    .place = v_place,
    .chunks = 2,
};

}  // namespace orrery::schedules
