// One pipeline stage as a script: its schedule's steps, each a pass through a chunk of layers
// (pass.hpp), with what it receives, sends, reduces over its replicas and holds in memory.
//
// Lanes: compute (kernels and memory), tensor, context, expert, data (gradients and parameters over
// replicas), one for each neighbour and direction, and two for each kind of ring. Which exchanges
// wait for what follows the scenario's `overlap`:
//   pipeline    a step's input is received while the step before it runs, sends hold nothing up;
//               without it both happen between steps, but for schedules whose neighbours do not run
//               in step: their sends hold nothing up either way
//   gradients   a bucket of gradients is reduced when the last micro-batch has left its layers;
//               without it one reduction follows the last backward
//   parameters  with ZeRO, updated parameters are gathered bucket by bucket ahead of the forward
//               that needs them; without it all at once after the optimizer
//   tensor      with sequence parallelism, a product runs in tp pieces beside the gather of its
//               input or the scatter of its result, piece by piece around a ring; without it one
//               waits for the other. Either way the input gradient is summed and the input gathered
//               again beside the other product of backward
// Attention over a context ring always runs beside it: that is what the ring is for.
//   experts     in training, a forward and another micro-batch's backward run together where the
//               schedule has such pairs, each computing while the exchanges of the other travel;
//               without it, and in all other passes, exchanges with experts hold up what comes
//               after
#pragma once

#include "lower/kernels.hpp"
#include "lower/operations.hpp"
#include "lower/script_places.hpp"
#include "program/builder.hpp"

namespace orrery {

/// The script of the ranks at `place`. Operations it joins are entered into `operations`.
Script lower_stage(const Plan& plan, const ScriptPlace& place, ProgramBuilder& program,
                   OperationTables& operations, const KernelLowering& kernels);

}  // namespace orrery
