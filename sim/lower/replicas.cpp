#include "lower/replicas.hpp"

#include <cmath>

namespace orrery {

namespace {

Bytes bytes_of(double parameters, NumberType type) {
  return Bytes(std::llround(parameters * bytes_per_element(type)));
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
  const Bytes limit = tools_.plan.software.gradient_bucket;
  const Bytes held = bytes_of(bucket.dense + bucket.expert, tools_.plan.job.gradient_type);
  return limit > Bytes(0) && held >= limit;
}

TaskPlace Replicas::exchange(GroupAxis axis, const OperationSpec& operation, TaskPlace after) {
  const KindId kind = tools_.join(within_stage(axis, tools_.stage), operation);
  return tools_.script.append(tools_.script.lane(lane_name(axis)), kind, {.waits = {after}});
}

TaskPlace Replicas::reduce(const Bucket& bucket, TaskPlace done) {
  const Plan& plan = tools_.plan;
  const bool scatters = plan.strategy.zero >= 1;
  const auto reduce_over = [&](GroupAxis axis, double parameters) {
    if (parameters == 0.0 || plan.mesh.group_size(axis) == 1) return;
    reduced_ = exchange(axis,
                        {scatters ? "gradient_scatter" : "gradient_sum",
                         scatters ? CollectiveKind::reduce_scatter : CollectiveKind::all_reduce,
                         bytes_of(parameters, plan.job.gradient_type), Component::dp},
                        done);
  };
  reduce_over(GroupAxis::dp, bucket.dense);
  reduce_over(GroupAxis::expert_dp, bucket.expert);
  return reduced_;
}

TaskPlace Replicas::gather(const Bucket& bucket, TaskPlace done) {
  const Plan& plan = tools_.plan;
  TaskPlace last;
  const auto gather_over = [&](GroupAxis axis, double parameters) {
    if (parameters == 0.0 || plan.mesh.group_size(axis) == 1) return;
    last = exchange(axis,
                    {"parameter_gather", CollectiveKind::all_gather,
                     bytes_of(parameters, plan.job.parameter_type), Component::dp},
                    done);
  };
  gather_over(GroupAxis::dp, bucket.dense);
  gather_over(GroupAxis::expert_dp, bucket.expert);
  return last;
}

void Replicas::gather_ahead() {
  const Plan& plan = tools_.plan;
  if (!trains() || plan.strategy.zero < 1 || !plan.strategy.overlaps("parameters")) return;
  Bucket bucket;
  std::vector<TaskPlace*> waiting;
  const auto flush = [&] {
    const TaskPlace gathered = gather(bucket, {});
    for (TaskPlace* layer : waiting) *layer = gathered;
    waiting.clear();
    bucket = {};
  };
  for (std::size_t chunk = 0; chunk < stage_.chunks.size(); ++chunk) {
    const std::vector<PlacedLayer>& layers = stage_.chunks[chunk].layers;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      bucket.dense += plan.layers[layers[i].plan].dense_parameters;
      bucket.expert += plan.layers[layers[i].plan].expert_parameters;
      waiting.push_back(&parameters_[chunk][i]);
      if (full(bucket)) flush();
    }
  }
  flush();
}

TaskPlace Replicas::parameters_of(std::size_t chunk, std::size_t layer) const {
  return parameters_[chunk][layer];
}

void Replicas::gradients_ready(const LayerPlan& layer, TaskPlace done) {
  open_.dense += layer.dense_parameters;
  open_.expert += layer.expert_parameters;
  if (!tools_.plan.strategy.overlaps("gradients") || !full(open_)) return;
  reduce(open_, done);
  open_ = {};
}

TaskPlace Replicas::sum_embedding(TaskPlace after) {
  const Plan& plan = tools_.plan;
  const std::int64_t last = plan.strategy.pp - 1;
  const bool holds = tools_.stage == 0 || tools_.stage == last;
  if (!plan.model.tied_embeddings || last == 0 || !holds) return {};
  const double parameters = plan.layers.front().dense_parameters;
  const KindId kind = tools_.join(across_stages(GroupAxis::embedding),
                                  {"embedding_gradient_sum", CollectiveKind::all_reduce,
                                   bytes_of(parameters, plan.job.gradient_type), Component::dp});
  return tools_.script.append(tools_.script.lane("data"), kind, {.waits = {after}});
}

TaskPlace Replicas::agree_on_norm(TaskPlace after) {
  const Plan& plan = tools_.plan;
  const GroupAxis axis = plan.strategy.zero >= 1 ? GroupAxis::world : GroupAxis::model;
  if (plan.mesh.group_size(axis) == 1) return {};
  const KindId kind = tools_.join(
      across_stages(axis), {"gradient_norm", CollectiveKind::all_reduce, Bytes(4), Component::dp});
  return tools_.script.append(tools_.script.lane("data"), kind, {.waits = {after}});
}

TaskPlace Replicas::update(const WaitSet& after) {
  const Plan& plan = tools_.plan;
  const bool divided = plan.strategy.zero >= 1;
  const auto share = [&](double parameters, GroupAxis axis) {
    return divided ? parameters / static_cast<double>(plan.mesh.group_size(axis)) : parameters;
  };
  const double parameters = share(stage_.dense_parameters, GroupAxis::dp) +
                            share(stage_.expert_parameters, GroupAxis::expert_dp);
  const KindId kind = tools_.program.intern(tools_.kernels.optimizer(parameters));
  return tools_.script.append(0, kind, {.waits = after});
}

void Replicas::finish(TaskPlace done) {
  const Plan& plan = tools_.plan;
  if (!trains()) return;
  if (!open_.empty()) reduce(open_, done);
  WaitSet ready{done, reduced_};
  ready.add(sum_embedding(done));
  if (plan.job.optimizer == Optimizer::none) return;
  ready.add(agree_on_norm(done));
  const TaskPlace updated = update(ready);
  if (plan.strategy.zero < 1 || plan.strategy.overlaps("parameters")) return;
  gather({stage_.dense_parameters, stage_.expert_parameters}, updated);
}

}  // namespace orrery
