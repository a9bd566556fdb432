// A dense feed-forward layer: up to the inner width (gated: twice, in one product), activation,
// down again.
//
// Not gated with f = 4h and dropout it keeps 19·h bytes per token, its norm's input and output
// apart (Korthikanti et al. 2022, table 2: 2h of input, 8h, 8h, h of mask).

#include "workload/op_parts.hpp"

namespace orrery::layers {

namespace {

std::vector<Op> ops(const LayerInput& input) {
  const Model& model = input.model;
  const auto h = static_cast<double>(model.hidden);
  const Extent inner{static_cast<double>(model.ffn), Axis::ffn};
  const auto widening = [&](const char* name, Extent width) {
    Op op = product({name, "ffn", Region::tensor}, width, {h});
    op.saved = {width};
    if (model.biases) op.parameters.push_back(width);
    return op;
  };
  OpList list(input);
  if (model.norms_per_layer >= 2) list.add(norm(input, "ffn_norm"));
  if (model.gated_ffn && input.software.separates("gate_up")) {
    Op gate = widening("ffn_gate", inner);
    gate.enters = true;
    list.add(std::move(gate));
    list.add(widening("ffn_up", inner));
  } else {
    Op up = widening("ffn_up", {up_factor(model) * inner.size, Axis::ffn});
    up.enters = true;
    list.add(std::move(up));
  }
  list.add(activation(input, {"activation", "ffn/activation", Region::tensor}, inner));
  Op down = product({"ffn_down", "ffn", Region::tensor}, {h}, inner);
  down.leaves = true;
  if (model.biases) down.parameters.push_back({h});
  list.add(std::move(down));
  if (model.norms_per_layer >= 4) list.add(norm(input, "ffn_post_norm"));
  list.add(residual(input, "ffn_residual"));
  return list.take();
}

}  // namespace

extern const Layer mlp;
const Layer mlp{
    .name = "mlp",
    .description = "dense feed-forward layer, gated or not",
    .ops = ops,
};

}  // namespace orrery::layers
