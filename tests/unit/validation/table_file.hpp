// A table in a file of its own, which goes when the test ends.
#pragma once

#include "validation/measured_table.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace orrery::testing {

class TableFile {
 public:
  explicit TableFile(const std::string& text)
      : folder_(std::filesystem::path(::testing::TempDir()) /
                ::testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(folder_);
    std::ofstream(path()) << text;
  }
  ~TableFile() { std::filesystem::remove_all(folder_); }
  TableFile(const TableFile&) = delete;
  TableFile& operator=(const TableFile&) = delete;

  std::filesystem::path path() const { return folder_ / "runs.csv"; }
  MeasuredTable read() const { return read_measured_table(path()); }

 private:
  std::filesystem::path folder_;
};

/// What reading a table complains about.
inline std::string complaint(const TableFile& file) {
  try {
    file.read();
  } catch (const InvalidScenario& invalid) {
    return invalid.what();
  }
  return "";
}

}  // namespace orrery::testing
