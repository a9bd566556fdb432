// The books of a run: what must balance when it is over. A violated identity is an internal fault.
#pragma once

#include "engine/engine.hpp"
#include "engine/rendezvous.hpp"
#include "engine/shared_gpus.hpp"

#include <vector>

namespace orrery {

/// Bytes that the executed operations put on one link of each resource class; then, of each class
/// of ranks, what they and the kernels beside them put on its GPU's SMs and memory.
IdVector<ResourceId, double> bytes_by_plan(const Program& program, const Rendezvous& operations,
                                           const SharedGpus& gpus);

/// CHECKs that the network carried those bytes, to 1e-9 of them.
void check_bytes(const Program& program, const IdVector<ResourceId, double>& expected,
                 const std::vector<double>& crossed);

/// CHECKs that no link carries more than its capacity at once, to 1e-9 of it.
void check_rate(const Resource& link, double bytes_per_second);

/// CHECKs that no link carried more than its capacity from the beginning to `end`.
void check_capacities(const Program& program, const std::vector<double>& crossed, Instant end);

/// CHECKs that a phase took as long as each of its transfers takes by itself.
void check_phase(const TransferPlan& plan, const Phase& phase, Duration took);

/// CHECKs that every task ran once and every ledger is back at what was resident; names who waits
/// for what when a run has come to a halt before its end.
void check_finished(const Program& program, const IdVector<ClassId, ClassCursor>& classes,
                    const Rendezvous& operations);

}  // namespace orrery
