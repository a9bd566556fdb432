#include "hardware/kernel_times.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// Query-key pairs that a mask leaves: the queries are the last ones of the keys, each sees the
/// keys up to its own place and no more than `window` of them.
double unmasked_pairs(const AttentionKernel& kernel) {
  const auto queries = static_cast<double>(kernel.query_length);
  const auto keys = static_cast<double>(kernel.key_length);
  const double reach =
      kernel.window > 0 ? std::min(keys, static_cast<double>(kernel.window)) : keys;
  if (!kernel.causal) return queries * reach;
  const double first = keys - queries + 1.0;  // keys that the first query may see
  if (reach <= first) return queries * reach;
  const double rising = std::min(queries, reach - first + 1.0);
  return rising * (first + first + rising - 1.0) / 2.0 + (queries - rising) * reach;
}

double executed_pairs(const AttentionKernel& kernel) {
  if (kernel.form != AttentionKernel::Form::unfused) return unmasked_pairs(kernel);
  return static_cast<double>(kernel.query_length) * static_cast<double>(kernel.key_length);
}

/// Products of a backward pass over those of a forward pass: five to two, as the scores are
/// computed again; four to two where they were kept (Dao, FlashAttention-2, arXiv 2307.08691,
/// section 3.1).
double backward_factor(const AttentionKernel& kernel) {
  if (kernel.phase != AttentionKernel::Phase::backward) return 1.0;
  return kernel.form == AttentionKernel::Form::unfused ? 2.0 : 2.5;
}

double flops_of(const GemmKernel& kernel) {
  return 2.0 * static_cast<double>(kernel.m) * static_cast<double>(kernel.n) *
         static_cast<double>(kernel.k);
}

double flops_of(const GroupedGemmKernel& kernel) {
  return 2.0 * static_cast<double>(kernel.groups) * kernel.rows_per_group *
         static_cast<double>(kernel.n) * static_cast<double>(kernel.k);
}

double flops_of(const AttentionKernel& kernel) {
  return 2.0 * static_cast<double>(kernel.batch) * static_cast<double>(kernel.heads) *
         executed_pairs(kernel) * static_cast<double>(kernel.qk_dim + kernel.v_dim) *
         backward_factor(kernel);
}

double flops_of(const MemoryKernel&) { return 0.0; }

double output_passes(GemmKernel::Accumulate accumulate) {
  return accumulate == GemmKernel::Accumulate::yes ? 2.0 : 1.0;
}

double bytes_of(const GemmKernel& kernel) {
  const auto m = static_cast<double>(kernel.m);
  const auto n = static_cast<double>(kernel.n);
  const auto k = static_cast<double>(kernel.k);
  return (m * k + n * k) * bytes_per_element(kernel.type) +
         m * n * bytes_per_element(kernel.output_type) * output_passes(kernel.accumulate);
}

double bytes_of(const GroupedGemmKernel& kernel) {
  const auto groups = static_cast<double>(kernel.groups);
  const double m = kernel.rows_per_group;
  const auto n = static_cast<double>(kernel.n);
  const auto k = static_cast<double>(kernel.k);
  const double touched = std::min(groups, groups * m);  // an expert without rows is not read
  return (groups * m * k + touched * n * k) * bytes_per_element(kernel.type) +
         groups * m * n * bytes_per_element(kernel.output_type) * output_passes(kernel.accumulate);
}

/// Queries, keys, values and results once; unfused, also the scores: written, read and written by
/// the softmax, read. Backward moves everything again with its gradient.
double bytes_of(const AttentionKernel& kernel) {
  const double width = bytes_per_element(kernel.type);
  const auto batch = static_cast<double>(kernel.batch);
  const auto heads = static_cast<double>(kernel.heads);
  const auto queries = static_cast<double>(kernel.query_length);
  const double reach = kernel.window > 0 ? static_cast<double>(kernel.window) + queries : 1e300;
  const double keys = std::min(static_cast<double>(kernel.key_length), reach);
  const auto both = static_cast<double>(kernel.qk_dim + kernel.v_dim);
  const double cached =
      kernel.cache == AttentionKernel::Cache::shared ? static_cast<double>(kernel.qk_dim) : both;
  double elements =
      batch * heads * queries * both + batch * static_cast<double>(kernel.kv_heads) * keys * cached;
  if (kernel.form == AttentionKernel::Form::unfused) {
    elements += 4.0 * batch * heads * executed_pairs(kernel);
  }
  return elements * width * (kernel.phase == AttentionKernel::Phase::backward ? 2.0 : 1.0);
}

double bytes_of(const MemoryKernel& kernel) { return static_cast<double>(kernel.bytes.value()); }

}  // namespace

Flops executed_flops(const Kernel& kernel) {
  return Flops(std::visit([](const auto& one) { return flops_of(one); }, kernel));
}

Bytes compulsory_bytes(const Kernel& kernel) {
  return Bytes(std::llround(std::visit([](const auto& one) { return bytes_of(one); }, kernel)));
}

}  // namespace orrery
