// Files for tests: places in the test's own folder, contents as bytes, and a small timeline.
#pragma once

#include "program/text.hpp"
#include "timeline/timeline_file.hpp"
#include "unit/program/example.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace orrery {

/// An empty folder of the running test.
inline std::filesystem::path test_folder() {
  const auto* const test = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) /
                                       (std::string(test->test_suite_name()) + test->name());
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

inline std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_contents(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline Program example_program() { return parse_program(two_stages); }

inline TimelineMeta example_meta() {
  return {.name = "two stages",
          .scenario_given = "name = \"two stages\"\n",
          .scenario_normalised = "name = \"two stages\"\nseed = 7\n",
          .version = "0.1.0",
          .seed = 7};
}

/// The n-th span of a regular sequence over the tasks of the example.
inline Span example_span(std::uint32_t n) {
  const auto lane = static_cast<std::uint16_t>(n % 3);
  return {.begin = Instant{Duration{1'000 * n}},
          .duration = Duration{900 + n % 7},
          .waited = Duration{n % 5},
          .rank_class = id_at<ClassId>(n % 2),
          .lane = lane,
          .position = 0};
}

}  // namespace orrery
