// What each virtual stage holds, spelt as a text: Megatron-Core's pipeline_model_parallel_layout.
//
//   "Et*4|(t*4|)*14tmL"   E embedding   t transformer layer   m layer that predicts ahead   L loss
//
// A bar ends a virtual stage, x*n repeats a letter or a bracket n times. Stages are in the order of
// the model; one without letters holds nothing and passes on what it gets. The embedding is the
// first letter and stands once, the loss stands once and in the last stage, layers that predict
// ahead come after all others. How many there must be of everything is for a rule to say.
#pragma once

#include "parallel/strategy.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

/// What is wrong with a layout, and at which of its characters (from 0).
struct LayoutError {
  std::size_t offset = 0;
  std::string message;
};

struct Layout {
  std::vector<StageShare> stages;
  std::optional<LayoutError> error;
};

Layout parse_layout(std::string_view text);

}  // namespace orrery
