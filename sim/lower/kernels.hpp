// Which kernels an op runs, forward and backward, and how long each takes alone.
//
// A product runs as one forward GEMM; backward is two with their own shapes: the gradient of its
// input (m·k·n) and of its weight (k·n·m, accumulated into the gradient type). Grouped products
// likewise, over the experts of the rank that any token drew. Attention backward is one kernel;
// with context parallelism a rank's two shares of the sequence are two. Memory-bound ops move
// bytes.
//
// Products run in the scenario's precision unless the op is never narrow (router, head); what casts
// their operands are ops of their own (workload/quantization.hpp). Stacks
// that do not accumulate weight gradients in the product add them up in a kernel of its own;
// unfused attention drops out and, unless fused, scales and masks its scores in kernels of their
// own.
#pragma once

#include "hardware/kernel_times.hpp"
#include "parallel/plan.hpp"
#include "program/task.hpp"

#include <vector>

namespace orrery {

/// Kernels of an op as task kinds, in the order they are launched.
struct OpKernels {
  std::vector<Kind> forward;
  std::vector<Kind> input_gradient;
  std::vector<Kind> weight_gradient;
};

/// A host that launches a kernel every `launch` feeds the GPU only as fast: when the kernels of a
/// layer's pass are shorter than their launches together, the pass takes as long as the launches,
/// and those kernels that are shorter than one wait for it. In a longer pass the host runs ahead.
void launch_from_host(const std::vector<Kind*>& pass, Duration launch);

class KernelLowering {
 public:
  KernelLowering(const Plan& plan, const KernelTimes& times) : plan_(plan), times_(times) {}

  OpKernels kernels(const ShardedOp& op) const;
  /// The optimizer step over the `updated` parameters of this rank, and the zeroing of the
  /// `gradients` it holds.
  Kind optimizer(double updated, double gradients) const;
  /// A copy that reads and writes so many bytes in all.
  Kind copy(std::string name, double bytes) const;

 private:
  OpKernels product(const ShardedOp& op) const;
  OpKernels grouped_product(const ShardedOp& op) const;
  OpKernels attention(const ShardedOp& op) const;
  OpKernels memory_bound(const ShardedOp& op) const;
  OpKernels weight_cast(const ShardedOp& op) const;
  /// Kernels around unfused attention that read and write its scores.
  void add_score_kernels(const ShardedOp& op, OpKernels& kernels) const;
  std::vector<Kind> weight_gradient(const std::string& name, const Kernel& kernel, double weights,
                                    double flops) const;
  double update_bytes() const;
  Kind bytes_kind(std::string name, double bytes) const;
  NumberType type_of(const Op& op) const;
  Kind kind(std::string name, const Kernel& kernel, double flops) const;

  const Plan& plan_;
  const KernelTimes& times_;
};

}  // namespace orrery
