#include "lower/kernels.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// Gradients lose too much to the few bits that fast sums of fp8 have (Transformer Engine and
/// torchao: fast accumulation forward, split accumulators backward).
constexpr GemmKernel::Sums backward_sums = GemmKernel::Sums::promoted;

std::int64_t whole(double size) { return std::max<std::int64_t>(1, std::llround(size)); }

double sum_of(const std::vector<Extent>& extents) {
  double sum = 0.0;
  for (const Extent& extent : extents) sum += extent.size;
  return sum;
}

AttentionKernel::Form form_of(AttentionForm form) {
  switch (form) {
    case AttentionForm::flash:
      return AttentionKernel::Form::flash;
    case AttentionForm::flash2:
      return AttentionKernel::Form::flash2;
    case AttentionForm::flash_triton:
      return AttentionKernel::Form::flash_triton;
    case AttentionForm::unfused:
      return AttentionKernel::Form::unfused;
  }
  return AttentionKernel::Form::flash;
}

float share_of(Seconds part, Seconds total) {
  return total.value() > 0.0 ? static_cast<float>(std::min(1.0, part / total)) : 0.0F;
}

/// How many of the experts of a rank get any of its rows: where routing is even, all they can.
std::int64_t experts_met(const ShardedOp& op) {
  if (!op.expert_rows.empty()) return std::ssize(op.expert_rows);
  const double met = std::ceil(std::min(op.op.experts.size, op.rows) - 1e-9);
  return std::clamp<std::int64_t>(std::llround(met), 1, whole(op.op.experts.size));
}

/// Queries of a rank and the keys they see.
struct AttentionShare {
  std::int64_t queries;
  std::int64_t keys;
};

/// Without a ring. Where keys and values are gathered, a rank attends from two chunks, one from
/// either end of the sequence; those of the first rank stand for all.
std::vector<AttentionShare> shares_of(const Job& job, const Strategy& strategy) {
  if (job.kind == JobKind::decode) return {{1, job.context_length + 1}};
  const std::int64_t keys = job.sequence_length;
  const std::int64_t apart = strategy.cp / strategy.cp_heads();
  if (apart == 1) return {{keys, keys}};
  const std::int64_t chunk = std::max<std::int64_t>(1, keys / (2 * apart));
  return {{chunk, chunk}, {chunk, keys}};
}

}  // namespace

void launch_from_host(const std::vector<PassKernel>& pass, Duration launch) {
  Duration kernels{0};
  Duration launches{0};
  Duration waits{0};
  for (const auto& [kind, from_host] : pass) {
    const Duration alone = std::get<Compute>(kind->action).duration;
    kernels += alone;
    if (!from_host) continue;
    launches += launch;
    waits += std::max(Duration{0}, launch - alone);
  }
  if (launches <= kernels) return;
  // waits >= launches - kernels: a share of each gap makes up for the difference.
  const double share =
      static_cast<double>((launches - kernels).count()) / static_cast<double>(waits.count());
  for (const auto& [kind, from_host] : pass) {
    Compute& compute = std::get<Compute>(kind->action);
    if (!from_host || compute.duration >= launch) continue;
    const auto gap = static_cast<double>((launch - compute.duration).count());
    const Duration longer = compute.duration + Duration{std::llround(share * gap)};
    const auto slower = static_cast<float>(static_cast<double>(compute.duration.count()) /
                                           static_cast<double>(longer.count()));
    compute = {longer, compute.sm * slower, compute.memory * slower};
  }
}

NumberType KernelLowering::type_of(const Op& op) const {
  return op.narrow ? plan_.job.precision : activation_type(plan_.job);
}

Kind KernelLowering::kind(std::string name, const Kernel& kernel, double flops) const {
  const KernelTime time = times_.time(kernel);
  const Compute compute{.duration = quantize(time.total),
                        .sm = share_of(time.sm, time.total),
                        .memory = share_of(time.memory, time.total)};
  if (evidence_ != nullptr) {
    evidence_->note(name, flops, {sort_of(kernel), time.total, time.spread, time.extrapolated});
  }
  return {.name = std::move(name),
          .component = Component::compute,
          .action = compute,
          .flops = flops,
          .recomputed = false};
}

Kind KernelLowering::bytes_kind(std::string name, double bytes) const {
  return kind(std::move(name), MemoryKernel{Bytes(std::llround(bytes))}, 0.0);
}

/// The product, and where the stack does not fuse it the addition of its 16-bit result; nothing is
/// added where every micro-batch reduces gradients of its own.
std::vector<Kind> KernelLowering::weight_gradient(const std::string& name, const Kernel& kernel,
                                                  double weights, double flops) const {
  std::vector<Kind> kinds{kind(name + ".weight_gradient", kernel, flops)};
  const Strategy& s = plan_.strategy;
  const bool by_itself = s.zero >= 2 && !s.defers_reduction();
  if (by_itself || plan_.software.fuses("gradient_accumulation")) return kinds;
  const double bytes =
      activation_element_bytes(plan_.job) + 2.0 * bytes_per_element(plan_.job.gradient_type);
  kinds.push_back(bytes_kind(name + ".gradient_accumulation", bytes * weights));
  return kinds;
}

OpKernels KernelLowering::product(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const NumberType type = type_of(op);
  const NumberType result = activation_type(plan_.job);
  const std::int64_t m = whole(sharded.rows);
  const std::int64_t n = whole(op.n.size + op.n_more.size);
  const std::int64_t k = whole(op.k.size);
  const bool accumulates = plan_.software.fuses("gradient_accumulation");
  using enum GemmKernel::Accumulate;
  const GemmKernel forward{.m = m, .n = n, .k = k, .type = type, .output_type = result};
  const GemmKernel input{
      .m = m, .n = k, .k = n, .type = type, .output_type = result, .sums = backward_sums};
  const GemmKernel weight{.m = k,
                          .n = n,
                          .k = m,
                          .type = type,
                          .output_type = accumulates ? plan_.job.gradient_type : result,
                          .accumulate = accumulates ? yes : no,
                          .sums = backward_sums};
  const double flops = sharded.model_flops;
  OpKernels out;
  add_product(op.name + ".forward", forward, {sharded.exchanges.forward_ring, flops}, out.forward,
              out.forward_steps);
  add_product(op.name + ".input_gradient", input, {sharded.exchanges.backward_ring, flops},
              out.input_gradient, out.backward_steps);
  out.weight_gradient = weight_gradient(op.name, weight, static_cast<double>(n * k), flops);
  return out;
}

/// A product as one kernel, or beside a ring as one of a part of the rows in each step. Partial
/// results that came are added up at the end: all are read, their sum is written.
void KernelLowering::add_product(const std::string& name, GemmKernel whole_product,
                                 const ProductPass& pass, std::vector<Kind>& kernels,
                                 std::vector<StepEnd>& ends) const {
  const std::size_t steps = std::max<std::size_t>(1, pass.ring.sent.size());
  GemmKernel& part = whole_product;
  part.m = std::max<std::int64_t>(1, part.m / static_cast<std::int64_t>(steps));
  const Kind once = kind(name, part, pass.flops / static_cast<double>(steps));
  for (std::size_t i = 0; i < steps; ++i) {
    kernels.push_back(once);
    ends.push_back({kernels.size(), kernels.size()});
  }
  if (pass.ring.arrivals == Ring::Arrivals::worked_on) return;
  const double partial = static_cast<double>(part.m * part.n) * bytes_per_element(part.output_type);
  kernels.push_back(bytes_kind(name + "_sum", static_cast<double>(steps + 1) * partial));
  ++ends.back().merges;
}

std::optional<Seconds> KernelLowering::expert_loop() const {
  if (!plan_.software.separates("experts")) return std::nullopt;
  return plan_.strategy.cuda_graph == "full" ? Seconds(0.0) : plan_.software.loop;
}

std::optional<Seconds> KernelLowering::product_loop(NumberType type) const {
  const bool blocks = type == NumberType::mxfp8 || type == NumberType::nvfp4;
  const std::optional<Seconds> loop = expert_loop();
  return loop && blocks ? 3.0 * *loop : loop;
}

void KernelLowering::launch_by_expert(const Op& op, std::vector<Kind>& kinds) const {
  const bool casts = op.access >= MemoryKernel::Access::absmax;
  const std::optional<Seconds> loop = expert_loop();
  if (!loop || !casts || op.region != Region::expert) return;
  const Strategy& s = plan_.strategy;
  const std::int64_t experts =
      std::max<std::int64_t>(1, (plan_.model.experts->experts + s.redundant_experts) / s.ep);
  const Duration least = quantize(static_cast<double>(experts) * *loop);
  for (Kind& kind : kinds) {
    Compute& compute = std::get<Compute>(kind.action);
    if (compute.duration >= least) continue;
    const auto slower = static_cast<float>(static_cast<double>(compute.duration.count()) /
                                           static_cast<double>(least.count()));
    compute = {least, compute.sm * slower, compute.memory * slower};
  }
}

OpKernels KernelLowering::grouped_product(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const std::int64_t groups = experts_met(sharded);
  const double rows = sharded.rows / static_cast<double>(groups);
  const NumberType out = activation_type(plan_.job);
  const bool accumulates = plan_.software.fuses("gradient_accumulation");
  using enum GemmKernel::Accumulate;
  GroupedGemmKernel forward{.groups = groups,
                            .rows_per_group = rows,
                            .n = whole(op.n.size + op.n_more.size),
                            .k = whole(op.k.size),
                            .type = type_of(op),
                            .output_type = out,
                            .apart = product_loop(type_of(op)),
                            .rows = sharded.expert_rows};
  GroupedGemmKernel input = forward;
  input.sums = backward_sums;
  std::swap(input.n, input.k);
  // Per expert k × n outputs, summed over its rows: rows and k change places.
  GroupedGemmKernel weight = forward;
  weight.sums = backward_sums;
  weight.rows_per_group = static_cast<double>(forward.k);
  weight.k = whole(rows);
  weight.rows_are = GroupedGemmKernel::RowsAre::k;
  weight.output_type = accumulates ? plan_.job.gradient_type : out;
  weight.accumulate = accumulates ? yes : no;
  const double flops = sharded.model_flops;
  const double weights = op.experts.size * static_cast<double>(forward.n * forward.k);
  return {{kind(op.name + ".forward", forward, flops)},
          {kind(op.name + ".input_gradient", input, flops)},
          weight_gradient(op.name, weight, weights, flops)};
}

AttentionKernel KernelLowering::attention_kernel(const Op& op) const {
  const Job& job = plan_.job;
  const bool decodes = job.kind == JobKind::decode;
  const bool latent = decodes && plan_.model.attention.kind == AttentionKind::mla;
  using Phase = AttentionKernel::Phase;
  return {.batch = job.micro_batch,
          .heads = whole(op.heads.size),
          .kv_heads = whole(op.kv_heads.size),
          .qk_dim = op.qk_dim,
          .v_dim = op.v_dim,
          .window = op.window,
          .causal = true,
          .cache = latent ? AttentionKernel::Cache::shared : AttentionKernel::Cache::separate,
          .phase = decodes ? Phase::decode : Phase::forward,
          .form = form_of(plan_.software.attention),
          .type = activation_type(job)};
}

OpKernels KernelLowering::attention(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  AttentionKernel forward = attention_kernel(op);
  const std::vector<AttentionShare> shares = shares_of(plan_.job, plan_.strategy);
  const double flops = sharded.model_flops / static_cast<double>(shares.size());
  OpKernels out;
  add_reordering(sharded, out);
  for (const AttentionShare& share : shares) {
    forward.query_length = share.queries;
    forward.key_length = share.keys;
    AttentionKernel back = forward;
    back.phase = AttentionKernel::Phase::backward;
    out.forward.push_back(kind(op.name + ".forward", forward, flops));
    out.input_gradient.push_back(kind(op.name + ".backward", back, 2.0 * flops));
  }
  add_score_kernels(sharded, out);
  return out;
}

OpKernels KernelLowering::ring_attention(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const std::size_t steps = sharded.exchanges.forward_ring.sent.size();
  const double flops = sharded.model_flops / static_cast<double>(steps);
  const double rows = sharded.rows * activation_element_bytes(plan_.job);
  const double queries = rows * op.heads.size * static_cast<double>(op.qk_dim);
  const double results = rows * op.heads.size * static_cast<double>(op.v_dim);
  const double keys_and_values =
      rows * op.kv_heads.size * static_cast<double>(op.qk_dim + op.v_dim);
  const std::int64_t tokens = plan_.job.sequence_length / static_cast<std::int64_t>(steps);
  AttentionKernel diagonal = attention_kernel(op);
  diagonal.query_length = diagonal.key_length = tokens;
  AttentionKernel half = diagonal;
  half.key_length = std::max<std::int64_t>(1, tokens / 2);
  half.causal = false;
  OpKernels out;
  add_reordering(sharded, out);
  for (std::size_t i = 0; i < steps; ++i) {
    // Backward meets the blocks in the opposite order.
    AttentionKernel back = i + 1 == steps ? diagonal : half;
    back.phase = AttentionKernel::Phase::backward;
    out.forward.push_back(kind(op.name + ".forward", i == 0 ? diagonal : half, flops));
    // Adding to a sum reads it and what is added, and writes it.
    out.forward.push_back(bytes_kind(op.name + ".correction", 3.0 * results));
    out.forward_steps.push_back({out.forward.size(), out.forward.size()});
    out.input_gradient.push_back(kind(op.name + ".backward", back, 2.0 * flops));
    out.input_gradient.push_back(bytes_kind(op.name + ".query_gradient_sum", 3.0 * queries));
    const std::size_t own = out.input_gradient.size();
    const double added = back.causal ? keys_and_values : keys_and_values / 2.0;
    out.input_gradient.push_back(bytes_kind(op.name + ".key_value_gradient_sum", 3.0 * added));
    out.backward_steps.push_back({own, own + 1});
  }
  return out;
}

/// Where heads are exchanged for tokens, each tensor is put in order before it is sent and again
/// when it has come, a read and a write each time (Transformer Engine, flash_attn_a2a_communicate).
void KernelLowering::add_reordering(const ShardedOp& sharded, OpKernels& kernels) const {
  if (plan_.strategy.cp_heads() == 1) return;
  const Op& op = sharded.op;
  const double width =
      (op.heads.size + op.kv_heads.size) * static_cast<double>(op.qk_dim + op.v_dim);
  const double bytes = 4.0 * sharded.rows * width * activation_element_bytes(plan_.job);
  kernels.forward.push_back(bytes_kind(op.name + ".reordering", bytes));
  kernels.input_gradient.push_back(bytes_kind(op.name + ".reordering_backward", bytes));
}

void KernelLowering::add_score_kernels(const ShardedOp& sharded, OpKernels& kernels) const {
  const Job& job = plan_.job;
  if (plan_.software.attention != AttentionForm::unfused || job.kind == JobKind::decode) return;
  const double scores =
      sharded.rows * sharded.op.heads.size * static_cast<double>(job.sequence_length);
  const double pass = 2.0 * activation_element_bytes(job) * scores;  // a read and a write
  const std::string& name = sharded.op.name;
  if (!plan_.software.fuses("masked_softmax")) {
    // Scaling and masking apart from the softmax.
    kernels.forward.push_back(bytes_kind(name + ".scale_and_mask", 2.0 * pass));
    kernels.input_gradient.push_back(bytes_kind(name + ".mask_and_scale_backward", 2.0 * pass));
  }
  if (plan_.software.dropout && job.trains()) {
    // A byte of mask for each score is written, and read in backward.
    kernels.forward.push_back(bytes_kind(name + ".dropout", pass + scores));
    kernels.input_gradient.push_back(bytes_kind(name + ".dropout_backward", pass + scores));
  }
}

OpKernels KernelLowering::memory_bound(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const double width = activation_element_bytes(plan_.job);
  const double rows = op.own_share * sharded.tokens + (1.0 - op.own_share) * sharded.rows;
  const auto bytes = [&](const std::vector<Extent>& elements) {
    return MemoryKernel{Bytes(std::llround(sum_of(elements) * width * rows)), op.access};
  };
  OpKernels out;
  if (!op.forward_elements.empty()) {
    out.forward.push_back(kind(op.name + ".forward", bytes(op.forward_elements), 0.0));
  }
  if (!op.backward_elements.empty()) {
    out.input_gradient.push_back(kind(op.name + ".backward", bytes(op.backward_elements), 0.0));
  }
  launch_by_expert(op, out.forward);
  launch_by_expert(op, out.input_gradient);
  return out;
}

OpKernels KernelLowering::weight_cast(const ShardedOp& sharded) const {
  const Op& op = sharded.op;
  const double bytes = sum_of(op.forward_elements) * activation_element_bytes(plan_.job);
  OpKernels out;
  out.forward.push_back(kind(op.name, MemoryKernel{Bytes(std::llround(bytes)), op.access}, 0.0));
  launch_by_expert(op, out.forward);
  return out;
}

OpKernels KernelLowering::kernels(const ShardedOp& op) const {
  switch (op.op.kind) {
    case OpKind::product:
      return product(op);
    case OpKind::grouped_product:
      return grouped_product(op);
    case OpKind::attention:
      return op.exchanges.forward_ring.sent.empty() ? attention(op) : ring_attention(op);
    case OpKind::memory_bound:
      return memory_bound(op);
    case OpKind::weight_cast:
      return weight_cast(op);
  }
  return {};
}

namespace {

/// Of the copy that is updated, and of parameters that are written from it in a narrower type.
struct UpdatedBytes {
  double copy = 0.0;
  double narrower = 0.0;
};
UpdatedBytes updated_bytes(const Job& job) {
  const double parameter = bytes_per_element(job.parameter_type);
  if (!job.master_weights) return {parameter, 0.0};
  return {bytes_per_element(NumberType::fp32), parameter};
}

}  // namespace

/// Bytes per parameter of an update by one kernel: states and the copy that is updated are read and
/// written, the gradient is read; parameters of a narrower type are written from the copy.
double KernelLowering::fused_update_bytes() const {
  const Job& job = plan_.job;
  const auto [copy, narrower] = updated_bytes(job);
  const double states = job.optimizer == Optimizer::adam ? 2.0 : 1.0;
  return bytes_per_element(job.gradient_type) +
         2.0 * states * bytes_per_element(job.optimizer_state_type) + 2.0 * copy + narrower;
}

double KernelLowering::update_bytes() const {
  const Job& job = plan_.job;
  const bool one_kernel = job.optimizer != Optimizer::adam || plan_.software.fuses("optimizer");
  if (one_kernel) return fused_update_bytes();
  const double state = bytes_per_element(job.optimizer_state_type);
  const double gradient = bytes_per_element(job.gradient_type);
  const auto [copy, narrower] = updated_bytes(job);
  // A kernel an operation: the copy decays and is updated; each moment decays, takes the gradient
  // and is read; the denominator is written, divided, shifted and read.
  return 2.0 * gradient + (2.0 * 5.0 + 6.0) * state + 4.0 * copy + narrower;
}

Kind KernelLowering::optimizer(double updated, double gradients) const {
  const double gradient = bytes_per_element(plan_.job.gradient_type);
  // The gradient is read for its norm before.
  const double per_parameter = gradient + update_bytes();
  Kind step = bytes_kind("optimizer", per_parameter * updated + gradient * gradients);
  step.component = Component::optimizer;
  return step;
}

Kind KernelLowering::gradient_norm(double updated, double gradients) const {
  const double gradient = bytes_per_element(plan_.job.gradient_type);
  Kind norm = bytes_kind("gradient_norm", gradient * (updated + gradients));
  norm.component = Component::optimizer;
  return norm;
}

/// One pass over everything, as the vectorised Adam of DeepSpeed and PyTorch's fused one do it.
double KernelLowering::host_update_bytes(double updated) const {
  return fused_update_bytes() * updated;
}

Kind KernelLowering::copy(std::string name, double bytes) const {
  return bytes_kind(std::move(name), bytes);
}

}  // namespace orrery
