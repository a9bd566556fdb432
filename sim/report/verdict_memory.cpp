#include "base/units_text.hpp"
#include "report/figures.hpp"
#include "report/levers.hpp"
#include "report/summary.hpp"
#include "report/verdict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace orrery {

namespace {

constexpr double nearly_full = 0.95;
/// Levers that a remedy names.
constexpr std::size_t named_levers = 3;

/// "optimizer 42.10 GB, activations 31.02 GB and parameters 8.000 GB": those of a tenth and more.
std::string largest_holders(const BytesByCategory& held) {
  std::vector<std::size_t> order(held.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return held[a] > held[b]; });
  std::vector<std::string> words;
  for (const std::size_t i : order) {
    if (held[i] * 10 < total_of(held)) break;
    const auto category = static_cast<MemoryCategory>(i);
    words.push_back(fmt::format("{} {}", to_string(category), format_bytes(held[i])));
  }
  return enumerate(words);
}

std::string place_of(const MemorySummary& memory, const Summary& summary) {
  std::string where = fmt::format("rank {}", static_cast<std::uint32_t>(memory.peak_rank));
  if (summary.stages.size() > 1) where += fmt::format(" (stage {})", memory.stage);
  return where;
}

std::string moment_of(const MemorySummary& memory) {
  if (memory.at.value() == 0.0) return "from the start";
  const std::string at = "at " + format_seconds(memory.at);
  return memory.during.empty() ? at : fmt::format("{}, before {}", at, memory.during);
}

/// "strategy.zero 0 → 1 frees about 30.1 GB (enough); …".
std::string remedy_of(const VerdictInput& input, Bytes wanted) {
  const std::vector<Lever> levers = memory_levers(input.scenario, input.plan);
  if (levers.empty()) return "more GPUs, GPUs with more memory, or a smaller model";
  std::string text;
  for (std::size_t i = 0; i < std::min(levers.size(), named_levers); ++i) {
    const bool enough = wanted > Bytes{} && levers[i].frees >= wanted;
    text += fmt::format("{}{} frees about {}{}", i == 0 ? "" : "; ", levers[i].change,
                        format_bytes(levers[i].frees), enough ? " (enough)" : "");
  }
  const bool alone = wanted <= Bytes{} || levers.front().frees >= wanted;
  return alone ? text : text + "; none is enough alone: `orrery check` ranks the plans that fit";
}

Verdict exceeded(const VerdictInput& input) {
  const MemorySummary& memory = input.summary.memory;
  const Bytes missing = memory.reserved - memory.capacity;
  return {"memory_exceeded", Weight::error,
          fmt::format("{} needs {} of {} ({}), {} too many, {}: {}",
                      place_of(memory, input.summary), format_bytes(memory.reserved),
                      format_bytes(memory.capacity), format_percent(memory.reserved_fraction()),
                      format_bytes(missing), moment_of(memory), largest_holders(memory.held)),
          remedy_of(input, missing)};
}

Verdict nearly(const VerdictInput& input) {
  const MemorySummary& memory = input.summary.memory;
  return {"memory_nearly_full", Weight::warning,
          fmt::format("{} fills {} of {} ({}), {}: fragmentation or one longer sequence can "
                      "exceed it",
                      place_of(memory, input.summary), format_bytes(memory.reserved),
                      format_bytes(memory.capacity), format_percent(memory.reserved_fraction()),
                      moment_of(memory)),
          remedy_of(input, Bytes{})};
}

/// What keeping everything would add to the fullest stage's activations.
Bytes rebuilt_in_flight(const Plan& plan) {
  Bytes most;
  const auto stages = static_cast<std::int64_t>(plan.stages.size());
  for (std::int64_t s = 0; s < stages; ++s) {
    Bytes sum;
    for (const ChunkPlan& chunk : plan.stages[static_cast<std::size_t>(s)].chunks) {
      for (const PlacedLayer& layer : chunk.layers) sum += plan.layers[layer.plan].rebuilt;
    }
    most = std::max(most, std::min(plan.micro_batches, stages - s) * sum);
  }
  return most;
}

/// Room to keep what is recomputed.
std::vector<Verdict> recomputation(const VerdictInput& input) {
  const Speed& speed = input.summary.speed;
  const double repeated = speed.hfu > 0.0 ? 1.0 - speed.mfu / speed.hfu : 0.0;
  const bool recomputes = input.scenario.strategy.recompute != Recompute::none;
  if (!recomputes || repeated < 0.02) return {};
  const Bytes needed = rebuilt_in_flight(input.plan);
  if (input.summary.memory.headroom() < needed) return {};
  return {
      {"recompute_unneeded", Weight::advice,
       fmt::format("{} of all FLOPs are recomputation, while {} of memory stay free",
                   format_percent(repeated), format_bytes(input.summary.memory.headroom())),
       fmt::format("strategy.recompute = \"none\" takes about {} and fits", format_bytes(needed))}};
}

}  // namespace

std::vector<Verdict> memory_verdicts(const VerdictInput& input) {
  const MemorySummary& memory = input.summary.memory;
  if (!memory.fits()) return {exceeded(input)};
  if (memory.reserved_fraction() >= nearly_full) return {nearly(input)};
  return recomputation(input);
}

}  // namespace orrery
