// How products of 8 and 4 bits are fed: the recipe by which tensors get their scaling factors,
// which copies of them are made, and what the stack keeps.
//
// A linear layer multiplies three times: input · weight forward, gradient · weight for the input's
// gradient, gradient · input for the weight's. Each of the three tensors meets one product along
// its rows and another along its columns; so each is wanted both ways round, as two copies wherever
// a recipe scales along one direction, or the tensor cores read 8-bit operands along k alone
// (Transformer Engine, low precision training, handling transposes):
//
//   delayed    fp8        one scale per tensor, from the largest values of steps before
//   tensorwise fp8        one scale per tensor, found by reading it once more ("current scaling")
//   blockwise  fp8_block  a scale per 1 x 128 of activations, per 128 x 128 of weights
//   mxfp8      mxfp8      a scale per 32 along either direction
//   nvfp4      nvfp4      a scale per 16 and one per tensor, found by reading it once more;
//                         gradients are rounded stochastically, what weight gradients sum over is
//                         mixed by a random Hadamard transform first: inside the casting kernels
//
// Names and defaults are those of Megatron-LM (--fp8-recipe, --fp8-param-gather,
// --first-last-layers-bf16). The router, the head, the attention core and whatever a scenario
// leaves in bf16 are never cast.
#pragma once

#include "base/settings.hpp"
#include "hardware/number_type.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace orrery {

enum class Fp8Recipe : std::uint8_t { none, delayed, tensorwise, blockwise, mxfp8, nvfp4 };

std::string_view to_string(Fp8Recipe recipe);

struct LowPrecision {
  Fp8Recipe recipe = Fp8Recipe::none;
  /// Parameters are kept in the recipe's type between steps instead of beside it.
  bool param_gather = false;
  /// The GPU needs 8-bit operands transposed in memory (Gpu::transposes_fp8).
  bool transposes = false;
  std::int64_t bf16_layers_at_start = 0;
  std::int64_t bf16_layers_at_end = 0;

  bool casts() const { return recipe != Fp8Recipe::none; }
  /// One scale per tensor, so that either way round has the same numbers.
  bool per_tensor() const {
    return recipe == Fp8Recipe::delayed || recipe == Fp8Recipe::tensorwise;
  }
  /// The scale is only known once the tensor was read.
  bool reads_twice() const { return recipe == Fp8Recipe::tensorwise || recipe == Fp8Recipe::nvfp4; }
  /// A kernel that makes a tensor can cast it too.
  bool casts_in_passing() const {
    return recipe == Fp8Recipe::delayed || recipe == Fp8Recipe::mxfp8;
  }
  /// Copies of a tensor that is wanted both ways round.
  double copies() const { return per_tensor() && !transposes ? 1.0 : 2.0; }
  /// Sharded parameters can travel in the recipe's type: either way round follows from the other.
  bool gathers_narrow() const {
    return param_gather && (per_tensor() || recipe == Fp8Recipe::blockwise);
  }
  /// Layers that predict ahead count among the last.
  bool in_bf16(std::int64_t layer, std::int64_t layers) const {
    const bool last = bf16_layers_at_end > 0 && layer >= layers - bf16_layers_at_end;
    return layer < bf16_layers_at_start || last;
  }
};

/// Reads fp8_recipe, fp8_param_gather, first_last_layers_bf16, num_layers_at_start_in_bf16 and
/// num_layers_at_end_in_bf16 of `[workload]`. A recipe of another type makes `precision` that type.
LowPrecision read_low_precision(const Settings& workload, const std::string& usual_recipe,
                                NumberType& precision);

/// Bytes per parameter of the copies in the recipe's type that a stack keeps from the first
/// micro-batch of a step to the next.
double cached_bytes(const LowPrecision& low, NumberType precision);

}  // namespace orrery
