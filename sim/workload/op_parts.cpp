#include "workload/op_parts.hpp"

#include "workload/quantization.hpp"

#include <algorithm>

namespace orrery {

namespace {

// Passes over a tensor of the residual stream, in elements per element.
constexpr double fused_norm = 2.0;  // read, write
/// Cast up, square, mean, scale, cast down, weigh, each a kernel of its own, the middle ones in
/// fp32.
constexpr double chained_norm = 18.0;
constexpr double chained_norm_backward = 24.0;
/// The gradient of the block's skip connection is added to that of the norm's input: two reads, a
/// write.
constexpr double gradient_add = 3.0;
constexpr double mask = 0.5;  // one byte beside elements of two

double hidden_of(const LayerInput& input) { return static_cast<double>(input.model.hidden); }

}  // namespace

const std::vector<std::string>& recomputable_modules() {
  static const std::vector<std::string> names{
      "attention_core", "norm",           "activation", "ffn",
      "mla_up_proj",    "moe_activation", "moe",        std::string(alternate_products)};
  return names;
}

bool drops_out(const LayerInput& input) { return input.software.dropout && input.job.trains(); }

double wide(const LayerInput& input) {
  return std::max(1.0, 4.0 / activation_element_bytes(input.job));
}

double up_factor(const Model& model) { return model.gated_ffn ? 2.0 : 1.0; }

Op& OpList::add(Op op) {
  CastOps casts = casts_around(op, input_);
  append(std::move(casts.before));
  const std::size_t place = ops_.size();
  ops_.push_back(std::move(op));
  append(std::move(casts.after));
  return ops_[place];
}

void OpList::append(std::vector<Op> ops) {
  for (Op& op : ops) ops_.push_back(std::move(op));
}

Op product(OpPlace place, Extent n, Extent k) {
  Op op;
  op.name = std::move(place.name);
  op.module = place.module;
  op.region = place.region;
  op.kind = OpKind::product;
  op.n = n;
  op.k = k;
  op.parameters = {{n.size * k.size, n.axis, k.axis}};
  return op;
}

Op memory_bound(OpPlace place, double forward, double backward, Axis axis) {
  Op op;
  op.name = std::move(place.name);
  op.module = place.module;
  op.region = place.region;
  op.forward_elements = {{forward, axis}};
  op.backward_elements = {{backward, axis}};
  return op;
}

double norm_parameters(const Model& model, double width) {
  return model.norm == Norm::layer ? 2.0 * width : width;
}

Op norm(const LayerInput& input, std::string name) {
  const double h = hidden_of(input);
  const bool fused = input.software.fuses("norm");
  const bool adds = input.software.fuses("residual_norm");
  // The fused backward reads the gradient and the input; adding the skip connection's costs one
  // read more.
  const double backward =
      fused ? (adds ? 4.0 : 3.0 + gradient_add) : chained_norm_backward + gradient_add;
  const double forward = (fused ? fused_norm : chained_norm) + (adds ? 2.0 : 0.0);
  Op op = memory_bound({std::move(name), "norm", Region::sequence}, forward * h, backward * h);
  op.access = MemoryKernel::Access::reduce;
  op.parameters = {{norm_parameters(input.model, h)}};
  op.saved = {{h}};
  return op;
}

Op residual(const LayerInput& input, std::string name) {
  const double h = hidden_of(input);
  const bool drops = drops_out(input);
  const bool fused = input.software.fuses("bias_dropout_add");
  const double bias = input.model.biases ? 2.0 : 0.0;
  const double dropout = drops ? 2.0 + mask : 0.0;
  double forward = 3.0 + (fused ? (drops ? mask : 0.0) : bias + dropout);
  if (input.software.fuses("residual_norm")) forward -= 3.0;  // inside the norm that follows
  Op op = memory_bound({std::move(name), "residual", Region::sequence}, forward * h, dropout * h);
  if (forward <= 0.0) op.forward_elements.clear();
  if (!drops) op.backward_elements.clear();  // the gradient passes as it is
  op.saved = {{h}};
  op.saved_bytes = drops ? h : 0.0;
  return op;
}

std::vector<Op> attention_end(const LayerInput& input, Extent heads) {
  const double h = hidden_of(input);
  OpList list(input);
  Op projection =
      product({"attention_projection", "attention_projection", Region::tensor}, {h}, heads);
  projection.leaves = true;
  projection.saved = {heads};
  if (input.model.attention.output_bias) projection.parameters.push_back({h});
  list.add(std::move(projection));
  if (input.model.norms_per_layer >= 4) list.add(norm(input, "attention_post_norm"));
  list.add(residual(input, "attention_residual"));
  return list.take();
}

double saved_bytes_per_score(const LayerInput& input) {
  if (input.software.attention != AttentionForm::unfused) return 0.0;
  const double element = activation_element_bytes(input.job);
  return drops_out(input) ? 2.0 * element + 1.0 : element;
}

Op activation(const LayerInput& input, OpPlace place, Extent inner) {
  const bool fused = input.software.fuses("bias_activation");
  const bool gated = input.model.gated_ffn;
  const double bias = input.model.biases ? 2.0 * up_factor(input.model) : 0.0;
  const double forward = gated ? (fused ? 3.0 : 5.0 + bias) : (fused ? 2.0 : 2.0 + bias);
  const double backward = gated ? (fused ? 5.0 : 9.0 + 4.0) : 3.0;
  const double kept =
      gated && !fused ? 2.0 : 1.0;  // unfused, the activated gate stays beside the product
  Op op = memory_bound(std::move(place), 0.0, 0.0);
  const auto passes = [&](double n) { return Extent{n * inner.size, inner.axis, inner.second}; };
  op.forward_elements = {passes(forward)};
  op.backward_elements = {passes(backward)};
  op.saved = {passes(kept)};
  return op;
}

}  // namespace orrery
