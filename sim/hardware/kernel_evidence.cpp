#include "hardware/kernel_evidence.hpp"

#include <variant>

namespace orrery {

KernelSort sort_of(const Kernel& kernel) {
  if (std::holds_alternative<GemmKernel>(kernel)) return KernelSort::product;
  if (std::holds_alternative<GroupedGemmKernel>(kernel)) return KernelSort::grouped_product;
  if (std::holds_alternative<AttentionKernel>(kernel)) return KernelSort::attention;
  return KernelSort::memory_bound;
}

const KernelEvidence* EvidenceBook::find(std::string_view name, double flops) const {
  const auto found = by_name_.find({std::string(name), flops});
  return found == by_name_.end() ? nullptr : &found->second;
}

}  // namespace orrery
