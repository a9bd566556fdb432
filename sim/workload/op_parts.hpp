// What the layers are made of: products, norms, activations, residual adds, as the stack fuses
// them.
//
// Elements of memory-bound parts are counted by the kernels of the stack: a fused part reads its
// inputs and writes its outputs once, a chain of element-wise kernels reads and writes every
// intermediate result. An OpList gathers a layer's ops in order and puts around products of 8 bits
// and fewer the kernels that cast their operands (quantization.hpp).
#pragma once

#include "workload/op.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

class OpList {
 public:
  explicit OpList(const LayerInput& input) : input_(input) {}

  /// Appends an op, with the casts around a product; the reference is good until the next.
  Op& add(Op op);
  void append(std::vector<Op> ops);
  std::vector<Op> take() { return std::move(ops_); }

 private:
  const LayerInput& input_;
  std::vector<Op> ops_;
};

/// Where an op stands: its name, the module it is recomputed with, its region.
struct OpPlace {
  std::string name;
  std::string_view module;
  Region region = Region::sequence;
};

/// n outputs from k inputs, with its weight and, if wanted, saving its output.
Op product(OpPlace place, Extent n, Extent k);
Op memory_bound(OpPlace place, double forward, double backward, Axis axis = Axis::none);

/// A norm of the residual stream; saves its output. With "residual_norm" it adds the residual as
/// well.
Op norm(const LayerInput& input, std::string name);
/// Parameters of a norm over so many elements.
double norm_parameters(const Model& model, double width);
/// Bias, dropout and add into the residual stream; saves its output, and the dropout's mask.
Op residual(const LayerInput& input, std::string name);
/// The non-linearity between two products of inner width `inner`; saves its output.
Op activation(const LayerInput& input, OpPlace place, Extent inner);

/// The end of an attention block, whatever the heads are: output projection from `heads`,
/// post-norm, residual. The projection counts its input among what is kept: recomputing the core
/// does not free its result.
std::vector<Op> attention_end(const LayerInput& input, Extent heads);
/// What unfused attention keeps per score: the softmax, and with dropout its mask and result.
double saved_bytes_per_score(const LayerInput& input);

/// How many matrices of the inner width a feed-forward layer's first product holds.
double up_factor(const Model& model);
bool drops_out(const LayerInput& input);
/// Elements that one fp32 number counts as.
double wide(const LayerInput& input);

}  // namespace orrery
