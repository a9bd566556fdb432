#include "base/check.hpp"
#include "workload/op.hpp"
#include "workload/op_parts.hpp"

namespace orrery {

namespace {

std::vector<Op> ops_of(std::string_view name, const LayerInput& input) {
  for (const Layer* layer : registered_layers()) {
    if (layer->name == name) return layer->ops(input);
  }
  CHECK(false, "no layer of this name", name);
  return {};
}

/// The parts of a layer, whose products have the job's precision.
std::vector<Op> ops_of_layer(const LayerInput& input) {
  const Model& model = input.model;
  const bool latent = model.attention.kind == AttentionKind::mla;
  const bool predicts_ahead = input.layer >= model.layers;
  OpList list(input);
  if (predicts_ahead) list.append(ops_of("mtp", input));
  list.append(ops_of(latent ? "latent_attention" : "attention", input));
  list.append(ops_of(model.is_expert_layer(input.layer) ? "moe" : "mlp", input));
  if (predicts_ahead) list.append(ops_of("head", input));
  return list.take();
}

}  // namespace

std::vector<Op> layer_ops(const LayerInput& input) {
  if (!input.job.low_precision.in_bf16(input.layer, input.model.layers)) return ops_of_layer(input);
  LayerInput wide = input;
  wide.job.precision = NumberType::bf16;
  wide.job.low_precision = {};
  std::vector<Op> ops = ops_of_layer(wide);
  for (Op& op : ops) op.narrow = false;
  return ops;
}

std::vector<Op> embedding_ops(const LayerInput& input) { return ops_of("embedding", input); }

std::vector<Op> head_ops(const LayerInput& input) { return ops_of("head", input); }

}  // namespace orrery
