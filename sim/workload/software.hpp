// A training or serving stack as its profile states it: what it fuses, overlaps, launches and keeps
// in memory. No efficiency numbers: those belong to GPUs. Read from models/software/*.toml.
#pragma once

#include "base/quantity.hpp"
#include "base/settings.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// flash2: the kernels before those of the newest GPUs; flash: the fastest the GPU has;
/// flash_triton: the first FlashAttention as written in Triton.
enum class AttentionForm : std::uint8_t { flash, unfused, flash2, flash_triton };

/// Which types a stack keeps and moves what in: names of number types, "compute" for the scenario's
/// precision (bf16 for fp8 and narrower), or "none".
struct SoftwareTypes {
  std::string parameter = "compute";
  std::string gather = "compute";  ///< sharded parameters on the wire
  std::string master = "fp32";
  std::string gradient = "fp32";
  std::string gradient_fp16 = "fp32";  ///< the gradient type when the precision is fp16
  std::string gradient_wire = "fp32";  ///< in which gradients are reduced
  std::string optimizer_state = "fp32";
  std::string fp8_recipe =
      "delayed";  ///< of fp8 when the scenario does not say (low_precision.hpp)
  /// Weights are cast with the first micro-batch of a step and kept, not before every product.
  bool fp8_weights_cached = true;
  std::string dispatch = "compute";  ///< tokens to experts, where products are as narrow
};

struct Software {
  std::string name = "megatron-core";
  AttentionForm attention = AttentionForm::flash;
  /// Names of fusions: norm, residual_norm, bias_activation, bias_dropout_add, masked_softmax,
  /// rope, cross_entropy, gradient_accumulation, permutation, router, quantization,
  /// norm_quantization, optimizer.
  std::vector<std::string> fused;
  bool dropout = false;  ///< of scores and of what is added to the residual stream, in training
  SoftwareTypes types;
  /// Linear layers that are products of their own and not one: "qkv", "gate_up", "experts".
  std::vector<std::string> separate;
  std::vector<std::string> overlaps;  ///< what it overlaps when the scenario does not say
  /// What selective recomputation runs again when the scenario does not say.
  std::vector<std::string> selective{"attention_core"};
  Seconds launch{13e-6};  ///< host time from one operation of the framework to the next
  Seconds loop{8.7e-6};   ///< and between kernels that a loop of its library launches
  std::string gradient_type = "fp32";  ///< main gradients, accumulated over micro-batches
  std::string parameter_gather_type = "bf16";
  Bytes gradient_bucket{0};                     ///< 0: one bucket for everything
  std::int64_t bucket_parameters = 0;           ///< gradient_bucket in parameters: at least so many
  std::int64_t bucket_parameters_per_rank = 0;  ///< and so many for each data-parallel rank
  bool bucket_by_layer = false;  ///< sharded parameters and gradients travel layer by layer (FSDP)
  /// Of "parameters" and "gradients" those that are copied out of or into what travels (FSDP).
  std::vector<std::string> bucket_copies;
  std::string cp_comm_type = "p2p";  ///< of context parallelism, when the scenario does not say
  std::string cuda_graph = "none";   ///< when the scenario does not say
  std::int64_t kv_block_tokens = 1;  ///< tokens of a block of the KV cache
  double usable_memory = 1.0;        ///< share of the GPU's memory that the engine takes
  Bytes overhead{0};                 ///< device memory of driver, framework and libraries
  Bytes communication_buffers{0};    ///< per communicator
  double logits_copies = 1.0;        ///< fp32 tensors of their size that the loss has at once
  double allocator_overhead = 0.0;   ///< share of dynamic memory lost to rounding and fragmentation
  /// A library with kernels of its own for products of 8 and 4 bits; empty: NVIDIA's.
  std::string kernels;
  std::string collectives = "nccl-2.26";  ///< library and version whose choices are made

  bool fuses(std::string_view name) const;
  bool copies(std::string_view what) const;
  bool separates(std::string_view what) const;
  bool overlaps_by_default(std::string_view name) const;
};

/// Reads a profile (the keys are those of models/software/README.md); findings go to the settings'
/// diagnostics.
Software read_software(const Settings& settings);

}  // namespace orrery
