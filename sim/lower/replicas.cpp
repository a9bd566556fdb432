#include "lower/replicas.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

Bytes bytes_of(double parameters, NumberType type) {
  return Bytes(std::llround(parameters * bytes_per_element(type)));
}

NumberType resolved(const std::string& name, const Job& job) {
  return parse_number_type(name).value_or(activation_type(job));
}

/// The type in which gradients are kept, unless the stack says that they travel in another.
NumberType gradient_wire(const Plan& plan) {
  const SoftwareTypes& types = plan.software.types;
  if (types.gradient_wire == types.gradient) return plan.job.gradient_type;
  return resolved(types.gradient_wire, plan.job);
}

/// Likewise of parameters.
NumberType gather_type(const Plan& plan) {
  const SoftwareTypes& types = plan.software.types;
  if (types.gather == types.parameter) return plan.job.parameter_type;
  return resolved(types.gather, plan.job);
}

GroupKind within_stage(GroupAxis axis, std::int64_t stage) {
  return {GroupKind::What::axis, axis, stage, stage};
}

GroupKind across_stages(GroupAxis axis) {
  return {GroupKind::What::axis, axis, all_stages, all_stages};
}

}  // namespace

Replicas::Replicas(StageTools& tools, const StagePlan& stage) : tools_(tools), stage_(stage) {
  for (const ChunkPlan& chunk : stage.chunks) parameters_.emplace_back(chunk.layers.size());
}

bool Replicas::full(const Bucket& bucket) const {
  const Software& software = tools_.plan.software;
  if (software.bucket_by_layer) return bucket.parameters > 0.0;
  const std::int64_t ranks = tools_.plan.mesh.group_size(bucket.axis);
  const std::int64_t least =
      std::max(software.bucket_parameters, software.bucket_parameters_per_rank * ranks);
  return least > 0 && bucket.parameters >= static_cast<double>(least);
}

TaskPlace Replicas::exchange(GroupAxis axis, const OperationSpec& operation, TaskPlace after) {
  const KindId kind = tools_.join(within_stage(axis, tools_.stage), operation);
  return tools_.script.append(tools_.script.lane(lane_name(axis)), kind, {.waits = {after}});
}

/// All replicas are reduced on one lane: waiting for the last means waiting for all.
void Replicas::reduce(Bucket& bucket, TaskPlace done) {
  const Plan& plan = tools_.plan;
  const bool scatters = plan.strategy.zero >= 1;
  const OperationSpec operation{
      scatters ? "gradient_scatter" : "gradient_sum",
      scatters ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce,
      bytes_of(bucket.parameters, gradient_wire(plan)), Component::dp};
  const bool needed = bucket.parameters > 0.0 && plan.mesh.group_size(bucket.axis) > 1;
  if (needed) reduced_ = exchange(bucket.axis, operation, done);
  bucket.parameters = 0.0;
}

void Replicas::gather(Bucket& bucket, TaskPlace done) {
  const Plan& plan = tools_.plan;
  const OperationSpec operation{"parameter_gather", CollectiveKind::all_gather,
                                bytes_of(bucket.parameters, gather_type(plan)), Component::dp};
  if (bucket.parameters > 0.0 && plan.mesh.group_size(bucket.axis) > 1) {
    const TaskPlace gathered = exchange(bucket.axis, operation, done);
    for (TaskPlace* layer : bucket.waiting) *layer = gathered;
  }
  bucket = {bucket.axis};
}

void Replicas::gather_ahead() {
  const Plan& plan = tools_.plan;
  if (!trains() || plan.strategy.zero < 1 || !plan.strategy.overlaps("parameters")) return;
  Bucket dense{GroupAxis::dp};
  Bucket expert{GroupAxis::expert_dp};
  for (std::size_t chunk = 0; chunk < stage_.chunks.size(); ++chunk) {
    const std::vector<PlacedLayer>& layers = stage_.chunks[chunk].layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      const LayerPlan& layer = plan.layers[layers[i].plan];
      const auto take = [&](Bucket& bucket, double parameters) {
        if (parameters == 0.0) return;
        bucket.parameters += parameters;
        bucket.waiting.push_back(&parameters_[chunk][i]);
        if (full(bucket)) gather(bucket, {});
      };
      take(dense, layer.dense_parameters);
      take(expert, layer.expert_parameters);
    }
  }
  gather(dense, {});
  gather(expert, {});
}

TaskPlace Replicas::parameters_of(std::size_t chunk, std::size_t layer) const {
  return parameters_[chunk][layer];
}

void Replicas::gradients_ready(const LayerPlan& layer, TaskPlace done) {
  dense_.parameters += layer.dense_parameters;
  expert_.parameters += layer.expert_parameters;
  if (!tools_.plan.strategy.overlaps("gradients")) return;
  if (full(dense_)) reduce(dense_, done);
  if (full(expert_)) reduce(expert_, done);
}

TaskPlace Replicas::sum_embedding(TaskPlace after) {
  const Plan& plan = tools_.plan;
  const bool holds = tools_.stage == 0 || tools_.stage == plan.strategy.pp - 1;
  if (plan.embedding_copy == 0.0 || !holds) return {};
  const KindId kind =
      tools_.join(across_stages(GroupAxis::embedding),
                  {"embedding_gradient_sum", CollectiveKind::all_reduce,
                   bytes_of(plan.embedding_copy, plan.job.gradient_type), Component::dp});
  return tools_.script.append(tools_.script.lane("data"), kind, {.waits = {after}});
}

TaskPlace Replicas::sum_over_tensor(TaskPlace after) {
  double parameters = 0.0;
  for (const ChunkPlan& chunk : stage_.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      parameters += tools_.plan.layers[placed.plan].summed_parameters;
    }
  }
  if (parameters == 0.0) return {};
  return exchange(GroupAxis::tp,
                  {"norm_gradient_sum", CollectiveKind::all_reduce,
                   bytes_of(parameters, tools_.plan.job.gradient_type), Component::tp},
                  after);
}

TaskPlace Replicas::agree_on_norm(const WaitSet& after) {
  const Plan& plan = tools_.plan;
  const GroupAxis axis = plan.strategy.zero >= 1 ? GroupAxis::world : GroupAxis::model;
  if (plan.mesh.group_size(axis) == 1) return {};
  const KindId kind = tools_.join(
      across_stages(axis), {"gradient_norm", CollectiveKind::all_reduce, Bytes(4), Component::dp});
  return tools_.script.append(tools_.script.lane("data"), kind, {.waits = after});
}

TaskPlace Replicas::update(const WaitSet& after) {
  const Plan& plan = tools_.plan;
  const bool divided = plan.strategy.zero >= 1;
  const auto share = [&](double parameters, GroupAxis axis) {
    return divided ? parameters / static_cast<double>(plan.mesh.group_size(axis)) : parameters;
  };
  const double updated = share(stage_.dense_parameters, GroupAxis::dp) +
                         share(stage_.expert_parameters, GroupAxis::expert_dp);
  const double held = stage_.dense_parameters + stage_.expert_parameters;
  const KindId kind = tools_.program.intern(tools_.kernels.optimizer(updated, held));
  return tools_.script.append(0, kind, {.waits = after});
}

void Replicas::finish(TaskPlace done) {
  const Plan& plan = tools_.plan;
  if (!trains()) return;
  reduce(dense_, done);
  reduce(expert_, done);
  WaitSet ready{done, reduced_};
  ready.add(sum_over_tensor(done));
  ready.add(sum_embedding(done));
  if (plan.job.optimizer == Optimizer::none) return;
  ready.add(agree_on_norm(ready));
  const TaskPlace updated = update(ready);
  if (plan.strategy.zero < 1 || plan.strategy.overlaps("parameters")) return;
  dense_.parameters = stage_.dense_parameters;
  expert_.parameters = stage_.expert_parameters;
  gather(dense_, updated);
  gather(expert_, updated);
}

}  // namespace orrery
