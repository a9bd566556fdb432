// DualPipe: micro-batches enter from both ends of the pipeline, which holds the weights twice: rank
// r runs stage r of one direction and stage p-1-r of the other (DeepSeek-V3 Technical Report,
// section 3.2.1). Bubble (p/2-1)·(F&B + B - 3W), F&B the time of a forward and a backward together;
// every rank holds p+1 micro-batches of a stage.

#include "base/check.hpp"
#include "schedule/dual_pipe.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace orrery::schedules {

namespace {

std::optional<std::string> objection(const PipelineShape& shape) {
  if (auto other = single_chunk_objection(shape)) return other;
  if (shape.ranks % 2 != 0) {
    return fmt::format("dualpipe needs an even pp, not {}: ranks mirror each other", shape.ranks);
  }
  if (shape.micro_batches % 2 == 0 && shape.micro_batches >= 2 * shape.ranks) return std::nullopt;
  return fmt::format(
      "dualpipe needs an even number of micro-batches, at least 2·pp = {}, not {}; change "
      "global_batch, micro_batch or dp",
      2 * shape.ranks, shape.micro_batches);
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  const std::int64_t n = shape.micro_batches / 2;
  const std::int64_t half = shape.ranks / 2;
  const DualPipeChunk down{.chunk = 0, .first = 0};
  const DualPipeChunk up{.chunk = 1, .first = n};
  return dual_pipe_steps({.half = half,
                          .position = std::min(rank, shape.ranks - 1 - rank),
                          .micro_batches = n,
                          .near = rank < half ? down : up,
                          .far = rank < half ? up : down});
}

}  // namespace

extern const Schedule dualpipe;
const Schedule dualpipe{
    .name = "dualpipe",
    .description =
        "micro-batches from both ends, two copies of the weights, forwards and backwards in pairs",
    .objection = objection,
    .steps = steps,
    .place = opposed_place,
    .directions = 2,
};

}  // namespace orrery::schedules
