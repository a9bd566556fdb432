#include "program/task.hpp"

#include <gtest/gtest.h>

#include <set>

namespace orrery {
namespace {

TEST(Task, NamesEveryComponentDifferently) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < component_count; ++i) {
    names.insert(to_string(static_cast<Component>(i)));
  }
  EXPECT_EQ(names.size(), component_count);
  EXPECT_EQ(to_string(Component::dp), "dp");
}

TEST(Task, NamesEveryMemoryCategoryDifferently) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    names.insert(to_string(static_cast<MemoryCategory>(i)));
  }
  EXPECT_EQ(names.size(), memory_category_count);
  EXPECT_EQ(to_string(MemoryCategory::kv_cache), "kv_cache");
}

}  // namespace
}  // namespace orrery
