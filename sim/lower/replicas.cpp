#include "lower/replicas.hpp"

#include "lower/host_transfers.hpp"
#include "lower/replica_exchanges.hpp"

#include <algorithm>
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

/// ZeRO 1 and 2 gather parameters once a step; ZeRO 3 whenever they are needed.
bool Replicas::gathers_once() const {
  return tools_.plan.strategy.zero == 1 || tools_.plan.strategy.zero == 2;
}

/// Of gradients that are there when all are reduced, what one rank holds.
double Replicas::held(double parameters) const {
  const Strategy& s = tools_.plan.strategy;
  return s.zero >= 2 ? parameters / static_cast<double>(s.dense_shards()) : parameters;
}

bool Replicas::full(const Bucket& bucket, std::size_t chunk) const {
  const Software& software = tools_.plan.software;
  if (software.bucket_by_layer) return bucket.parameters > 0.0;
  if (stage_.chunks[chunk].virtual_stage.number > 0) return false;
  const std::int64_t ranks = tools_.plan.mesh.group_size(bucket.axis);
  const std::int64_t least =
      std::max(software.bucket_parameters, software.bucket_parameters_per_rank * ranks);
  return least > 0 && bucket.parameters >= static_cast<double>(least);
}

/// All replicas are reduced on one lane, and shares summed on one: waiting for the last means
/// waiting for all.
void Replicas::reduce(Bucket& bucket, TaskPlace done) {
  if (bucket.parameters > 0.0) {
    const Reduction reduction =
        reduce_gradients(tools_, bucket.axis, bucket.parameters, {.waits = {done}});
    if (reduction.reduced.exists()) reduced_ = reduction.reduced;
  }
  bucket.parameters = 0.0;
}

void Replicas::gather(Bucket& bucket, TaskPlace done) {
  const TaskPlace gathered =
      gather_parameters(tools_, bucket.axis, {bucket.parameters, bucket.narrow}, {.waits = {done}});
  if (gathered.exists()) {
    for (TaskPlace* layer : bucket.waiting) *layer = gathered;
  }
  bucket = {bucket.axis};
}

/// The buckets of a chunk as backward closes them.
std::vector<Replicas::Bucket> Replicas::buckets_of(std::size_t chunk) {
  const std::vector<PlacedLayer>& layers = stage_.chunks[chunk].layers;
  std::vector<Bucket> closed;
  Bucket dense{GroupAxis::dp};
  Bucket expert{GroupAxis::expert_dp};
  for (std::size_t i = layers.size(); i-- > 0;) {
    const LayerPlan& layer = tools_.plan.layers[layers[i].plan];
    const auto take = [&](Bucket& bucket, double parameters, double narrow) {
      if (parameters > 0.0) bucket.waiting.push_back(&parameters_[chunk][i]);
      bucket.parameters += parameters;
      bucket.narrow += narrow;
      if (i > 0 && !full(bucket, chunk)) return;
      closed.push_back(std::move(bucket));
      bucket = {closed.back().axis};
    };
    take(dense, layer.dense_parameters, layer.narrow_dense);
    take(expert, layer.expert_parameters, layer.narrow_expert);
  }
  return closed;
}

void Replicas::gather_ahead(const std::vector<std::size_t>& chunks) {
  const Plan& plan = tools_.plan;
  if (!trains() || !gathers_once() || !plan.strategy.overlaps("parameters")) return;
  for (const std::size_t chunk : chunks) {
    std::vector<Bucket> buckets = buckets_of(chunk);
    for (std::size_t i = buckets.size(); i-- > 0;) gather(buckets[i], {});
  }
}

TaskPlace Replicas::parameters_of(std::size_t chunk, std::size_t layer) const {
  return parameters_[chunk][layer];
}

void Replicas::gradients_ready(std::size_t chunk, std::size_t layer, TaskPlace done) {
  const LayerPlan& plan = tools_.plan.layers[stage_.chunks[chunk].layers[layer].plan];
  dense_.parameters += plan.dense_parameters;
  expert_.parameters += plan.expert_parameters;
  if (!tools_.plan.strategy.overlaps("gradients")) return;
  if (layer == 0 || full(dense_, chunk)) reduce(dense_, done);
  if (layer == 0 || full(expert_, chunk)) reduce(expert_, done);
}

TaskPlace Replicas::sum_embedding(TaskPlace after) {
  const Plan& plan = tools_.plan;
  const bool holds = tools_.stage == 0 || tools_.stage == plan.strategy.pp - 1;
  if (plan.embedding_copy == 0.0 || !holds) return {};
  const KindId kind =
      tools_.join(across_stages(GroupAxis::embedding),
                  {"embedding_gradient_sum", CollectiveKind::all_reduce,
                   bytes_of(held(plan.embedding_copy), plan.job.gradient_type), Component::dp});
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
  const KindId kind =
      tools_.join(within_stage(GroupAxis::tp, tools_.stage),
                  {"norm_gradient_sum", CollectiveKind::all_reduce,
                   bytes_of(held(parameters), tools_.plan.job.gradient_type), Component::tp});
  return tools_.script.append(tools_.script.lane(lane_name(GroupAxis::tp)), kind,
                              {.waits = {after}});
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
  const Strategy& s = plan.strategy;
  const double shared = stage_.dense_parameters / static_cast<double>(s.dense_shards()) +
                        stage_.expert_parameters / static_cast<double>(s.expert_shards());
  const double whole = stage_.dense_parameters + stage_.expert_parameters;
  const double updated = s.zero >= 1 ? shared : whole;
  const double gradients = s.zero >= 2 ? shared : whole;
  if (s.offloads("optimizer")) return update_on_host(updated, gradients, after);
  const KindId kind = tools_.program.intern(tools_.kernels.optimizer(updated, gradients));
  return tools_.script.append(0, kind, {.waits = after});
}

/// The compute lane ends with the step: what it waits for there is the optimizer's time.
TaskPlace Replicas::update_on_host(double updated, double gradients, const WaitSet& after) {
  const Job& job = tools_.plan.job;
  HostTransfers host(tools_);
  const KindId norm = tools_.program.intern(tools_.kernels.gradient_norm(updated, gradients));
  TaskOptions options{.waits = {tools_.script.append(0, norm, {.waits = after})}};
  constexpr Component component = Component::optimizer;
  options.waits = {
      host.store("gradients_to_host", bytes_of(updated, job.gradient_type), component, options)};
  const Bytes moved(std::llround(tools_.kernels.host_update_bytes(updated)));
  options.waits = {host.work("optimizer_on_host", moved, component, options)};
  options.waits = {host.fetch("parameters_from_host", bytes_of(updated, job.parameter_type),
                              component, options)};
  const KindId done = tools_.program.intern(
      {.name = "optimizer_done", .component = component, .action = Compute{}});
  return tools_.script.append(0, done, options);
}

void Replicas::finish(TaskPlace done, const WaitSet& units_reduced) {
  const Plan& plan = tools_.plan;
  if (!trains()) return;
  reduce(dense_, done);
  reduce(expert_, done);
  WaitSet ready{done, reduced_};
  ready.add(units_reduced);
  ready.add(sum_over_tensor(done));
  ready.add(sum_embedding(done));
  if (plan.job.optimizer == Optimizer::none) return;
  ready.add(agree_on_norm(ready));
  const TaskPlace updated = update(ready);
  if (!gathers_once() || plan.strategy.overlaps("parameters")) return;
  dense_.parameters = stage_.dense_parameters;
  dense_.narrow = stage_.narrow_dense;
  expert_.parameters = stage_.expert_parameters;
  expert_.narrow = stage_.narrow_expert;
  gather(dense_, updated);
  gather(expert_, updated);
}

}  // namespace orrery
