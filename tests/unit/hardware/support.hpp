// GPUs for tests: a round-numbered one, and the tree of a GPU's file.
#pragma once

#include "base/settings.hpp"
#include "hardware/gpu.hpp"
#include "hardware/kernel_times.hpp"

#include <string>
#include <utility>
#include <vector>

namespace orrery {

/// 100 SMs, 1 PFLOP/s of bf16 and fp8, 3 TB/s; products without edges and ramps, of no launch.
inline Gpu round_gpu() {
  Gpu gpu;
  gpu.name = "round";
  gpu.streaming_multiprocessors = 100;
  gpu.memory_bandwidth = BytesPerSecond(3e12);
  gpu.peak[static_cast<std::size_t>(NumberType::bf16)] = FlopsPerSecond(1e15);
  gpu.peak[static_cast<std::size_t>(NumberType::fp32)] = FlopsPerSecond(1e14);
  GemmConstants ideal;
  ideal.efficiency = 1.0;
  ideal.edge = 0.0;
  ideal.ramp = 0.0;
  ideal.launch = Seconds(0.0);
  ideal.bandwidth = 1.0;
  ideal.split = Seconds(0.0);
  gpu.kernels.gemm.fill(ideal);
  return gpu;
}

inline double seconds(std::string_view model, const Gpu& gpu, const Kernel& kernel) {
  for (const KernelTimesModel* one : registered_kernel_times_models()) {
    if (one->name == model) return one->make(gpu)->time(kernel).total.value();
  }
  return -1.0;
}

/// A GPU's file with the least that it must have, changed by the given dotted keys.
inline SettingsNode gpu_tree(
    const std::vector<std::pair<std::string, SettingsNode>>& changes = {}) {
  SettingsNode root{SettingsTable{}, {"gpu.toml", 1, 1}, {}};
  const auto set = [&root](const std::string& key, const std::string& text) {
    root.set(key, SettingsNode{text, {"gpu.toml", 2, 1}, {}});
  };
  for (const char* key : {"name", "vendor", "architecture", "source"}) set(key, "x");
  root.set("streaming_multiprocessors", SettingsNode{std::int64_t{100}, {"gpu.toml", 3, 1}, {}});
  set("memory.capacity", "80 GiB");
  set("memory.bandwidth", "3 TB/s");
  set("peak.bf16", "1000 TFLOP/s");
  root.set("kernel", SettingsNode{SettingsTable{}, {"gpu.toml", 4, 1}, {}});
  for (const auto& [key, value] : changes) root.set(key, value);
  return root;
}

inline SettingsNode text_node(const std::string& text) { return {text, {"gpu.toml", 9, 1}, {}}; }
inline SettingsNode number_node(double number) { return {number, {"gpu.toml", 9, 1}, {}}; }

}  // namespace orrery
