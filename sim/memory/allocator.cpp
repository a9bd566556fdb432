#include "memory/allocator.hpp"

#include <algorithm>

namespace orrery {

const AllocatorModel* find_allocator(std::string_view name) {
  const auto all = registered_allocators();
  const auto found = std::ranges::find(all, name, &AllocatorModel::name);
  return found == all.end() ? nullptr : *found;
}

}  // namespace orrery
