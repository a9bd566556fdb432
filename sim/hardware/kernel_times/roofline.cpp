// A straight roofline: arithmetic at a constant share of the peak, bytes at a constant share of the
// bandwidth, the longer of the two, no launch. It has no tiles, waves or lengths, so that a test
// can say what a step must take: FLOPs / peak.
#include "hardware/kernel_times.hpp"

#include <algorithm>

namespace orrery::kernel_times_models {

namespace {

class Roofline final : public KernelTimes {
 public:
  explicit Roofline(const Gpu& gpu) : gpu_(gpu) {}

  KernelTime time(const Kernel& kernel) const override {
    KernelTime result;
    const Flops flops = executed_flops(kernel);
    if (flops.value() > 0.0) result.sm = flops / gpu_.peak_rate(type_of(kernel));
    result.memory = compulsory_bytes(kernel) / gpu_.memory_bandwidth;
    result.total = std::max(result.sm, result.memory);
    return result;
  }

 private:
  static NumberType type_of(const Kernel& kernel) {
    if (const auto* gemm = std::get_if<GemmKernel>(&kernel)) return gemm->type;
    if (const auto* grouped = std::get_if<GroupedGemmKernel>(&kernel)) return grouped->type;
    if (const auto* attention = std::get_if<AttentionKernel>(&kernel)) return attention->type;
    return NumberType::fp32;
  }

  Gpu gpu_;
};

}  // namespace

extern const KernelTimesModel roofline;
const KernelTimesModel roofline{
    .name = "roofline",
    .description =
        "the peak rates themselves: FLOPs / peak or bytes / bandwidth, whichever is longer",
    .make = [](const Gpu& gpu) -> std::unique_ptr<KernelTimes> {
      return std::make_unique<Roofline>(gpu);
    }};

}  // namespace orrery::kernel_times_models
