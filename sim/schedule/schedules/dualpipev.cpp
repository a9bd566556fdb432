// DualPipeV: the half of DualPipe up to its middle, folded into a V of 2p stages on p ranks, so
// that the weights are held once (deepseek-ai/DualPipe, dualpipev.py). Bubble (p-1)·(F&B + B - 3W),
// times of a chunk and F&B that of a forward and a backward together; every rank holds 2p+1 chunks.

#include "base/check.hpp"
#include "schedule/dual_pipe.hpp"

#include <fmt/format.h>

namespace orrery::schedules {

namespace {

std::optional<std::string> objection(const PipelineShape& shape) {
  if (auto other = v_objection(shape)) return other;
  if (shape.micro_batches >= 2 * shape.ranks) return std::nullopt;
  return fmt::format(
      "dualpipev needs at least 2·pp = {} micro-batches, not {}; change global_batch, micro_batch "
      "or dp",
      2 * shape.ranks, shape.micro_batches);
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  return dual_pipe_steps({.half = shape.ranks,
                          .position = rank,
                          .micro_batches = shape.micro_batches,
                          .near = {.chunk = 0},
                          .far = {.chunk = 1}});
}

}  // namespace

extern const Schedule dualpipev;
const Schedule dualpipev{
    .name = "dualpipev",
    .description = "DualPipe folded into a V: two chunks per rank, one copy of the weights",
    .objection = objection,
    .steps = steps,
    .place = v_place,
    .chunks = 2,
};

}  // namespace orrery::schedules
