#include "hardware/kernel_constants.hpp"

#include "hardware/constant_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>
#include <vector>

namespace orrery {

namespace {

/// `ratio_m`, and in `ratios` for each pair n, k and the ratios at these m.
RatioTable read_ratios(const Settings& settings) {
  RatioTable table{.m = settings.numbers("ratio_m").value_or(std::vector<double>{}), .rows = {}};
  const auto numbers = settings.numbers("ratios").value_or(std::vector<double>{});
  const std::size_t width = table.m.size() + 2;
  const bool positive = std::ranges::all_of(numbers, [](double one) { return one > 0.0; });
  const bool ascending = std::ranges::is_sorted(table.m) && (table.m.empty() || table.m[0] > 0.0);
  if (numbers.size() % width != 0 || !positive || !ascending) {
    settings.error("ratios", fmt::format("{} holds n, k and a ratio above 0 for each of the "
                                         "ascending sizes of ratio_m, pair after pair",
                                         settings.full_name("ratios")));
    return {};
  }
  for (std::size_t i = 0; i < numbers.size(); i += width) {
    const auto first = numbers.begin() + static_cast<std::ptrdiff_t>(i);
    table.rows.push_back(
        {first[0], first[1], {first + 2, first + static_cast<std::ptrdiff_t>(width)}});
  }
  return table;
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
  if (settings.has("sustained")) {
    double sustained = 1.0;
    read_share(settings, "sustained", sustained);
    constants.sustained = sustained;
  }
  constants.ratios = read_ratios(settings);
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

QuantizeConstants read_quantize(const Settings& settings, QuantizeConstants constants) {
  read_share(settings, "absmax", constants.absmax);
  read_share(settings, "cast", constants.cast);
  read_share(settings, "cast_block", constants.cast_block);
  read_share(settings, "cast_mxfp8", constants.cast_mxfp8);
  read_share(settings, "cast_nvfp4", constants.cast_nvfp4);
  read_share(settings, "transpose", constants.transpose);
  constants.absmax_launch = settings.seconds("absmax_launch").value_or(constants.absmax_launch);
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
      return {fp8_block, mxfp8, bf16, fp16};
    case fp8_block:
      return {fp8, mxfp8, bf16, fp16};
    case mxfp8:
      return {fp8_block, fp8, bf16, fp16};
    case nvfp4:
      return {mxfp8, fp8, bf16, fp16};
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

/// `[kernel.gemm.TYPE.LIBRARY]`; what it leaves out is as in `[kernel.gemm.TYPE]`.
void read_libraries(const Settings& type, std::size_t index, KernelConstants& constants) {
  for (const std::string& key : type.keys()) {
    if (!type.is_table(key)) continue;
    constants.libraries[key][index] = read_gemm(*type.table(key), constants.gemm[index]);
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
    given[i] = true;
    const auto one = table->table(key);
    if (!one) continue;
    constants.gemm[i] = read_gemm(*one, constants.gemm[i]);
    read_libraries(*one, i, constants);
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
  constants.relative = kernel.text("relative").value_or("");
  read_products(kernel, constants);
  read_share(kernel, "grouped", constants.grouped);
  read_share(kernel, "accumulating", constants.accumulating);
  read_share(kernel, "promoted", constants.promoted);
  read_share(kernel, "sustained", constants.sustained);
  read_amount(kernel, "cards", constants.cards);
  read_attention_phases(kernel, constants);
  if (const auto memory = kernel.table("memory")) {
    constants.memory = read_memory(*memory, constants.memory);
  }
  if (const auto quantize = kernel.table("quantize")) {
    constants.quantize = read_quantize(*quantize, constants.quantize);
  }
  return constants;
}

KernelConstants with_kernels_of(KernelConstants constants, std::string_view library) {
  const auto own = constants.libraries.find(std::string(library));
  if (own == constants.libraries.end()) return constants;
  for (std::size_t i = 0; i < number_type_count; ++i) {
    if (own->second[i]) constants.gemm[i] = *own->second[i];
  }
  return constants;
}

double expected_largest(double draws) {
  const double below = (draws - 0.375) / (draws + 0.25);
  double low = 0.0;
  double high = 10.0;
  for (int i = 0; i < 60; ++i) {
    const double middle = (low + high) / 2.0;
    const double share = 1.0 - 0.5 * std::erfc(middle / std::numbers::sqrt2);
    (share < below ? low : high) = middle;
  }
  return low;
}

KernelConstants under_load(KernelConstants constants, double gpus) {
  const double slowest = std::max(0.0, 1.0 - constants.cards * expected_largest(gpus));
  for (GemmConstants& gemm : constants.gemm) {
    gemm.efficiency *= gemm.sustained.value_or(constants.sustained) * slowest;
    gemm.sustained.reset();
  }
  constants.sustained = 1.0;
  return constants;
}

}  // namespace orrery
