// What is known of how well kernels are priced: the spread of what was measured around the model of
// each, and whether its shape or its GPU lies outside of it.
//
// Lowering notes each kernel it prices; the report looks up the kinds of task that they became.
// A kernel is known by its name and the model's operations that it counts, which tells alike named
// kernels of unlike layers apart; kernels of one sort that take the same time are one shape, whose
// residual they share.
#pragma once

#include "base/quantity.hpp"
#include "hardware/kernel_constants.hpp"
#include "hardware/kernel_times.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace orrery {

/// Kernels whose residuals have something in common.
enum class KernelSort : std::uint8_t { product, grouped_product, attention, memory_bound };

KernelSort sort_of(const Kernel& kernel);

struct KernelEvidence {
  KernelSort sort = KernelSort::memory_bound;
  Seconds alone{};  ///< as modelled; what a task takes longer it waits for its launch
  Spread spread{};
  bool extrapolated = false;
};

class EvidenceBook {
 public:
  void note(const std::string& name, double flops, const KernelEvidence& evidence) {
    by_name_.insert_or_assign({name, flops}, evidence);
  }
  /// Null for a kernel that nobody noted.
  const KernelEvidence* find(std::string_view name, double flops) const;

 private:
  std::map<std::pair<std::string, double>, KernelEvidence> by_name_;
};

}  // namespace orrery
