#include "lower/kernels.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

std::int64_t whole(double size) { return std::max<std::int64_t>(1, std::llround(size)); }

double sum_of(const std::vector<Extent>& extents) {
  double sum = 0.0;
  for (const Extent& extent : extents) sum += extent.size;
  return sum;
}

NumberType gradient_type(const Job& job) { return job.gradient_type; }

NumberType activation_type(const Job& job) {
  if (job.precision == NumberType::fp32 || job.precision == NumberType::tf32) {
    return NumberType::fp32;
  }
  return job.precision == NumberType::fp16 ? NumberType::fp16 : NumberType::bf16;
}

float share_of(Seconds part, Seconds total) {
  return total.value() > 0.0 ? static_cast<float>(std::min(1.0, part / total)) : 0.0F;
}

}  // namespace

Kind KernelLowering::kind(std::string name, const Kernel& kernel, double flops) const {
  const KernelTime time = times_.time(kernel);
  const Compute compute{.duration = quantize(time.total),
                        .sm = share_of(time.sm, time.total),
                        .memory = share_of(time.memory, time.total)};
  return {.name = std::move(name),
          .component = Component::compute,
          .action = compute,
          .flops = flops,
          .recomputed = false};
}

OpKernels KernelLowering::product(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const NumberType type = plan_.job.precision;
  const NumberType out = activation_type(plan_.job);
  const std::int64_t m = whole(sharded.fullest_tokens);
  const std::int64_t n = whole(op.n.size + op.n_more.size);
  const std::int64_t k = whole(op.k.size);
  const bool accumulates = plan_.software.fuses("gradient_accumulation");
  using enum GemmKernel::Accumulate;
  const GemmKernel forward{.m = m, .n = n, .k = k, .type = type, .output_type = out};
  const GemmKernel input{.m = m, .n = k, .k = n, .type = type, .output_type = out};
  const GemmKernel weight{.m = k,
                          .n = n,
                          .k = m,
                          .type = type,
                          .output_type = gradient_type(plan_.job),
                          .accumulate = accumulates ? yes : no};
  const double flops = sharded.model_flops;
  return {{kind(op.name + ".forward", forward, flops)},
          {kind(op.name + ".input_gradient", input, flops)},
          {kind(op.name + ".weight_gradient", weight, flops)}};
}

OpKernels KernelLowering::grouped_product(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const std::int64_t groups = whole(op.experts.size);
  const double rows = sharded.fullest_tokens / static_cast<double>(groups);
  const NumberType type = plan_.job.precision;
  const NumberType out = activation_type(plan_.job);
  GroupedGemmKernel forward{.groups = groups,
                            .rows_per_group = rows,
                            .n = whole(op.n.size + op.n_more.size),
                            .k = whole(op.k.size),
                            .type = type,
                            .output_type = out};
  GroupedGemmKernel input = forward;
  std::swap(input.n, input.k);
  // Per expert k × n outputs, summed over its rows: rows and k change places.
  GroupedGemmKernel weight = forward;
  weight.rows_per_group = static_cast<double>(forward.k);
  weight.k = whole(rows);
  weight.output_type = gradient_type(plan_.job);
  weight.accumulate = GemmKernel::Accumulate::yes;
  const double flops = sharded.model_flops;
  return {{kind(op.name + ".forward", forward, flops)},
          {kind(op.name + ".input_gradient", input, flops)},
          {kind(op.name + ".weight_gradient", weight, flops)}};
}

OpKernels KernelLowering::attention(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const Job& job = plan_.job;
  const bool decodes = job.kind == JobKind::decode;
  const std::int64_t keys = decodes ? job.context_length + 1 : job.sequence_length;
  AttentionKernel forward{
      .batch = job.micro_batch,
      .heads = whole(op.heads.size),
      .kv_heads = whole(op.kv_heads.size),
      .query_length =
          decodes ? 1 : whole(static_cast<double>(keys) / static_cast<double>(plan_.strategy.cp)),
      .key_length = keys,
      .qk_dim = op.qk_dim,
      .v_dim = op.v_dim,
      .window = op.window,
      .causal = true,
      .phase = decodes ? AttentionKernel::Phase::decode : AttentionKernel::Phase::forward,
      .form = plan_.software.attention == AttentionForm::flash ? AttentionKernel::Form::flash
                                                               : AttentionKernel::Form::unfused,
      .type = activation_type(job)};
  AttentionKernel backward = forward;
  backward.phase = AttentionKernel::Phase::backward;
  return {{kind(op.name + ".forward", forward, sharded.model_flops)},
          {kind(op.name + ".backward", backward, 2.0 * sharded.model_flops)},
          {}};
}

OpKernels KernelLowering::memory_bound(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const double width = activation_element_bytes(plan_.job);
  const auto bytes = [&](const std::vector<Extent>& elements) {
    return MemoryKernel{Bytes(std::llround(sum_of(elements) * width * sharded.fullest_tokens))};
  };
  OpKernels out;
  if (!op.forward_elements.empty()) {
    out.forward.push_back(kind(op.name + ".forward", bytes(op.forward_elements), 0.0));
  }
  if (!op.backward_elements.empty()) {
    out.input_gradient.push_back(kind(op.name + ".backward", bytes(op.backward_elements), 0.0));
  }
  return out;
}

OpKernels KernelLowering::kernels(const ShardedOp& op) const {
  switch (op.op.kind) {
    case OpKind::product:
      return product(op);
    case OpKind::grouped_product:
      return grouped_product(op);
    case OpKind::attention:
      return attention(op);
    case OpKind::memory_bound:
      return memory_bound(op);
  }
  return {};
}

Kind KernelLowering::optimizer(double parameters) const {
  const Job& job = plan_.job;
  const double state = bytes_per_element(job.optimizer_state_type);
  const double moments = job.optimizer == Optimizer::adam ? 2.0 : 1.0;
  const double master = job.master_weights ? 2.0 * bytes_per_element(NumberType::fp32) : 0.0;
  // The gradient is read for its norm and again for the step; states and master copy are read and
  // written.
  const double per_parameter = 2.0 * bytes_per_element(job.gradient_type) + 2.0 * moments * state +
                               master + bytes_per_element(job.parameter_type);
  Kind step = kind("optimizer", MemoryKernel{Bytes(std::llround(per_parameter * parameters))}, 0.0);
  step.component = Component::optimizer;
  return step;
}

}  // namespace orrery
