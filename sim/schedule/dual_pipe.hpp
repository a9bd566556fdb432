// The eight steps of DualPipe and DualPipeV (DeepSeek-V3 Technical Report, arXiv 2412.19437,
// section 3.2.1; the order of deepseek-ai/DualPipe).
//
// A rank has two chunks with n micro-batches each: "near" is the one whose micro-batches reach it
// first, h ranks away from where they enter, of H ranks up to the middle (DualPipe) or the turn
// (DualPipeV). F, B, I, W of near are F0 …, of far F1 …:
//   1. 2(H-h-1) times F0          5. H-h-1 times B1, F1&B0
//   2. h+1 times F0 F1            6. h+1 times B1 B0, the latter half of them input gradients alone
//   3. H-h-1 times I1 W1 F1       7. H-h-1 times W I0
//   4. n-2H+h+1 times F0&B1 F1&B0 8. h+1 times W
// & marks pairs that run together; the innermost rank runs its first F0 and B1 one after the other.
// Weight gradients that were put off come in the order in which their input gradients came.
#pragma once

#include "schedule/schedule.hpp"

namespace orrery {

/// A chunk of the rank with its micro-batches, numbered on from `first`.
struct DualPipeChunk {
  std::uint16_t chunk = 0;
  std::int64_t first = 0;
};

struct DualPipeRank {
  std::int64_t half = 1;           ///< H
  std::int64_t position = 0;       ///< h
  std::int64_t micro_batches = 2;  ///< n, of each chunk; at least 2H
  DualPipeChunk near;
  DualPipeChunk far;
};

std::vector<Step> dual_pipe_steps(const DualPipeRank& rank);

}  // namespace orrery
