// A training or serving stack as its profile states it: what it fuses, overlaps, launches and keeps in memory.
// No efficiency numbers: those belong to GPUs. Read from models/software/*.toml.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/quantity.hpp"
#include "base/settings.hpp"

namespace orrery {

enum class AttentionForm : std::uint8_t { flash, unfused };

struct Software {
  std::string name = "megatron-core";
  AttentionForm attention = AttentionForm::flash;
  /// Names of fusions, e.g. "rotary", "bias_gelu", "swiglu", "residual_norm", "softmax_mask",
  /// "cross_entropy", "permute", "optimizer", "weight_gradient_accumulation".
  std::vector<std::string> fused;
  std::vector<std::string> overlaps;  ///< what it overlaps when the scenario does not say
  Seconds launch{4.5e-6};             ///< host time to launch one kernel
  std::string gradient_type = "fp32"; ///< main gradients, accumulated over micro-batches
  std::string parameter_gather_type = "bf16";
  Bytes gradient_bucket{0};           ///< 0: one bucket for everything
  Bytes overhead{0};                  ///< device memory of driver, framework and libraries
  Bytes communication_buffers{0};     ///< per communicator
  double allocator_overhead = 0.0;    ///< share of dynamic memory lost to rounding and fragmentation
  std::string collectives = "nccl-2.26";  ///< library and version whose choices are made

  bool fuses(std::string_view name) const;
  bool overlaps_by_default(std::string_view name) const;
};

Software read_software(const Settings& settings);

}  // namespace orrery
