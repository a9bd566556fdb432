// Rows of words in columns, each as wide as its widest word; numbers stand to the right.
#pragma once

#include <cstdio>
#include <string>
#include <vector>

namespace orrery {

class TextTable {
 public:
  enum class Side { left, right };

  /// One side per column; columns beyond are left.
  explicit TextTable(std::vector<Side> sides = {}) : sides_(std::move(sides)) {}

  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  bool empty() const { return rows_.empty(); }
  /// One line a row, two blanks between columns and none at the end.
  std::string text() const;

 private:
  Side side(std::size_t column) const;

  std::vector<Side> sides_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace orrery
