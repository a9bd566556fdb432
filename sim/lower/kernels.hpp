// Which kernels an op runs, forward and backward, and how long each takes alone.
//
// A product runs as one forward GEMM; backward is two with their own shapes: the gradient of its
// input (m·k·n) and of its weight (k·n·m, accumulated into the gradient type). Grouped products
// likewise, over the experts of the rank that any token drew; where the stack has a product for
// each, a loop launches them, and casts of their operands, one by one. Attention backward is one
// kernel; where a rank of a context group gathers keys and values, its two chunks of the sequence
// are two. Around a ring it is a kernel a step. The first step is causal, two chunks with
// themselves; of the others some see half of the keys with all queries, the rest all keys with half
// of the queries, which is the same arithmetic in longer rows. The last rank has only the former,
// and as the others wait for it, all are given them. Memory-bound ops move bytes.
//
// Products run in the scenario's precision unless the op is never narrow (router, head); what casts
// their operands are ops of their own (workload/quantization.hpp). Stacks that do not accumulate
// weight gradients in the product add them up in a kernel of its own; unfused attention drops out
// and, unless fused, scales and masks its scores in kernels of their own.
#pragma once

#include "hardware/kernel_evidence.hpp"
#include "hardware/kernel_times.hpp"
#include "parallel/plan.hpp"
#include "program/task.hpp"

#include <optional>
#include <vector>

namespace orrery {

/// Where a step of a pass ends among the kernels of the pass. Those up to `kernels` need what came
/// during the step before; the further ones up to `merges` what comes during this one.
struct StepEnd {
  std::size_t kernels = 0;
  std::size_t merges = 0;
};

/// Kernels of an op as task kinds, in the order they are launched.
struct OpKernels {
  std::vector<Kind> forward;
  std::vector<Kind> input_gradient;
  std::vector<Kind> weight_gradient;
  std::vector<StepEnd> forward_steps{};   ///< of an op that is done beside a ring, else none
  std::vector<StepEnd> backward_steps{};  ///< of the input gradient
};

/// A kernel of a layer's pass, and whether the host launches it or a graph that was captured does.
struct PassKernel {
  Kind* kind;
  bool from_host;
};

/// A host that launches a kernel every `launch` feeds the GPU only as fast: when the kernels of a
/// layer's pass are shorter than their launches together, the pass takes as long as the launches,
/// and those kernels that are shorter than one wait for it. In a longer pass the host runs ahead.
void launch_from_host(const std::vector<PassKernel>& pass, Duration launch);

class KernelLowering {
 public:
  /// Every kernel that is priced is noted in `evidence`, where there is one.
  KernelLowering(const Plan& plan, const KernelTimes& times, EvidenceBook* evidence = nullptr)
      : plan_(plan), times_(times), evidence_(evidence) {}

  OpKernels kernels(const ShardedOp& op) const;
  /// The optimizer step over the `updated` parameters of this rank, and the zeroing of the
  /// `gradients` it holds.
  Kind optimizer(double updated, double gradients) const;
  /// Of a step that the host does: what the GPU reads of gradients for their norm and zeroes of
  /// them, and the bytes that the host moves through its memory.
  Kind gradient_norm(double updated, double gradients) const;
  double host_update_bytes(double updated) const;
  /// A copy that reads and writes so many bytes in all.
  Kind copy(std::string name, double bytes) const;

 private:
  /// What a pass of a product goes beside, and the FLOPs it counts for.
  struct ProductPass {
    const Ring& ring;
    double flops;
  };

  OpKernels product(const ShardedOp& op) const;
  void add_product(const std::string& name, GemmKernel whole_product, const ProductPass& pass,
                   std::vector<Kind>& kernels, std::vector<StepEnd>& ends) const;
  OpKernels grouped_product(const ShardedOp& op) const;
  OpKernels attention(const ShardedOp& op) const;
  OpKernels ring_attention(const ShardedOp& op) const;
  AttentionKernel attention_kernel(const Op& op) const;
  OpKernels memory_bound(const ShardedOp& op) const;
  OpKernels weight_cast(const ShardedOp& op) const;
  void add_reordering(const ShardedOp& op, OpKernels& kernels) const;
  /// Kernels around unfused attention that read and write its scores.
  void add_score_kernels(const ShardedOp& op, OpKernels& kernels) const;
  std::vector<Kind> weight_gradient(const std::string& name, const Kernel& kernel, double weights,
                                    double flops) const;
  double update_bytes() const;
  double fused_update_bytes() const;
  Kind bytes_kind(std::string name, double bytes) const;
  NumberType type_of(const Op& op) const;
  /// How far apart at least a loop over the experts of a rank launches; none where it does not.
  std::optional<Seconds> expert_loop() const;
  /// Likewise products. Scales of blocks of 32 and 16 are laid out anew for each operand, in a
  /// kernel of its own (Transformer Engine, swizzle_scaling_factors).
  std::optional<Seconds> product_loop(NumberType type) const;
  /// What casts the tensors of one expert after another takes as long as their launches at least.
  void launch_by_expert(const Op& op, std::vector<Kind>& kinds) const;
  Kind kind(std::string name, const Kernel& kernel, double flops) const;

  const Plan& plan_;
  const KernelTimes& times_;
  EvidenceBook* evidence_;
};

}  // namespace orrery
