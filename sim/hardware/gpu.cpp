#include "hardware/gpu.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace orrery {

namespace {

/// Keys that inform a reader of the file and nothing else.
constexpr std::array<std::string_view, 5> remarks = {"notes", "unseen", "release_year", "clock",
                                                     "price_source"};

/// Rates beyond these are slips of the unit, and make steps longer than the clock: 106 days in ps.
BytesPerSecond read_rate(const Settings& table, std::string_view key) {
  const BytesPerSecond rate = table.required_bytes_per_second(key);
  if (rate.value() >= 1e6 && rate.value() <= 1e18) return rate;
  table.error(key, fmt::format("{} must be from 1 MB/s to 1e6 TB/s", table.full_name(key)));
  return BytesPerSecond(1e9);
}

FlopsPerSecond read_peak(const Settings& peak, std::string_view type) {
  const FlopsPerSecond rate = peak.flops_per_second(type).value_or(FlopsPerSecond(0.0));
  const bool usual = rate.value() >= 1e9 && rate.value() <= 1e21;
  if (usual || rate.value() == 0.0) return rate;
  peak.error(type, fmt::format("{} must be from 1 GFLOP/s to 1e9 TFLOP/s", peak.full_name(type)));
  return FlopsPerSecond(1e9);
}

void read_memory(const Settings& settings, Gpu& gpu) {
  const Settings memory = settings.required_table("memory");
  if (!memory.has("capacity")) memory.required_bytes("capacity");
  const std::optional<Bytes> capacity = memory.bytes("capacity");
  gpu.memory_capacity = memory.bytes("usable").value_or(capacity.value_or(Bytes(1)));
  if (capacity && gpu.memory_capacity > *capacity) {
    memory.error("usable", "memory.usable is more than memory.capacity");
  }
  gpu.memory_bandwidth = read_rate(memory, "bandwidth");
  gpu.l2 = memory.bytes("l2").value_or(Bytes(0));
  memory.accept("kind");
}

void read_peaks(const Settings& settings, Gpu& gpu) {
  const Settings peak = settings.required_table("peak");
  for (std::size_t i = 0; i < number_type_count; ++i) {
    gpu.peak[i] = read_peak(peak, to_string(static_cast<NumberType>(i)));
  }
  for (const char* key : {"fp64_tensor", "mxfp4"}) peak.accept(key);
  // Scaling blocks is a matter of the kernel, not of the tensor cores.
  auto& blocks = gpu.peak[static_cast<std::size_t>(NumberType::fp8_block)];
  if (!peak.has("fp8_block")) blocks = gpu.peak[static_cast<std::size_t>(NumberType::fp8)];
  const bool none = std::ranges::all_of(gpu.peak, [](auto rate) { return rate.value() <= 0.0; });
  if (none) peak.error("", "a GPU needs at least one peak rate");
}

void read_links(const Settings& settings, Gpu& gpu) {
  if (const auto link = settings.table("link")) {
    gpu.link_bandwidth = read_rate(*link, "bandwidth");
    for (const char* key : {"kind", "links", "pair_bandwidth"}) link->accept(key);
  }
  if (const auto pcie = settings.table("pcie")) {
    gpu.pcie_bandwidth = read_rate(*pcie, "bandwidth");
    pcie->accept("kind");
  }
}

}  // namespace

FlopsPerSecond Gpu::peak_rate(NumberType type) const {
  if (supports(type)) return peak[static_cast<std::size_t>(type)];
  FlopsPerSecond best(0.0);
  for (std::size_t i = 0; i < number_type_count; ++i) {
    const bool wider = bytes_per_element(static_cast<NumberType>(i)) > bytes_per_element(type);
    if (wider) best = std::max(best, peak[i]);
  }
  return best.value() > 0.0 ? best : *std::ranges::max_element(peak);
}

Gpu read_gpu(const Settings& settings) {
  Gpu gpu;
  gpu.name = settings.required_text("name");
  gpu.vendor = settings.required_text("vendor");
  gpu.architecture = settings.required_text("architecture");
  gpu.source = settings.required_text("source");
  gpu.streaming_multiprocessors = settings.required_integer("streaming_multiprocessors", {1, 4096});
  gpu.copy_engines = settings.integer("copy_engines", {0, 64});
  gpu.power_watts = settings.watts("power").value_or(0.0);
  gpu.price_per_hour = settings.dollars_per_hour("price").value_or(0.0);
  read_memory(settings, gpu);
  read_peaks(settings, gpu);
  read_links(settings, gpu);
  const std::string capability = settings.text("compute_capability").value_or("");
  gpu.transposes_fp8 = capability == "8.9" || capability == "9.0";
  gpu.kernels = read_kernel_constants(settings.required_table("kernel"));
  if (const auto collective = settings.table("collective")) {
    gpu.collectives = read_collective_constants(*collective);
  }
  for (const std::string_view key : remarks) settings.accept(key);
  return gpu;
}

}  // namespace orrery
