#include "workload/low_precision.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

const std::array<std::string, 6> recipe_names{"none",      "delayed", "tensorwise",
                                              "blockwise", "mxfp8",   "nvfp4"};

Fp8Recipe recipe_of(const std::string& name) {
  const auto found = std::ranges::find(recipe_names, name);
  return static_cast<Fp8Recipe>(found - recipe_names.begin());
}

/// The only recipe of a type; none for fp8, of which there are several.
Fp8Recipe recipe_of(NumberType precision) {
  switch (precision) {
    case NumberType::fp8_block:
      return Fp8Recipe::blockwise;
    case NumberType::mxfp8:
      return Fp8Recipe::mxfp8;
    case NumberType::nvfp4:
      return Fp8Recipe::nvfp4;
    default:
      return Fp8Recipe::none;
  }
}

NumberType type_of(Fp8Recipe recipe) {
  switch (recipe) {
    case Fp8Recipe::blockwise:
      return NumberType::fp8_block;
    case Fp8Recipe::mxfp8:
      return NumberType::mxfp8;
    case Fp8Recipe::nvfp4:
      return NumberType::nvfp4;
    default:
      return NumberType::fp8;
  }
}

/// What the scenario says, where it says something that its precision can be.
Fp8Recipe read_recipe(const Settings& workload, const std::string& usual, NumberType precision) {
  const Fp8Recipe own = recipe_of(precision);
  const bool fp8 = precision == NumberType::fp8;
  const Fp8Recipe otherwise = fp8 ? recipe_of(usual) : own;
  if (!workload.has("fp8_recipe")) return otherwise;
  const std::array<std::string, 4> fp8_names{"delayed", "tensorwise", "blockwise", "mxfp8"};
  const auto name = workload.choice("fp8_recipe", fp8_names);
  if (!name) return otherwise;
  const Fp8Recipe stated = recipe_of(*name);
  if (fp8 || stated == own) return stated;
  workload.error("fp8_recipe",
                 fmt::format("fp8_recipe = \"{}\" does not go with precision = \"{}\"; "
                             "wanted precision = \"fp8\"",
                             *name, to_string(precision)));
  return otherwise;
}

/// Megatron-LM's --first-last-layers-bf16 leaves one layer at either end in bf16 unless told
/// otherwise.
void read_wide_layers(const Settings& workload, LowPrecision& low) {
  const bool given = workload.flag("first_last_layers_bf16").value_or(false);
  for (const auto& [key, count] :
       {std::pair{"num_layers_at_start_in_bf16", &low.bf16_layers_at_start},
        std::pair{"num_layers_at_end_in_bf16", &low.bf16_layers_at_end}}) {
    const auto stated = workload.integer(key, {0});
    *count = given ? stated.value_or(1) : 0;
    if (!stated || given) continue;
    workload.error(key, fmt::format("{} counts layers that first_last_layers_bf16 = true leaves in "
                                    "bf16; wanted that key too",
                                    key));
  }
}

}  // namespace

std::string_view to_string(Fp8Recipe recipe) {
  return recipe_names[static_cast<std::size_t>(recipe)];
}

LowPrecision read_low_precision(const Settings& workload, const std::string& usual_recipe,
                                NumberType& precision) {
  LowPrecision low;
  low.recipe = read_recipe(workload, usual_recipe, precision);
  if (low.casts()) precision = type_of(low.recipe);
  low.param_gather = workload.flag("fp8_param_gather").value_or(false);
  if (low.param_gather && (!low.casts() || low.recipe == Fp8Recipe::nvfp4)) {
    workload.error("fp8_param_gather",
                   fmt::format("fp8_param_gather keeps parameters in 8 bits; wanted precision "
                               "\"fp8\" or \"mxfp8\" instead of \"{}\"",
                               to_string(precision)));
    low.param_gather = false;
  }
  read_wide_layers(workload, low);
  return low;
}

double cached_bytes(const LowPrecision& low, NumberType precision) {
  return low.casts() ? low.copies() * bytes_per_element(precision) : 0.0;
}

}  // namespace orrery
