// A kernel as a user states it: `kernel --op gemm ...` and the `kernel.*` columns of measured
// tables.
#pragma once

#include "base/settings.hpp"
#include "hardware/kernel_times.hpp"

#include <span>
#include <string>

namespace orrery {

/// What `op` may be.
std::span<const std::string> kernel_ops();

/// Reads `op` and the keys that it needs: m, n, k; groups; batch, heads, kv_heads, head_dim,
/// v_head_dim, sequence_length, context_length, window, causal; bytes; and type, output_type.
Kernel read_kernel(const Settings& settings);

/// "gemm 4096 x 4096 x 4096 bf16".
std::string to_string(const Kernel& kernel);

}  // namespace orrery
