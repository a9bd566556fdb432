#include "lower/replica_exchanges.hpp"

#include "parallel/sharding.hpp"

#include <cmath>

namespace orrery {

namespace {

Bytes bytes_of(double parameters, NumberType type) {
  return Bytes(std::llround(parameters * bytes_per_element(type)));
}

TaskPlace exchange(StageTools& tools, GroupAxis axis, const OperationSpec& operation,
                   const TaskOptions& options) {
  if (tools.plan.mesh.group_size(axis) == 1 || operation.size == Bytes(0)) return {};
  const std::int64_t home = tools.plan.mesh.home_stage(axis, tools.stage);
  const GroupKind group{GroupKind::What::axis, axis, home, home};
  return tools.script.append(tools.script.lane(lane_name(axis)), tools.join(group, operation),
                             options);
}

}  // namespace

Reduction reduce_gradients(StageTools& tools, GroupAxis axis, double parameters,
                           const TaskOptions& options) {
  const Plan& plan = tools.plan;
  const Bytes size = bytes_of(parameters, gradient_wire(plan));
  if (plan.strategy.zero == 0) {
    const TaskPlace summed = exchange(
        tools, axis, {"gradient_sum", CollectiveKind::all_reduce, size, Component::dp}, options);
    return {summed, summed};
  }
  const GroupAxis shards = plan.mesh.sharding_axis(axis);
  const TaskPlace scattered =
      exchange(tools, shards,
               {"gradient_scatter", CollectiveKind::reduce_scatter, size, Component::dp}, options);
  if (shards == axis) return {scattered, scattered};
  TaskOptions behind = options;
  behind.waits.add(scattered);
  const double share = parameters / static_cast<double>(plan.mesh.group_size(shards));
  const OperationSpec sum{"gradient_share_sum", CollectiveKind::all_reduce,
                          bytes_of(share, gradient_wire(plan)), Component::dp};
  return {scattered, exchange(tools, Mesh::replicating_axis(axis), sum, behind)};
}

TaskPlace gather_parameters(StageTools& tools, GroupAxis axis, const Gathered& gathered,
                            const TaskOptions& options) {
  const Plan& plan = tools.plan;
  const double narrow = plan.job.low_precision.gathers_narrow() ? gathered.narrow : 0.0;
  const Bytes size = bytes_of(gathered.parameters - narrow, gather_type(plan)) +
                     bytes_of(narrow, plan.job.precision);
  return exchange(tools, plan.mesh.sharding_axis(axis),
                  {"parameter_gather", CollectiveKind::all_gather, size, Component::dp}, options);
}

}  // namespace orrery
