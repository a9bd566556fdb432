// Every GPU that ships is read without a finding, and the products measured on one are met.
#include "hardware/gpu.hpp"
#include "hardware/kernel_times.hpp"
#include "scenario/toml_settings.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace orrery {
namespace {

std::string text_of(const std::filesystem::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Gpu read(const std::filesystem::path& path, Diagnostics& diagnostics) {
  const SettingsNode root = parse_toml(text_of(path), path.string(), diagnostics).root;
  const Gpu gpu = read_gpu(Settings(root, diagnostics));
  report_unread(root, diagnostics);
  return gpu;
}

TEST(ShippedGpus, AreReadWithoutAFinding) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("topologies/gpus")) {
    Diagnostics diagnostics;

    read(entry.path(), diagnostics);

    for (const Diagnostic& finding : diagnostics.all()) ADD_FAILURE() << to_string(finding);
    ++count;
  }
  EXPECT_GE(count, 30);
}

/// Rows of a table without quoted commas, as maps from column to cell.
std::vector<std::map<std::string, std::string>> rows_of(const std::string& path) {
  std::istringstream lines(text_of(path));
  std::vector<std::map<std::string, std::string>> rows;
  std::vector<std::string> names;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::vector<std::string> row;
    for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
    if (names.empty()) names = row;
    rows.emplace_back();
    for (std::size_t i = 0; i < std::min(row.size(), names.size()); ++i) {
      rows.back().emplace(names[i], row[i]);
    }
  }
  return rows;
}

/// Mean absolute error over the measured bf16 products of a GPU with m of 512 and more.
double error_on(const std::string& gpu_name) {
  Diagnostics diagnostics;
  const Gpu gpu = read("topologies/gpus/" + gpu_name + ".toml", diagnostics);
  const auto times = registered_kernel_times_models()[2]->make(gpu);
  double sum = 0.0;
  int count = 0;
  for (auto row : rows_of("tests/measured/gemm.csv")) {
    if (row["group"] != "AIC-GEMM" || row["kernel.gpu"] != gpu_name) continue;
    if (row["kernel.type"] != "bf16" || std::stod(row["kernel.m"]) < 512.0) continue;
    const GemmKernel kernel{.m = std::lround(std::stod(row["kernel.m"])),
                            .n = std::lround(std::stod(row["kernel.n"])),
                            .k = std::lround(std::stod(row["kernel.k"]))};
    const double measured = std::stod(row["measured.time_s"]);
    sum += std::abs(times->time(kernel).total.value() / measured - 1.0);
    ++count;
  }
  EXPECT_GE(count, 80) << gpu_name;
  return sum / count;
}

TEST(ShippedGpus, MeetTheirMeasuredProducts) {
  EXPECT_LT(error_on("a100-sxm-80g"), 0.06);
  EXPECT_LT(error_on("h100-sxm"), 0.06);
  EXPECT_LT(error_on("b200"), 0.08);
  EXPECT_LT(error_on("gb200"), 0.08);
}

struct Errors {
  double tile = 0.0;
  double table = 0.0;
};

/// How far the ratios of every fifth pair of n and k lie from 1, and from those that the other
/// pairs would have given them.
Errors held_out(const RatioTable& whole) {
  Errors errors;
  for (std::size_t fold = 0; fold < 5; ++fold) {
    RatioTable rest{.m = whole.m, .rows = {}};
    for (std::size_t i = 0; i < whole.rows.size(); ++i) {
      if (i % 5 != fold) rest.rows.push_back(whole.rows[i]);
    }
    for (std::size_t i = fold; i < whole.rows.size(); i += 5) {
      const RatioTable::Row& row = whole.rows[i];
      for (std::size_t j = 0; j < whole.m.size(); ++j) {
        errors.tile += std::abs(1.0 / row.ratios[j] - 1.0);
        const double expected = ratio_at(rest, whole.m[j], row.n, row.k);
        errors.table += std::abs(expected / row.ratios[j] - 1.0);
      }
    }
  }
  return errors;
}

TEST(ShippedGpus, MeetShapesLeftOutOfTheirTablesBetterThanTheModelOfTiles) {
  for (const char* name : {"a100-sxm-80g", "h100-sxm", "b200", "gb200", "l40s"}) {
    Diagnostics diagnostics;
    const Gpu gpu = read(std::string("topologies/gpus/") + name + ".toml", diagnostics);
    for (const GemmConstants& constants : gpu.kernels.gemm) {
      if (!constants.measured) continue;
      const Errors errors = held_out(constants.ratios);
      EXPECT_LT(errors.table, errors.tile) << name;
    }
  }
}

}  // namespace
}  // namespace orrery
