#include "program/task.hpp"

#include "base/check.hpp"

namespace orrery {

namespace {

constexpr std::array<std::string_view, component_count> component_names{
    "compute", "tp", "cp", "ep", "pp", "dp", "optimizer", "other"};

constexpr std::array<std::string_view, memory_category_count> category_names{
    "parameters", "gradients", "optimizer",     "activations",
    "kv_cache",   "workspace", "communication", "overhead"};

}  // namespace

std::string_view to_string(Component component) {
  const auto index = static_cast<std::size_t>(component);
  CHECK(index < component_names.size(), index);
  return component_names[index];
}

std::string_view to_string(MemoryCategory category) {
  const auto index = static_cast<std::size_t>(category);
  CHECK(index < category_names.size(), index);
  return category_names[index];
}

}  // namespace orrery
