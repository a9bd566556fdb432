// The order of the handcrafted zero-bubble schedules: 1F1B with the backward split, its weight
// gradients put off (Qi et al., Zero Bubble Pipeline Parallelism, ICLR 2024, section 2).
//
// Rank r of p runs k·(p-1-r) forwards ahead and leaves k·r weight gradients behind, so that every
// rank holds k·(p-1)+1 micro-batches; those left behind fill the drain. k = 1 gives ZB-H1, k = 2
// ZB-H2.
#pragma once

#include "schedule/schedule.hpp"

namespace orrery {

std::vector<Step> zero_bubble_steps(const PipelineShape& shape, std::int64_t rank, std::int64_t k);

}  // namespace orrery
