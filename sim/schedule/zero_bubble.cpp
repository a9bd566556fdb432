#include "schedule/zero_bubble.hpp"

#include "base/check.hpp"

#include <algorithm>

namespace orrery {

std::vector<Step> zero_bubble_steps(const PipelineShape& shape, std::int64_t rank, std::int64_t k) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  const std::int64_t ahead = std::min(shape.micro_batches, k * (shape.ranks - 1 - rank));
  const std::int64_t behind = k * rank;
  std::vector<Step> order;
  const auto add = [&](StepKind kind, std::int64_t micro_batch) {
    if (micro_batch < 0 || micro_batch >= shape.micro_batches) return;
    order.push_back({kind, static_cast<std::uint16_t>(micro_batch), 0});
  };
  for (std::int64_t i = 0; i < shape.micro_batches + ahead + behind; ++i) {
    add(StepKind::forward, i);
    add(StepKind::backward_input, i - ahead);
    add(StepKind::backward_weight, i - ahead - behind);
  }
  return order;
}

}  // namespace orrery
