// Every upper bound on what a scenario may ask for, with its reason. A scenario beyond one of them
// is refused before work starts, naming the bound; nothing is truncated.
#pragma once

#include <cstdint>

namespace orrery::limits {

/// Ranks of one job. Four times the largest cluster announced; a run then needs 2 GB.
inline constexpr std::int64_t ranks = 1'048'576;
/// Transformer layers of a model. Ten times the deepest model known.
inline constexpr std::int64_t layers = 4'096;
/// Width of anything in a model: hidden, inner, vocabulary; keeps products of two inside 63 bits.
inline constexpr std::int64_t width = 1 << 24;
/// Routed experts of a layer.
inline constexpr std::int64_t experts = 65'536;
/// Numbers drawn for a routing: one for each layer, expert and pick. A few seconds.
inline constexpr std::int64_t routing_draws = 1 << 25;
/// Tokens of one sequence.
inline constexpr std::int64_t sequence_length = 1 << 27;
/// Sequences of one optimizer step.
inline constexpr std::int64_t global_batch = 1 << 27;
/// Micro-batches of one step on one rank: each is stamped out as tasks.
inline constexpr std::int64_t micro_batches = 65'535;
/// Tasks of a program, each class counted once: 16 bytes each, so 1.6 GB.
inline constexpr std::int64_t tasks = 100'000'000;
/// Bytes of memory that a run may be expected to need: what a machine has that somebody works on.
inline constexpr std::int64_t memory = std::int64_t{16} << 30;
/// Seconds of one step at peak rate. A hundredth of what the clock of picoseconds holds.
inline constexpr double step_seconds = 1e5;
/// Files that may include one another before it is called a cycle.
inline constexpr std::int64_t include_depth = 16;
/// Bytes of one input file; a scenario is text that somebody wrote.
inline constexpr std::int64_t input_bytes = 64 << 20;
/// Links of a cluster graph.
inline constexpr std::int64_t links = 64'000'000;

}  // namespace orrery::limits
