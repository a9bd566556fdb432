// Number formats that GPUs compute in and memory is held in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

/// fp8 has one scaling factor per tensor, fp8_block one per 1 x 128 elements of activations and 128
/// x 128 of weights (DeepSeek-V3, arXiv 2412.19437, section 3.3), mxfp8 one per 32, nvfp4 one per
/// 16 and one per tensor.
enum class NumberType : std::uint8_t {
  fp64,
  fp32,
  tf32,
  fp16,
  bf16,
  fp8,
  fp8_block,
  mxfp8,
  nvfp4,
  int8
};
inline constexpr std::size_t number_type_count = 10;

std::string_view to_string(NumberType type);
std::optional<NumberType> parse_number_type(std::string_view text);
/// Names of all types, for messages.
std::span<const std::string> number_type_names();

/// Bytes of one element as stored, scaling factors included (fp8_block: four bytes per 128; mxfp8:
/// one per 32; nvfp4: one per 16).
double bytes_per_element(NumberType type);

}  // namespace orrery
