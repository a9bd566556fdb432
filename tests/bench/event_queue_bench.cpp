// The hold model: pop the earliest event, push it again at now + a random delay; the size stays the
// same.
#include "base/event_queue.hpp"

#include "base/check.hpp"
#include "base/random.hpp"

#include <benchmark/benchmark.h>

namespace orrery {
namespace {

/// Uniform delays, cheap enough not to show beside the queue.
class Delays {
 public:
  Duration next() {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return Duration{static_cast<std::int64_t>(state_ >> 40)};
  }

 private:
  std::uint64_t state_ = 1;
};

void hold(benchmark::State& state) {
  EventQueue<std::uint64_t> queue;
  Delays delays;
  std::uint64_t sequence = 0;
  Instant now = simulation_start;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    queue.push({.at = now + delays.next(), .sequence = sequence++});
  }
  const auto step = [&] {
    auto event = queue.pop();
    CHECK(event.at >= now);
    now = event.at;
    event.at = now + delays.next();
    event.sequence = sequence++;
    queue.push(event);
  };
  for (std::int64_t i = 0; i < 2 * state.range(0); ++i) step();
  for (auto _ : state) step();
  CHECK(queue.size() == static_cast<std::size_t>(state.range(0)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(hold)->Arg(64)->Arg(1'000)->Arg(10'000)->Arg(100'000)->Arg(1'000'000);

}  // namespace
}  // namespace orrery
