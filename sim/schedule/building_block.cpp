#include "schedule/building_block.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <deque>
#include <limits>
#include <utility>

namespace orrery {

namespace {

constexpr std::int64_t block_length = 6;

struct Pass {
  StepKind kind;
  std::size_t chunk;
};
constexpr std::array<Pass, 4> passes{{{StepKind::forward, 0},
                                      {StepKind::forward, 1},
                                      {StepKind::backward_input, 1},
                                      {StepKind::backward_input, 0}}};

/// Chunks of micro-batches whose activations a rank holds.
struct Held {
  std::array<std::int64_t, 2> of_chunk{};

  std::int64_t total() const { return of_chunk[0] + of_chunk[1]; }
};

/// The most of either chunk and of both that the repeated block holds.
struct Limit {
  std::array<std::int64_t, 2> of_chunk{};
  std::int64_t total = 0;

  bool allows(const Held& held, std::size_t chunk) const {
    return held.of_chunk[chunk] < of_chunk[chunk] && held.total() < total;
  }
  void admit(const Held& held) {
    for (std::size_t c = 0; c < of_chunk.size(); ++c) {
      of_chunk[c] = std::max(of_chunk[c], held.of_chunk[c]);
    }
    total = std::max(total, held.total());
  }
};

/// What the block holds, repeated for `micro_batches`; weight gradients take free slots.
Limit limit_of(const Block& block, std::int64_t micro_batches) {
  Limit limit;
  Held held;
  std::deque<std::size_t> pending;
  const std::int64_t end = std::ranges::max(block) + block_length * micro_batches;
  for (std::int64_t slot = 0; slot < end; ++slot) {
    const auto runs = [&](std::int64_t begin) {
      const std::int64_t since = slot - begin;
      return since >= 0 && since % block_length == 0 && since / block_length < micro_batches;
    };
    const auto found = std::ranges::find_if(block, runs);
    if (found != block.end()) {
      const Pass& pass = passes[static_cast<std::size_t>(found - block.begin())];
      if (pass.kind == StepKind::forward) {
        ++held.of_chunk[pass.chunk];
      } else {
        pending.push_back(pass.chunk);
      }
    } else if (!pending.empty()) {
      --held.of_chunk[pending.front()];
      pending.pop_front();
    }
    limit.admit(held);
  }
  return limit;
}

/// One rank while all run slot by slot.
struct RankState {
  Block block{};
  Limit limit;
  Held held;
  std::array<std::int64_t, 4> next{};  ///< by pass: its next micro-batch
  std::deque<std::pair<std::size_t, std::int64_t>>
      pending;  ///< weight gradients: chunk, micro-batch
  std::vector<Step> steps;
};

class Repetition {
 public:
  Repetition(const PipelineShape& shape, Block (*block)(std::int64_t, std::int64_t))
      : shape_(shape), ranks_(count(shape.ranks)) {
    std::int64_t most = 0;
    for (std::size_t r = 0; r < ranks_.size(); ++r) {
      ranks_[r].block = block(shape.ranks, static_cast<std::int64_t>(r));
      ranks_[r].limit = limit_of(ranks_[r].block, shape.micro_batches);
      most = std::max(most, ranks_[r].limit.total);
    }
    for (RankState& rank : ranks_) rank.limit.total = most;
    const std::size_t cells = 2 * count(2 * shape.ranks * shape.micro_batches);
    done_.assign(cells, std::numeric_limits<std::int64_t>::max());
  }

  void run() {
    std::size_t left = ranks_.size() * 3 * 2 * count(shape_.micro_batches);
    for (std::int64_t slot = 0; left > 0; ++slot) {
      std::size_t ran = 0;
      for (std::size_t r = 0; r < ranks_.size(); ++r) ran += run_slot(r, slot) ? 1 : 0;
      CHECK(ran > 0, "no rank can run", slot, shape_.ranks, shape_.micro_batches);
      left -= ran;
    }
  }

  std::vector<Step> take(std::int64_t rank) { return std::move(ranks_[count(rank)].steps); }

 private:
  static std::size_t count(std::int64_t n) { return static_cast<std::size_t>(n); }

  std::int64_t stage_of(std::size_t rank, std::size_t chunk) const {
    const auto r = static_cast<std::int64_t>(rank);
    return chunk == 0 ? r : 2 * shape_.ranks - 1 - r;
  }

  std::int64_t& done(StepKind kind, std::int64_t stage, std::int64_t micro_batch) {
    const std::int64_t row = 2 * stage + (kind == StepKind::forward ? 0 : 1);
    return done_[count(row * shape_.micro_batches + micro_batch)];
  }

  bool is_ready(std::size_t rank, const Pass& pass, std::int64_t micro_batch, std::int64_t slot) {
    const std::int64_t stage = stage_of(rank, pass.chunk);
    if (pass.kind == StepKind::forward) {
      return stage == 0 || done(StepKind::forward, stage - 1, micro_batch) <= slot;
    }
    if (done(StepKind::forward, stage, micro_batch) > slot) return false;
    return stage == 2 * shape_.ranks - 1 ||
           done(StepKind::backward_input, stage + 1, micro_batch) <= slot;
  }

  /// The pass that the block runs earliest among those that can run; none: passes.size().
  std::size_t choose(std::size_t rank, std::int64_t slot) {
    const RankState& state = ranks_[rank];
    std::size_t best = passes.size();
    std::int64_t earliest = std::numeric_limits<std::int64_t>::max();
    for (std::size_t i = 0; i < passes.size(); ++i) {
      const std::int64_t micro_batch = state.next[i];
      if (micro_batch == shape_.micro_batches) continue;
      if (!is_ready(rank, passes[i], micro_batch, slot)) continue;
      const bool holds = passes[i].kind == StepKind::forward;
      if (holds && !state.limit.allows(state.held, passes[i].chunk)) continue;
      const std::int64_t turn = state.block[i] + block_length * micro_batch;
      if (turn >= earliest) continue;
      earliest = turn;
      best = i;
    }
    return best;
  }

  bool run_slot(std::size_t rank, std::int64_t slot) {
    RankState& state = ranks_[rank];
    const std::size_t chosen = choose(rank, slot);
    if (chosen < passes.size()) {
      const Pass& pass = passes[chosen];
      const std::int64_t micro_batch = state.next[chosen]++;
      done(pass.kind, stage_of(rank, pass.chunk), micro_batch) = slot + 1;
      add(state, pass.kind, pass.chunk, micro_batch);
      if (pass.kind == StepKind::forward) {
        ++state.held.of_chunk[pass.chunk];
      } else {
        state.pending.emplace_back(pass.chunk, micro_batch);
      }
      return true;
    }
    if (state.pending.empty()) return false;
    const auto [chunk, micro_batch] = state.pending.front();
    state.pending.pop_front();
    --state.held.of_chunk[chunk];
    add(state, StepKind::backward_weight, chunk, micro_batch);
    return true;
  }

  static void add(RankState& state, StepKind kind, std::size_t chunk, std::int64_t micro_batch) {
    state.steps.push_back(
        {kind, static_cast<std::uint16_t>(micro_batch), static_cast<std::uint16_t>(chunk)});
  }

  PipelineShape shape_;
  std::vector<RankState> ranks_;
  std::vector<std::int64_t> done_;  ///< by stage, forward or input gradient, micro-batch: its end
};

}  // namespace

std::vector<Step> repeat_block(const PipelineShape& shape, std::int64_t rank,
                               Block (*block)(std::int64_t ranks, std::int64_t rank)) {
  CHECK(rank >= 0 && rank < shape.ranks, rank);
  Repetition repetition(shape, block);
  repetition.run();
  return repetition.take(rank);
}

}  // namespace orrery
