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

/// Sizes of grouped products are those of the forward pass, whichever product was timed.
void turn_to_stage(const MeasuredRow& row, SettingsNode& table) {
  const std::string_view stage = row.cell("kernel.stage");
  if (row.cell("kernel.op") != "grouped_gemm" || !stage.starts_with("bwd")) return;
  SettingsNode* m = table.find("m");
  SettingsNode* n = table.find("n");
  SettingsNode* k = table.find("k");
  if (m == nullptr || n == nullptr || k == nullptr) return;
  if (stage == "bwd_grad_act") std::swap(*n, *k);
  if (stage == "bwd_grad_w") std::swap(*m, *k);
}

/// The row's keys without the prefix. The gradient of a weight adds to what it finds.
SettingsNode kernel_table(const MeasuredRow& row) {
  SettingsNode table{SettingsTable{}, row.position, {}};
  for (const Assignment& assignment : row.settings) {
    const std::string key = assignment.key.substr(prefix.size());
    if (!is_remark(key)) table.set(key, value_of(assignment));
  }
  turn_to_stage(row, table);
  const bool adds = row.cell("notes").find("accumulate=True") != std::string_view::npos;
  if (adds) table.set("accumulate", SettingsNode{true, row.position, {}});
  if (row.cell("notes").find("out=fp32") != std::string_view::npos) {
    table.set("output_type", SettingsNode{std::string("fp32"), row.position, {}});
  }
  return table;
}

struct AroundKernel {
  MemoryKernel::Access access;
  double bytes;  ///< per element of the operand
};

AroundKernel around_kernel(Around around) {
  using enum MemoryKernel::Access;
  switch (around) {
    case Around::absmax:
      return {absmax, 2.0};
    case Around::cast:
      return {cast, 2.0 + bytes_per_element(NumberType::fp8)};
    case Around::cast_block:
      return {cast_block, 2.0 + bytes_per_element(NumberType::fp8_block)};
    case Around::cast_mxfp8:
      return {cast_mxfp8, 2.0 + bytes_per_element(NumberType::mxfp8)};
    case Around::cast_nvfp4:
      return {cast_nvfp4, 2.0 + bytes_per_element(NumberType::nvfp4)};
    case Around::rotary_and_cache:
      return {stream, 4.0 * 2.0};
    case Around::pack_scales:
      return {absmax, 2.0 / 32.0};
  }
  return {cast, 0.0};
}

/// Elements of what the kernels around a kernel work on: a product's left operand; queries, keys
/// and values.
double operand_elements(const Kernel& kernel) {
  const auto number = [](std::int64_t size) { return static_cast<double>(size); };
  if (const auto* product = std::get_if<GemmKernel>(&kernel)) {
    return number(product->m) * number(product->k);
  }
  const auto* attention = std::get_if<AttentionKernel>(&kernel);
  if (attention == nullptr) return 0.0;
  const double width = number(attention->heads * attention->qk_dim) +
                       number(attention->kv_heads * (attention->qk_dim + attention->v_dim));
  return number(attention->batch) * number(attention->query_length) * width;
}

/// Finding the largest value reads a matrix of 16-bit numbers, casting reads it and writes the
/// rest. Rotation reads and writes, and so does the way to the cache: four passes, as the rows of
/// windowed attention tell, which is little else.
Kernel around_product(Around around, double elements) {
  const AroundKernel kernel = around_kernel(around);
  return MemoryKernel{Bytes(std::llround(kernel.bytes * elements)), kernel.access};
}

/// A gated expert layer: rows are put in the order of their experts, up and gate are one product,
/// the activation, the product down, and the results of each token are added up. Operands of 8 and
/// 4 bits are cast in passing.
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
  const std::string name = settings.required_text("type");
  const NumberType type = parse_number_type(name).value_or(NumberType::bf16);
  if (!parse_number_type(name)) {
    settings.error("type", fmt::format("expert layers of type '{}' are not priced", name));
  }
  if (settings.required_text("routing") != "balanced") {
    settings.error("routing", "only balanced routing is priced");
  }
  const auto wide = static_cast<std::int64_t>(inner);
  const auto width = static_cast<std::int64_t>(hidden);
  const GroupedGemmKernel up{
      .groups = here, .rows_per_group = rows, .n = 2 * wide, .k = width, .type = type};
  const GroupedGemmKernel down{
      .groups = here, .rows_per_group = rows, .n = width, .k = wide, .type = type};
  const double copies = rows * static_cast<double>(here);
  const auto moved = [](double bytes, MemoryKernel::Access access) {
    return MemoryKernel{Bytes(std::llround(bytes)), access};
  };
  using enum MemoryKernel::Access;
  const double operand = bytes_per_element(type);
  return {moved(copies * hidden * (2.0 + operand), gather), up,
          moved(copies * inner * (4.0 + operand), stream), down,
          moved((copies + std::min(copies, tokens)) * hidden * 2.0, gather)};
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
  if (word == nullptr) return out;
  if (auto* grouped = std::get_if<GroupedGemmKernel>(&out.front())) grouped->apart = word->loop;
  const double elements = operand_elements(out.front());
  for (const Around around : word->around) out.push_back(around_product(around, elements));
  return out;
}

const KernelTimes& KernelRows::times(const MeasuredRow& row) {
  const std::string gpu(row.cell("kernel.gpu"));
  const TypeWord* word = vocabulary_.type(row, row.cell("kernel.type"));
  const std::string library = word == nullptr ? "" : word->kernels;
  const bool loaded = word != nullptr && word->under_load;
  const auto key = std::tuple(gpu, library, loaded);
  const auto known = times_.find(key);
  if (known != times_.end()) return *known->second;
  Gpu read = catalogue_.gpu({gpu, row.position});
  read.kernels = with_kernels_of(read.kernels, library);
  if (loaded) read.kernels = under_load(read.kernels);
  for (const KernelTimesModel* model : registered_kernel_times_models()) {
    if (model->name == model_name) {
      return *times_.emplace(key, model->make(read)).first->second;
    }
  }
  CHECK(false, "the tile model is one of the registered");
  return *times_.begin()->second;
}

Prediction KernelRows::predict(const MeasuredRow& row) {
  Prediction prediction;
  try {
    const KernelTimes& model = times(row);
    const TypeWord* word = vocabulary_.type(row, row.cell("kernel.type"));
    double seconds = word == nullptr ? 0.0 : word->latency.value();
    for (const Kernel& kernel : kernels(row)) seconds += model.time(kernel).total.value();
    prediction.metrics.emplace("time_s", seconds);
  } catch (const InvalidScenario& invalid) {
    prediction.objection = invalid.diagnostics().front().message;
  }
  return prediction;
}

}  // namespace orrery
