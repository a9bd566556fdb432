// ZB-V: two chunks per rank, down the ranks and up again, with a split backward: no bubble when F =
// I
// order of PyTorch's ScheduleZBVZeroBubble).
// With n = max(m, 2p-1) micro-batches, those beyond m left out, rank r runs: 2(p-r)-1 forwards of
// chunk 0; r of either in turn; p-r forwards of chunk 1 each with its backward; until all have gone
// forward, one of chunk 0 with a backward of it, one of chunk 1 with its backward; then input
// gradients and what weight gradients are left. Ranks begin a forward of a chunk apart and end
// together: (p-1)·F/2 when F = I = W; every rank holds 2p chunks.

#include "base/check.hpp"
#include "schedule/schedule.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace orrery::schedules {

namespace {

/// Writes steps down, counting micro-batches of each kind and chunk.
class Order {
 public:
  explicit Order(std::int64_t micro_batches) : micro_batches_(micro_batches) {}

  void forward(std::size_t chunk) { add(StepKind::forward, chunk, forwards_); }
  void input(std::size_t chunk) { add(StepKind::backward_input, chunk, inputs_); }
  void weight(std::size_t chunk) { add(StepKind::backward_weight, chunk, weights_); }
  void backward(std::size_t chunk) {
    input(chunk);
    weight(chunk);
  }
  std::int64_t forwards(std::size_t chunk) const { return forwards_[chunk]; }
  void finish_weights(std::size_t chunk) {
    while (weights_[chunk] < inputs_[chunk]) weight(chunk);
  }
  std::vector<Step> take() { return std::move(steps_); }

 private:
  using Counts = std::array<std::int64_t, 2>;

  void add(StepKind kind, std::size_t chunk, Counts& counts) {
    const std::int64_t micro_batch = counts[chunk]++;
    if (micro_batch >= micro_batches_) return;
    steps_.push_back(
        {kind, static_cast<std::uint16_t>(micro_batch), static_cast<std::uint16_t>(chunk)});
  }

  std::int64_t micro_batches_;
  Counts forwards_{};
  Counts inputs_{};
  Counts weights_{};
  std::vector<Step> steps_;
};

void run_ahead(Order& order, std::int64_t p, std::int64_t rank) {
  for (std::int64_t i = 0; i < 2 * (p - rank) - 1; ++i) order.forward(0);
  for (std::int64_t i = 0; i < rank; ++i) {
    order.forward(1);
    order.forward(0);
  }
  for (std::int64_t i = 0; i < p - rank; ++i) {
    order.forward(1);
    order.backward(1);
  }
}

std::vector<Step> steps(const PipelineShape& shape, std::int64_t rank) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  const std::int64_t p = shape.ranks;
  const std::int64_t n = std::max(2 * p - 1, shape.micro_batches);
  Order order(shape.micro_batches);
  run_ahead(order, p, rank);
  while (order.forwards(1) < n) {
    if (order.forwards(0) < n) order.forward(0);
    order.backward(0);
    order.forward(1);
    order.backward(1);
  }
  for (std::int64_t i = 0; i < rank; ++i) {
    order.input(0);
    order.input(1);
  }
  for (std::int64_t i = 0; i < p - rank; ++i) order.backward(0);
  order.finish_weights(1);
  order.finish_weights(0);
  return order.take();
}

}  // namespace

extern const Schedule zb_v;
const Schedule zb_v{
    .name = "zb-v",
    .description =
        "two chunks per rank in a V with a split backward: hardly a bubble for 1F1B's memory",
    .objection = v_objection,
    .steps = steps,
    .place = v_place,
    .chunks = 2,
};

}  // namespace orrery::schedules
