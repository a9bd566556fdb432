#include "workload/quantization.hpp"

#include <string>

namespace orrery {

namespace {

// Passes over a tensor, in 16-bit elements per element.
constexpr double read_wide = 1.0;

MemoryKernel::Access cast_access(Fp8Recipe recipe) {
  switch (recipe) {
    case Fp8Recipe::blockwise:
      return MemoryKernel::Access::cast_block;
    case Fp8Recipe::mxfp8:
      return MemoryKernel::Access::cast_mxfp8;
    case Fp8Recipe::nvfp4:
      return MemoryKernel::Access::cast_nvfp4;
    default:
      return MemoryKernel::Access::cast;
  }
}

/// Sizes of one tensor, in elements per token or of the whole weight.
using Sizes = std::vector<Extent>;

Sizes scaled(Sizes sizes, double passes) {
  for (Extent& size : sizes) size.size *= passes;
  return sizes;
}

class Casts {
 public:
  Casts(const Op& product, const LayerInput& input)
      : product_(product),
        input_(input),
        low_(input.job.low_precision),
        copy_(bytes_per_element(input.job.precision) / 2.0) {}

  CastOps all() const {
    CastOps ops;
    if (!casts_inputs_in_passing()) add_input(ops.before);
    if (turns(product_.enters)) {
      ops.before.push_back(backward("_transpose", product_.region, turned(inputs()),
                                    MemoryKernel::Access::transpose));
    }
    if (!input_.job.trains()) return ops;
    add_weights(ops.before);
    add_gradient(ops.after);
    return ops;
  }

 private:
  Sizes inputs() const { return {product_.k}; }
  Sizes outputs() const {
    if (product_.n_more.size == 0.0) return {product_.n};
    return {product_.n, product_.n_more};
  }

  bool casts_inputs_in_passing() const {
    const bool by_norm = product_.enters && low_.casts_in_passing();
    return by_norm && input_.software.fuses("norm_quantization");
  }

  /// Whether a tensor that crosses the border of its region is turned round on the other side.
  bool turns(bool crosses) const {
    return crosses && input_.job.trains() && low_.per_tensor() && low_.transposes;
  }

  Sizes turned(const Sizes& sizes) const { return scaled(sizes, 2.0 * copy_); }

  /// One read, and a write of each copy that is made at once.
  Sizes cast(const Sizes& sizes, bool crosses) const {
    const double copies = input_.job.trains() && !turns(crosses) ? low_.copies() : 1.0;
    return scaled(sizes, read_wide + copies * copy_);
  }

  /// Casting that writes the other way round as well is as slow as turning alone.
  MemoryKernel::Access access_of_cast(bool crosses) const {
    const bool both = input_.job.trains() && low_.per_tensor() && low_.transposes;
    return both && !turns(crosses) ? MemoryKernel::Access::transpose : cast_access(low_.recipe);
  }

  Op named(const std::string& suffix, Region region, MemoryKernel::Access access) const {
    Op op;
    op.name = product_.name + suffix;
    op.module = product_.module;
    op.region = region;
    op.tokens_factor = product_.tokens_factor;
    op.access = access;
    return op;
  }

  Op forward(const std::string& suffix, Region region, Sizes sizes,
             MemoryKernel::Access access) const {
    Op op = named(suffix, region, access);
    op.forward_elements = std::move(sizes);
    return op;
  }

  Op backward(const std::string& suffix, Region region, Sizes sizes,
              MemoryKernel::Access access) const {
    Op op = named(suffix, region, access);
    op.backward_elements = std::move(sizes);
    return op;
  }

  /// An entering product's input is cast before it is gathered.
  void add_input(std::vector<Op>& ops) const {
    const Region region = product_.enters ? Region::sequence : product_.region;
    if (low_.reads_twice()) {
      ops.push_back(
          forward("_absmax", region, scaled(inputs(), read_wide), MemoryKernel::Access::absmax));
    }
    ops.push_back(forward("_quantization", region, cast(inputs(), product_.enters),
                          access_of_cast(product_.enters)));
  }

  /// The gradient of a leaving product's output is cast before it is gathered. Backward runs the
  /// list from its end.
  void add_gradient(std::vector<Op>& ops) const {
    const Region region = product_.leaves ? Region::sequence : product_.region;
    if (turns(product_.leaves)) {
      ops.push_back(backward("_gradient_transpose", product_.region, turned(outputs()),
                             MemoryKernel::Access::transpose));
    }
    ops.push_back(backward("_gradient_quantization", region, cast(outputs(), product_.leaves),
                           access_of_cast(product_.leaves)));
    if (low_.reads_twice()) {
      ops.push_back(backward("_gradient_absmax", region, scaled(outputs(), read_wide),
                             MemoryKernel::Access::absmax));
    }
  }

  void add_weight_kernel(std::vector<Op>& ops, const std::string& suffix, double passes,
                         MemoryKernel::Access access) const {
    Op op = forward(suffix, product_.region, scaled(product_.parameters, passes), access);
    op.kind = OpKind::weight_cast;
    op.once = input_.software.types.fp8_weights_cached;
    ops.push_back(std::move(op));
  }

  /// Parameters that are kept and gathered in 8 bits only lack the other way round; those whose
  /// scales run along one direction are gathered in 16 bits.
  void add_weights(std::vector<Op>& ops) const {
    if (low_.gathers_narrow()) {
      if (!low_.transposes) return;
      add_weight_kernel(ops, "_weight_transpose", 2.0 * copy_, MemoryKernel::Access::transpose);
      return;
    }
    if (low_.reads_twice()) {
      add_weight_kernel(ops, "_weight_absmax", read_wide, MemoryKernel::Access::absmax);
    }
    add_weight_kernel(ops, "_weight_quantization", read_wide + low_.copies() * copy_,
                      access_of_cast(false));
  }

  const Op& product_;
  const LayerInput& input_;
  const LowPrecision& low_;
  double copy_;
};

}  // namespace

CastOps casts_around(const Op& op, const LayerInput& input) {
  const bool product = op.kind == OpKind::product || op.kind == OpKind::grouped_product;
  const bool casts = product && op.narrow && input.job.low_precision.casts() &&
                     !input.software.fuses("quantization");
  return casts ? Casts(op, input).all() : CastOps{};
}

}  // namespace orrery
