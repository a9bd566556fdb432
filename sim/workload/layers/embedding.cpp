// The embedding: rows of a table that is divided by vocabulary, so that looking up gives partial
// sums; then positions and dropout. Keeps the token numbers (8 bytes), the rows, and a byte of
// dropout mask (Megatron-LM's theoretical_memory_usage.py counts 8·s·b and s·b·h).

#include "workload/op_parts.hpp"

namespace orrery::layers {

namespace {

std::vector<Op> ops(const LayerInput& input) {
  const Model& model = input.model;
  const auto h = static_cast<double>(model.hidden);
  OpList list(input);
  // Backward adds rows into the gradient: a read of the row's, a read and a write of the sum.
  Op lookup = memory_bound({"embedding", "embedding", Region::tensor}, 2.0 * h,
                           (1.0 + 2.0 * wide(input)) * h);
  lookup.access = MemoryKernel::Access::gather;
  lookup.leaves = true;
  lookup.parameters = {{static_cast<double>(model.vocabulary) * h, Axis::vocabulary}};
  lookup.saved_bytes = 8.0;
  list.add(std::move(lookup));

  const bool positions = model.positions > 0;
  const bool drops = drops_out(input);
  Op finish = memory_bound({"embedding_output", "embedding", Region::sequence},
                           ((positions ? 3.0 : 0.0) + (drops ? 2.5 : 0.0)) * h,
                           ((positions ? 3.0 : 0.0) + (drops ? 2.5 : 0.0)) * h);
  if (!positions && !drops) {
    finish.forward_elements.clear();
    finish.backward_elements.clear();
  }
  if (positions) finish.parameters = {{static_cast<double>(model.positions) * h}};
  finish.saved = {{h}};
  finish.saved_bytes = drops ? h : 0.0;
  list.add(std::move(finish));
  return list.take();
}

}  // namespace

extern const Layer embedding;
const Layer embedding{
    .name = "embedding",
    .description = "token and position embedding, divided by vocabulary",
    .ops = ops,
};

}  // namespace orrery::layers
