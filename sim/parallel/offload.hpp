// What is kept in the memory of the host instead of the GPU's: which layers' activations, and how
// many bytes a rank has there. Knows neither time nor links; lowering makes transfers of it
// (lower/host_transfers.hpp), the estimate of memory counts bytes, and both find the same.
//
// *Optimizer*: its state, and the copy of the parameters that it updates, lie on the host and the
// host does the step: gradients come down, parameters go up (Ren et al. 2021, ZeRO-Offload;
// Megatron-Core, HybridDeviceOptimizer). *Activations* of a chunk's first layers leave when their
// forward is over and come back before their backward (Transformer Engine, cpu_offload; Megatron's
// --cpu-offloading-num-layers, which leaves at least one layer where it is). While a layer leaves
// the next one computes; then the GPU waits for it and uses its room again, so that no more than
// two whole layers of a pass are on the GPU. In backward a layer comes back while the one behind
// it computes.
#pragma once

#include "parallel/plan.hpp"

#include <cstddef>
#include <optional>

namespace orrery {

/// Whether the activations of a layer of the chunk (by its index there) are offloaded.
bool offloads_activations(const Plan& plan, const ChunkPlan& chunk, std::size_t layer);

/// The offloaded layer whose backward comes next before that of `layer`, if there is one.
std::optional<std::size_t> offloaded_before(const Plan& plan, const ChunkPlan& chunk,
                                            std::size_t layer);

/// Bytes that a rank of the stage keeps on its host, at the most.
Bytes host_memory(const Plan& plan, std::int64_t stage);

}  // namespace orrery
