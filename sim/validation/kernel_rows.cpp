#include "validation/kernel_rows.hpp"

#include "base/check.hpp"
#include "scenario/toml_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery {

namespace {

constexpr std::string_view prefix = "kernel.";
constexpr std::string_view model_name = "tile";

/// Columns that tell how a kernel was measured and not what it is: the names of a product's three
/// uses, its memory layout, the type of a cache, and the batch that products of tables write as 1.
constexpr std::array<std::string_view, 4> remarks = {"gpu", "stage", "layout", "kv_type"};

bool is_remark(std::string_view key) { return std::ranges::find(remarks, key) != remarks.end(); }

/// Tables write whole numbers as 8 or as 8.0.
SettingsNode value_of(const Assignment& assignment) {
  SettingsNode node = parse_toml_value(assignment.text, assignment.position);
  const double* number = std::get_if<double>(&node.value);
  if (number != nullptr && *number == std::floor(*number)) {
    node.value = static_cast<std::int64_t>(*number);
  }
  return node;
}

/// The row's keys without the prefix. The gradient of a weight adds to what it finds.
SettingsNode kernel_table(const MeasuredRow& row) {
  SettingsNode table{SettingsTable{}, row.position, {}};
  for (const Assignment& assignment : row.settings) {
    const std::string key = assignment.key.substr(prefix.size());
    if (!is_remark(key)) table.set(key, value_of(assignment));
  }
  const bool adds = row.cell("notes").find("accumulate=True") != std::string_view::npos;
  if (adds) table.set("accumulate", SettingsNode{true, row.position, {}});
  if (row.cell("notes").find("out=fp32") != std::string_view::npos) {
    table.set("output_type", SettingsNode{std::string("fp32"), row.position, {}});
  }
  return table;
}

/// Finding the largest value reads a matrix of 16-bit numbers, casting reads it and writes bytes.
Kernel around_product(Around around, double elements) {
  if (around == Around::find_largest) {
    return MemoryKernel{Bytes(std::llround(2.0 * elements)), MemoryKernel::Access::reduce};
  }
  return MemoryKernel{Bytes(std::llround(3.0 * elements)), MemoryKernel::Access::stream};
}

/// A gated expert layer: up and gate in one product, the activation, the product down.
std::vector<Kernel> expert_layer(const Settings& settings) {
  const auto number = [&](std::string_view key) {
    return static_cast<double>(settings.required_integer(key, {1, INT64_MAX}));
  };
  const double tokens = number("tokens");
  const double hidden = number("hidden");
  const double inner = number("expert_ffn") / number("expert_tp");
  const double experts = number("experts");
  const double rows = tokens * number("top_k") / experts;
  const auto here = static_cast<std::int64_t>(experts / number("ep"));
  const std::string type = settings.required_text("type");
  if (type != "bf16" && type != "fp16") {
    settings.error("type", fmt::format("expert layers of type '{}' are not priced", type));
  }
  if (settings.required_text("routing") != "balanced") {
    settings.error("routing", "only balanced routing is priced");
  }
  const auto wide = static_cast<std::int64_t>(inner);
  const auto width = static_cast<std::int64_t>(hidden);
  const GroupedGemmKernel up{.groups = here, .rows_per_group = rows, .n = 2 * wide, .k = width};
  const GroupedGemmKernel down{.groups = here, .rows_per_group = rows, .n = width, .k = wide};
  const double elements = 3.0 * inner * rows * static_cast<double>(here);
  return {up, MemoryKernel{Bytes(std::llround(2.0 * elements))}, down};
}

}  // namespace

std::vector<Kernel> KernelRows::kernels(const MeasuredRow& row) const {
  SettingsNode table = kernel_table(row);
  Diagnostics diagnostics;
  std::vector<Kernel> out;
  const TypeWord* word = vocabulary_.type(row, row.cell("kernel.type"));
  if (word != nullptr) table.set("type", SettingsNode{word->type, row.position, {}});
  const Settings settings(table, diagnostics, "kernel");
  if (row.cell("kernel.op") == "moe") {
    out = expert_layer(settings);
    settings.accept("op");
  } else {
    // A batch of one product is a product.
    if (row.cell("kernel.op") == "gemm" && settings.integer("batch").value_or(1) != 1) {
      settings.error("batch", "batches of products are not priced");
    }
    out.push_back(read_(settings));
  }
  report_unread(table, diagnostics);
  diagnostics.throw_if_errors();
  const auto* product = std::get_if<GemmKernel>(&out.front());
  if (word == nullptr || product == nullptr) return out;
  const double elements = static_cast<double>(product->m) * static_cast<double>(product->k);
  for (const Around around : word->around) out.push_back(around_product(around, elements));
  return out;
}

const KernelTimes& KernelRows::times(const std::string& gpu, const MeasuredRow& row) {
  const auto known = times_.find(gpu);
  if (known != times_.end()) return *known->second;
  const Gpu read = catalogue_.gpu({gpu, row.position});
  for (const KernelTimesModel* model : registered_kernel_times_models()) {
    if (model->name == model_name) {
      return *times_.emplace(gpu, model->make(read)).first->second;
    }
  }
  CHECK(false, "the tile model is one of the registered");
  return *times_.begin()->second;
}

Prediction KernelRows::predict(const MeasuredRow& row) {
  Prediction prediction;
  try {
    const KernelTimes& model = times(std::string(row.cell("kernel.gpu")), row);
    double seconds = 0.0;
    for (const Kernel& kernel : kernels(row)) seconds += model.time(kernel).total.value();
    prediction.metrics.emplace("time_s", seconds);
  } catch (const InvalidScenario& invalid) {
    prediction.objection = invalid.diagnostics().front().message;
  }
  return prediction;
}

}  // namespace orrery
