// Which expert lies where, when hot ones have replicas.
//
// A rank has as many slots as every other; a slot holds one expert. In order, slot s holds expert
// s. Balanced, in two steps (DeepSeek's Expert Parallelism Load Balancer, deepseek-ai/EPLB, policy
// of global load balancing; DeepSeek-V3, arXiv 2412.19437, section 3.4):
//
//   replicate   each redundant slot goes to the expert with the most expected picks for each of its
//               replicas
//   pack        slots, the heaviest first, go to the rank with the least weight that has room
//
// Placement knows what is expected of a layer, not what is drawn: popularities, or with a trace its
// counts, as the balancer knows what it has counted. A replica takes its equal part of an expert's
// tokens.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

enum class ExpertPlacement : std::uint8_t { in_order, balanced };

/// The expert of each slot, rank after rank. `expected` has the picks of each expert; `slots` are
/// at least as many and divide over `ranks`. Experts of a rank are ascending.
std::vector<std::int64_t> place_experts(ExpertPlacement placement, std::span<const double> expected,
                                        std::int64_t slots, std::int64_t ranks);

}  // namespace orrery
