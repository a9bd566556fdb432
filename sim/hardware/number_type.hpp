// Number formats that GPUs compute in and memory is held in.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace orrery {

enum class NumberType : std::uint8_t { fp64, fp32, tf32, fp16, bf16, fp8, mxfp8, nvfp4, int8 };
inline constexpr std::size_t number_type_count = 9;

std::string_view to_string(NumberType type);
std::optional<NumberType> parse_number_type(std::string_view text);
/// Names of all types, for messages.
std::span<const std::string> number_type_names();

/// Bytes of one element as stored, scaling factors included (mxfp8: one byte per 32; nvfp4: one per
/// 16).
double bytes_per_element(NumberType type);

}  // namespace orrery
