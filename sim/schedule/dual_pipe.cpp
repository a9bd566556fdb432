#include "schedule/dual_pipe.hpp"

#include "base/check.hpp"

#include <array>
#include <deque>
#include <utility>

namespace orrery {

namespace {

class DualPipeOrder {
 public:
  explicit DualPipeOrder(const DualPipeRank& rank)
      : rank_(rank), forwards_{rank.near.first, rank.far.first}, backwards_(forwards_) {}

  std::vector<Step> make() {
    fill();
    run_pairs();
    drain();
    CHECK(deferred_.empty(), deferred_.size());
    return std::move(steps_);
  }

 private:
  enum Side : std::size_t { near, far };

  void fill();
  void run_pairs();
  void drain();

  /// Ranks between this one and the innermost.
  std::int64_t inward() const { return rank_.half - rank_.position - 1; }

  void add(StepKind kind, Side side, std::int64_t micro_batch) {
    const DualPipeChunk& at = side == near ? rank_.near : rank_.far;
    steps_.push_back({kind, static_cast<std::uint16_t>(micro_batch), at.chunk});
  }
  void forward(Side side) { add(StepKind::forward, side, forwards_[side]++); }
  void backward(Side side) { add(StepKind::backward, side, backwards_[side]++); }
  /// The input gradient; its weight gradient is put off.
  void input(Side side) {
    deferred_.emplace_back(side, backwards_[side]);
    add(StepKind::backward_input, side, backwards_[side]++);
  }
  void weight() {
    const auto [side, micro_batch] = deferred_.front();
    deferred_.pop_front();
    add(StepKind::backward_weight, side, micro_batch);
  }
  void pair(Side forwards, Side backwards) {
    forward(forwards);
    steps_.back().pairing = Pairing::with_next;
    backward(backwards);
  }

  DualPipeRank rank_;
  std::array<std::int64_t, 2> forwards_;   ///< by side: the next micro-batch
  std::array<std::int64_t, 2> backwards_;  ///< likewise
  std::deque<std::pair<Side, std::int64_t>> deferred_;
  std::vector<Step> steps_;
};

void DualPipeOrder::fill() {
  for (std::int64_t i = 0; i < 2 * inward(); ++i) forward(near);
  for (std::int64_t i = 0; i < rank_.position + 1; ++i) {
    forward(near);
    forward(far);
  }
  for (std::int64_t i = 0; i < inward(); ++i) {
    input(far);
    weight();
    forward(far);
  }
}

void DualPipeOrder::run_pairs() {
  const std::int64_t pairs = rank_.micro_batches - 2 * rank_.half + rank_.position + 1;
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (i == 0 && inward() == 0) {
      forward(near);
      backward(far);
    } else {
      pair(near, far);
    }
    pair(far, near);
  }
  for (std::int64_t i = 0; i < inward(); ++i) {
    backward(far);
    pair(far, near);
  }
}

void DualPipeOrder::drain() {
  const std::int64_t both = rank_.position + 1;
  // The backwards from here on are split: from the far one of this round, or from the near one.
  const std::int64_t split = both / 2;
  const bool odd = rank_.position % 2 == 1;
  for (std::int64_t i = 0; i < both; ++i) {
    i > split || (i == split && odd) ? input(far) : backward(far);
    i >= split ? input(near) : backward(near);
  }
  for (std::int64_t i = 0; i < inward(); ++i) {
    weight();
    input(near);
  }
  for (std::int64_t i = 0; i < both; ++i) weight();
}

}  // namespace

std::vector<Step> dual_pipe_steps(const DualPipeRank& rank) { return DualPipeOrder(rank).make(); }

}  // namespace orrery
