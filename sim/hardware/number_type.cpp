#include "hardware/number_type.hpp"

#include <algorithm>
#include <array>

namespace orrery {

namespace {

const std::array<std::string, number_type_count>& names() {
  static const std::array<std::string, number_type_count> all = {
      "fp64", "fp32", "tf32", "fp16", "bf16", "fp8", "fp8_block", "mxfp8", "nvfp4", "int8"};
  return all;
}

}  // namespace

std::string_view to_string(NumberType type) { return names()[static_cast<std::size_t>(type)]; }

std::optional<NumberType> parse_number_type(std::string_view text) {
  const auto found = std::ranges::find(names(), text);
  if (found == names().end()) return std::nullopt;
  return static_cast<NumberType>(found - names().begin());
}

std::span<const std::string> number_type_names() { return names(); }

double bytes_per_element(NumberType type) {
  switch (type) {
    case NumberType::fp64:
      return 8.0;
    case NumberType::fp32:
    case NumberType::tf32:
      return 4.0;
    case NumberType::fp16:
    case NumberType::bf16:
      return 2.0;
    case NumberType::fp8:
    case NumberType::int8:
      return 1.0;
    case NumberType::fp8_block:
      return 1.0 + 4.0 / 128.0;
    case NumberType::mxfp8:
      return 1.0 + 1.0 / 32.0;
    case NumberType::nvfp4:
      return 0.5 + 1.0 / 16.0;
  }
  return 0.0;
}

}  // namespace orrery
