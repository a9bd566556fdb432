// The head: final norm, product onto the vocabulary, and in training the cross entropy over a
// divided vocabulary (Shoeybi et al. 2019, section 3): three numbers per token cross ranks, which
// is neglected.
//
// Keeps the norm's output and the loss's softmax: 4·V bytes in fp32 (Korthikanti et al. 2022,
// section 4.3), with the 16-bit logits alive beside it while it is made, or what other copies in
// fp32 the stack makes instead of working in place (Software::logits_copies); a fused cross entropy
// turns the logits into their gradient in place. Tied weights are the embedding's and are not
// counted again; the copy that a pipeline's last stage holds is the plan's affair.

#include "workload/op_parts.hpp"

#include <algorithm>

namespace orrery::layers {

namespace {

Op loss(const LayerInput& input, double vocabulary) {
  const bool fused = input.software.fuses("cross_entropy");
  const double fp32 = wide(input);
  // Unfused: cast, max, subtract, exponentiate, sum, divide; backward subtracts one and casts.
  const double forward = fused ? 3.0 : 1.0 + 9.0 * fp32;
  const double backward = fused ? 2.0 : 1.0 + 3.0 * fp32;
  Op op = memory_bound({"cross_entropy", "loss", Region::tensor}, forward * vocabulary,
                       backward * vocabulary, Axis::vocabulary);
  op.access = MemoryKernel::Access::loss;
  op.saved = {{(fused ? 1.0 : fp32) * vocabulary, Axis::vocabulary}};
  if (!fused) {
    const double beside = std::max(1.0, fp32 * (input.software.logits_copies - 1.0));
    op.workspace = {{beside * vocabulary, Axis::vocabulary}};
  }
  return op;
}

std::vector<Op> ops(const LayerInput& input) {
  const Model& model = input.model;
  const auto h = static_cast<double>(model.hidden);
  const Extent vocabulary{static_cast<double>(model.vocabulary), Axis::vocabulary};
  const bool shares = model.tied_embeddings || input.layer >= model.layers;
  OpList list(input);
  list.add(norm(input, "final_norm"));
  Op projection =
      product({"output_projection", "output_projection", Region::tensor}, vocabulary, {h});
  projection.enters = true;
  projection.narrow = false;
  if (shares) projection.parameters.clear();
  if (!input.job.trains()) projection.workspace = {vocabulary};
  list.add(std::move(projection));
  if (input.job.trains()) list.add(loss(input, vocabulary.size));
  return list.take();
}

}  // namespace

extern const Layer head;
const Layer head{
    .name = "head",
    .description = "final norm, projection onto the vocabulary, cross entropy",
    .ops = ops,
};

}  // namespace orrery::layers
