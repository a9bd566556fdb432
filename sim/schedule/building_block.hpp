// Schedules in the shape of a V made of one block, repeated (Qi et al., Pipeline Parallelism with
// Controllable Memory, NeurIPS 2024).
//
// A block is when a rank runs the four passes of one micro-batch: forward and input gradient of its
// two chunks, in slots as long as a pass. Blocks follow six slots apart, so that four slots of six
// are taken and two are left for weight gradients. How long a micro-batch lives in a block sets how
// many chunks a rank holds: the peak of the repeated block, of each chunk and of both, is the limit
// that a rank keeps to. Below it every pass runs as soon as what it needs is there, the earliest of
// the block's order first and weight gradients when nothing else can run ("squeeze" and "reorder"
// of the paper's section 4).
#pragma once

#include "schedule/schedule.hpp"

#include <array>

namespace orrery {

/// The slots of the first micro-batch: forward of chunk 0, of chunk 1, input gradient of chunk 1,
/// of chunk 0.
using Block = std::array<std::int64_t, 4>;

std::vector<Step> repeat_block(const PipelineShape& shape, std::int64_t rank,
                               Block (*block)(std::int64_t ranks, std::int64_t rank));

}  // namespace orrery
