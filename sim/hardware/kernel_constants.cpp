#include "hardware/kernel_constants.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

namespace orrery {

namespace {

void read_share(const Settings& settings, std::string_view key, double& value) {
  const auto read = settings.number(key);
  if (!read) return;
  if (*read <= 0.0 || *read > 2.0) {
    settings.error(key,
                   fmt::format("{} must lie above 0 and not above 2", settings.full_name(key)));
    return;
  }
  value = *read;
}

void read_amount(const Settings& settings, std::string_view key, double& value) {
  const auto read = settings.number(key);
  if (!read) return;
  if (*read < 0.0) {
    settings.error(key, fmt::format("{} must not be negative", settings.full_name(key)));
    return;
  }
  value = *read;
}

std::optional<MeasuredRange> read_pair(const Settings& settings, std::string_view key) {
  const auto read = settings.numbers(key);
  if (!read) return std::nullopt;
  if (read->size() != 2 || (*read)[0] > (*read)[1]) {
    settings.error(
        key, fmt::format("{} is two numbers, the smaller one first", settings.full_name(key)));
    return std::nullopt;
  }
  return MeasuredRange{(*read)[0], (*read)[1]};
}

Spread read_spread(const Settings& settings, Spread otherwise) {
  const auto pair = read_pair(settings, "spread");
  return pair ? Spread{pair->least, pair->most} : otherwise;
}

/// A table is either fitted on its own GPU or borrowed: `relative` names the lender.
bool is_measured(const Settings& settings) {
  settings.accept("source");
  return !settings.text("relative");
}

GemmConstants read_gemm(const Settings& settings, GemmConstants constants) {
  read_share(settings, "efficiency", constants.efficiency);
  read_amount(settings, "edge", constants.edge);
  read_amount(settings, "ramp", constants.ramp);
  constants.launch = settings.seconds("launch").value_or(constants.launch);
  read_share(settings, "bandwidth", constants.bandwidth);
  constants.split = settings.seconds("split").value_or(constants.split);
  constants.spread = read_spread(settings, constants.spread);
  constants.m = read_pair(settings, "m").value_or(constants.m);
  constants.n = read_pair(settings, "n").value_or(constants.n);
  constants.k = read_pair(settings, "k").value_or(constants.k);
  constants.measured = is_measured(settings);
  return constants;
}

AttentionConstants read_attention(const Settings& settings, AttentionConstants constants) {
  read_share(settings, "efficiency", constants.efficiency);
  read_amount(settings, "half_length", constants.half_length);
  read_amount(settings, "half_width", constants.half_width);
  read_share(settings, "unequal", constants.unequal);
  constants.launch = settings.seconds("launch").value_or(constants.launch);
  read_share(settings, "bandwidth", constants.bandwidth);
  constants.spread = read_spread(settings, constants.spread);
  constants.measured = is_measured(settings);
  return constants;
}

DecodeConstants read_decode(const Settings& settings, DecodeConstants constants) {
  read_share(settings, "efficiency", constants.efficiency);
  read_amount(settings, "half_rows", constants.half_rows);
  constants.launch = settings.seconds("launch").value_or(constants.launch);
  read_share(settings, "bandwidth", constants.bandwidth);
  constants.spread = read_spread(settings, constants.spread);
  constants.measured = is_measured(settings);
  return constants;
}

MemoryConstants read_memory(const Settings& settings, MemoryConstants constants) {
  read_share(settings, "stream", constants.stream);
  read_share(settings, "reduce", constants.reduce);
  read_share(settings, "gather", constants.gather);
  read_share(settings, "loss", constants.loss);
  constants.launch = settings.seconds("launch").value_or(constants.launch);
  constants.spread = read_spread(settings, constants.spread);
  constants.measured = is_measured(settings);
  return constants;
}

/// Types that nobody measured take the constants of the nearest one that somebody did.
std::vector<NumberType> nearest(NumberType type) {
  using enum NumberType;
  switch (type) {
    case bf16:
      return {fp16};
    case fp8:
      return {mxfp8, bf16, fp16};
    case mxfp8:
      return {fp8, bf16, fp16};
    case nvfp4:
      return {fp8, mxfp8, bf16, fp16};
    case int8:
      return {fp8, mxfp8, bf16, fp16};
    default:
      return {bf16, fp16};
  }
}

void fill_unmeasured(KernelConstants& constants, const std::array<bool, number_type_count>& given) {
  for (std::size_t i = 0; i < number_type_count; ++i) {
    if (given[i]) continue;
    for (const NumberType other : nearest(static_cast<NumberType>(i))) {
      if (!given[static_cast<std::size_t>(other)]) continue;
      constants.gemm[i] = constants.gemm[static_cast<std::size_t>(other)];
      constants.gemm[i].measured = false;
      break;
    }
  }
}

void read_products(const Settings& kernel, KernelConstants& constants) {
  const auto table = kernel.table("gemm");
  if (!table) return;
  std::array<bool, number_type_count> given{};
  for (const std::string& key : table->keys()) {
    const auto type = parse_number_type(key);
    if (!type) continue;  // reported as an unknown key
    const auto i = static_cast<std::size_t>(*type);
    if (const auto one = table->table(key)) constants.gemm[i] = read_gemm(*one, constants.gemm[i]);
    given[i] = true;
  }
  fill_unmeasured(constants, given);
}

/// One phase of `[kernel.attention]`; what the file leaves out is as `otherwise` has it.
AttentionConstants phase(const Settings& attention, std::string_view key,
                         const AttentionConstants& otherwise) {
  const auto table = attention.table(key);
  return table ? read_attention(*table, otherwise) : otherwise;
}

void read_attention_phases(const Settings& kernel, KernelConstants& constants) {
  const auto table = kernel.table("attention");
  if (!table) return;
  constants.forward = phase(*table, "forward", constants.forward);
  constants.forward_flash2 = phase(*table, "forward_flash2", constants.forward);
  constants.backward = phase(*table, "backward", constants.backward);
  constants.backward_flash2 = phase(*table, "backward_flash2", constants.backward);
  if (const auto decode = table->table("decode")) {
    constants.decode = read_decode(*decode, constants.decode);
  }
}

}  // namespace

KernelConstants read_kernel_constants(const Settings& kernel) {
  KernelConstants constants;
  kernel.accept("source");
  kernel.accept("relative");
  read_products(kernel, constants);
  read_share(kernel, "grouped", constants.grouped);
  read_share(kernel, "accumulating", constants.accumulating);
  read_share(kernel, "sustained", constants.sustained);
  read_attention_phases(kernel, constants);
  if (const auto memory = kernel.table("memory")) {
    constants.memory = read_memory(*memory, constants.memory);
  }
  return constants;
}

KernelConstants under_load(KernelConstants constants) {
  for (GemmConstants& gemm : constants.gemm) gemm.efficiency *= constants.sustained;
  constants.sustained = 1.0;
  return constants;
}

}  // namespace orrery
