// The collectives whose simulated times SimGrid 3.32 was asked for (model CM02, no cross-traffic,
// no TCP window), as Programs. N hosts in nodes of 8: pairs inside a node cross both hosts' links
// of 400e9 B/s and 0.5 us, pairs across nodes both hosts' of 50e9 B/s and 1 us; up and down are
// separate.
#pragma once

#include "base/quantity.hpp"
#include "program/program.hpp"

#include <cstddef>

namespace orrery::peers {

enum class Lowering { explicit_transfers, bundles };

struct Workload {
  std::size_t hosts = 8;
  Bytes size = Bytes(64 << 20);
  Lowering lowering = Lowering::explicit_transfers;
};

/// Every ordered pair one transfer of size / N, all at once.
Program all_to_all(const Workload& workload);
/// 2(N - 1) steps; in each, every rank sends size / N to its neighbour.
Program ring_all_reduce(const Workload& workload);

/// Runs it with fair sharing and without output; in microseconds.
double simulated_us(const Program& program);

}  // namespace orrery::peers
