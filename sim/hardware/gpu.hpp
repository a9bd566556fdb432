// One type of GPU as its file in topologies/gpus states it: dense peak rates, memory, links, power,
// price and the measured constants that turn the shape of a kernel into time.
//
// Peaks are dense (no structured sparsity) and nominal; what kernels reach of them is in `kernels`,
// fitted on single kernels and on nothing else. The file of a GPU that nobody measured holds the
// constants of a relative, which are shares of peak and bandwidth and so scale, and says so.
#pragma once

#include "base/quantity.hpp"
#include "base/settings.hpp"
#include "hardware/collective_constants.hpp"
#include "hardware/kernel_constants.hpp"
#include "hardware/number_type.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace orrery {

struct Gpu {
  std::string name;
  std::string vendor;
  std::string architecture;
  std::string source;
  std::int64_t streaming_multiprocessors = 1;
  Bytes memory_capacity;  ///< what programs can use
  BytesPerSecond memory_bandwidth;
  Bytes l2;
  std::array<FlopsPerSecond, number_type_count> peak{};  ///< by NumberType; 0: not supported
  BytesPerSecond link_bandwidth;                         ///< scale-up, per direction; 0: none
  BytesPerSecond pcie_bandwidth;                         ///< per direction; 0: unknown
  std::optional<std::int64_t> copy_engines;
  /// Tensor cores of Ada and Hopper read 8-bit operands along k alone, so that what a weight
  /// gradient sums over tokens must be transposed in memory first; later ones read either way
  /// (Transformer Engine, low precision training, handling transposes).
  bool transposes_fp8 = false;
  double power_watts = 0.0;     ///< board limit; 0: unknown
  double price_per_hour = 0.0;  ///< US dollars; 0: unknown
  KernelConstants kernels;
  CollectiveConstants collectives;

  bool supports(NumberType type) const {
    return peak[static_cast<std::size_t>(type)].value() > 0.0;
  }
  /// Dense peak of a type; of the fastest wider one that the GPU has when it lacks the type.
  FlopsPerSecond peak_rate(NumberType type) const;
};

/// Reads a GPU file; findings go to the settings' diagnostics.
Gpu read_gpu(const Settings& settings);

}  // namespace orrery
