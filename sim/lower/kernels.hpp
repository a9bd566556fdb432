// Which kernels an op runs, forward and backward, and how long each takes alone.
//
// A product runs as one forward GEMM; backward is two with their own shapes: the gradient of its
// input (m·k·n) and of its weight (k·n·m, accumulated into the gradient type). Grouped products
// likewise, over the experts of the rank. Attention backward is one kernel. Memory-bound ops move
// bytes.
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

class KernelLowering {
 public:
  KernelLowering(const Plan& plan, const KernelTimes& times) : plan_(plan), times_(times) {}

  OpKernels kernels(const ShardedOp& op) const;
  /// The optimizer step over so many parameters of this rank.
  Kind optimizer(double parameters) const;

 private:
  OpKernels product(const ShardedOp& op) const;
  OpKernels grouped_product(const ShardedOp& op) const;
  OpKernels attention(const ShardedOp& op) const;
  OpKernels memory_bound(const ShardedOp& op) const;
  Kind kind(std::string name, const Kernel& kernel, double flops) const;

  const Plan& plan_;
  const KernelTimes& times_;
};

}  // namespace orrery
