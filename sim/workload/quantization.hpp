// The kernels that cast the operands of a product of 8 or 4 bits, by the recipe (low_precision.hpp)
// and by what the stack fuses.
//
// Around a product Y = X·W stand, in forward order:
//
//   absmax of X, cast of X   forward; one read of 16 bits writes X as often as it is wanted both
//                            ways round. Where the recipe has one scale per tensor and X is
//                            gathered for the product, what travels is cast before and turned round
//                            after it, in backward
//   weight_cast of W         with the first micro-batch of a step, or with every one
//   the product
//   absmax, cast of dY       backward, before the two products that need it, likewise
//
// "quantization" among a stack's fusions means that all of this happens in the kernels before;
// "norm_quantization" that a norm casts what a product is entered with, where its scale is known
// beforehand.
#pragma once

#include "workload/op.hpp"

#include <vector>

namespace orrery {

struct CastOps {
  std::vector<Op> before;
  std::vector<Op> after;
};

/// Nothing around ops that are no products, or stay wide.
CastOps casts_around(const Op& op, const LayerInput& input);

}  // namespace orrery
