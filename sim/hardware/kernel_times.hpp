// How long a kernel takes on a GPU that has nothing else to do.
//
// A kernel is a demand: arithmetic on the SMs, bytes through HBM, a launch. Alone it takes
// launch + max(SM time, HBM bytes / bandwidth). Which constants turn shapes into SM time is what
// the models of kernel_times/ differ in; all constants come from the GPU's file with their source.
#pragma once

#include "base/quantity.hpp"
#include "base/time.hpp"
#include "hardware/gpu.hpp"
#include "hardware/number_type.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <variant>

namespace orrery {

/// groups × (m·n·k) with operands of one type. What the gradient of a weight accumulates into is
/// often wider.
struct GemmKernel {
  std::int64_t m = 1;
  std::int64_t n = 1;
  std::int64_t k = 1;
  NumberType type = NumberType::bf16;
  NumberType output_type = NumberType::bf16;
  enum class Accumulate : std::uint8_t {
    no,
    yes
  } accumulate = Accumulate::no;  ///< reads the output too
  /// Partial sums of fp8 products stay in the tensor cores' own few bits, or are promoted to fp32
  /// on the way (cuBLAS without FAST_ACCUM, "split accumulator").
  enum class Sums : std::uint8_t { fast, promoted } sums = Sums::fast;
};

/// `groups` products of the same n and k, with m rows each on average (experts): in one launch, or
/// as a loop of products.
struct GroupedGemmKernel {
  std::int64_t groups = 1;
  double rows_per_group = 1.0;  ///< mean m
  std::int64_t n = 1;
  std::int64_t k = 1;
  NumberType type = NumberType::bf16;
  NumberType output_type = NumberType::bf16;
  GemmKernel::Accumulate accumulate = GemmKernel::Accumulate::no;
  GemmKernel::Sums sums = GemmKernel::Sums::fast;
  /// Where each group is a product of its own, launched one after another: how far apart at least.
  std::optional<Seconds> apart{};
  /// Of experts that are unevenly full: the rows of each, `groups` of them, whose mean is m or, in
  /// weight gradients, k.
  std::vector<double> rows{};
  enum class RowsAre : std::uint8_t { m, k } rows_are = RowsAre::m;
};

struct AttentionKernel {
  enum class Phase : std::uint8_t { forward, backward, decode };
  /// flash: the fastest the GPU has; unfused: two batched products around a softmax kernel (scaling
  /// and mask inside it, dropout not); flash_triton: the first FlashAttention, in Triton.
  enum class Form : std::uint8_t { flash, unfused, flash2, flash_triton };
  std::int64_t batch = 1;
  std::int64_t heads = 1;
  std::int64_t kv_heads = 1;
  std::int64_t query_length = 1;
  std::int64_t key_length = 1;
  std::int64_t qk_dim = 128;
  std::int64_t v_dim = 128;
  std::int64_t window = 0;  ///< 0: none
  bool causal = true;
  /// shared: values are a slice of the keys (absorbed latent attention), one cache for both.
  enum class Cache : std::uint8_t { separate, shared } cache = Cache::separate;
  Phase phase = Phase::forward;
  Form form = Form::flash;
  NumberType type = NumberType::bf16;
};

/// Bound by the bytes it reads and writes: norms, activations, permutations, the optimizer.
struct MemoryKernel {
  Bytes bytes;
  /// stream: element-wise; reduce: along rows (norms, softmax); gather: rows in another order
  /// (permutation, embedding); loss: cross-entropy over logits. Quantisation: absmax finds a
  /// tensor's largest value; cast_* write 8 or 4 bits with scaling factors known before, of blocks
  /// of 128, of 32 and of 16; transpose turns 8-bit numbers round, casting them or not.
  enum class Access : std::uint8_t {
    stream,
    reduce,
    gather,
    loss,
    absmax,
    cast,
    cast_block,
    cast_mxfp8,
    cast_nvfp4,
    transpose
  } access = Access::stream;
};

using Kernel = std::variant<GemmKernel, GroupedGemmKernel, AttentionKernel, MemoryKernel>;

/// The arithmetic that the kernel executes (a causal mask halves it; see count in workload for the
/// model's).
Flops executed_flops(const Kernel& kernel);
/// What crosses HBM when each operand is read and the result written once.
Bytes compulsory_bytes(const Kernel& kernel);

struct KernelTime {
  Seconds total;
  Seconds sm;      ///< enough for its arithmetic with all SMs
  Seconds memory;  ///< enough for its bytes with all the bandwidth
  bool extrapolated =
      false;      ///< the shape or the GPU lies outside what the constants were fitted on
  Spread spread;  ///< of measured around modelled times, for this kind of kernel
};

class KernelTimes {
 public:
  virtual ~KernelTimes() = default;
  virtual KernelTime time(const Kernel& kernel) const = 0;
};

/// A way to price kernels. One per file of kernel_times/.
struct KernelTimesModel {
  std::string_view name;
  std::string_view description;
  std::unique_ptr<KernelTimes> (*make)(const Gpu& gpu);
};
std::span<const KernelTimesModel* const> registered_kernel_times_models();

}  // namespace orrery
