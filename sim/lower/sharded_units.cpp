#include "lower/sharded_units.hpp"

#include "lower/replica_exchanges.hpp"

#include <string>
#include <utility>

namespace orrery {

ShardedUnits::ShardedUnits(StageTools& tools, const StagePlan& stage)
    : tools_(tools), stage_(stage), walk_(tools.plan, stage) {}

void ShardedUnits::gather(std::size_t unit, const TaskOptions& options) {
  const ShardedUnit& at = walk_.unit(unit);
  const KindId room = tools_.allocate(MemoryCategory::parameters, at.gathered);
  TaskOptions behind = options;
  behind.layer = stage_.chunks[at.chunk].layers[at.first].number;
  behind.waits = {tools_.script.append(0, room, options)};
  if (gathered_.size() <= unit) gathered_.resize(unit + 1);
  gathered_[unit] = {
      gather_parameters(tools_, GroupAxis::dp, {at.dense_parameters}, behind),
      gather_parameters(tools_, GroupAxis::expert_dp, {at.expert_parameters}, behind)};
}

WaitSet ShardedUnits::enter(const LayerPass& pass, const TaskOptions& options) {
  const UnitEvents events = walk_.enter(pass);
  for (const std::size_t unit : events.gathers) gather(unit, options);
  if (events.takes_gradients) {
    const Bytes bytes = walk_.unit(*events.takes_gradients).gradients;
    change(tools_.allocate(MemoryCategory::gradients, bytes), options);
  }
  if (!walk_.divides() || gathered_.size() <= walk_.unit_of(pass)) return {};
  return lay_out(walk_.unit_of(pass), options);
}

/// What must be waited for before the unit computes, once; with a copy, that it has begun.
WaitSet ShardedUnits::lay_out(std::size_t unit, const TaskOptions& options) {
  const WaitSet gathered = std::exchange(gathered_[unit], {});
  if (gathered.places().empty() || !tools_.plan.software.copies("parameters")) return gathered;
  const auto bytes = static_cast<double>(walk_.unit(unit).gathered.value());
  TaskOptions behind = options;
  behind.waits = gathered;
  copy("parameter_copy", 2.0 * bytes, behind);
  return {};
}

void ShardedUnits::copy(std::string name, double bytes, const TaskOptions& options) {
  change(tools_.program.intern(tools_.kernels.copy(std::move(name), bytes)), options);
}

void ShardedUnits::free_buffer() {
  if (buffer_ == Bytes(0)) return;
  change(tools_.release(MemoryCategory::gradients, buffer_), {.waits = buffer_free_});
  buffer_ = Bytes(0);
  buffer_free_ = {};
}

void ShardedUnits::reduce(std::size_t unit, const TaskOptions& options) {
  const ShardedUnit& at = walk_.unit(unit);
  free_buffer();
  buffer_ = at.buffer;
  change(tools_.allocate(MemoryCategory::gradients, buffer_), options);
  if (tools_.plan.software.copies("gradients")) {
    const Bytes bytes = at.gradients + buffer_;
    copy("gradient_copy", static_cast<double>(bytes.value()), options);
  }
  change(tools_.release(MemoryCategory::gradients, at.gradients), options);
  TaskOptions behind = options;
  behind.waits = {tools_.script.last(0)};
  for (const auto& [axis, parameters] : {std::pair(GroupAxis::dp, at.dense_parameters),
                                         std::pair(GroupAxis::expert_dp, at.expert_parameters)}) {
    const Reduction reduction = reduce_gradients(tools_, axis, parameters, behind);
    buffer_free_.add(reduction.scattered);
    reduced_.add(reduction.reduced);
  }
  if (!tools_.plan.strategy.overlaps("gradients")) free_buffer();
}

void ShardedUnits::leave(const LayerPass& pass, const TaskOptions& options) {
  const UnitEvents events = walk_.leave(pass);
  if (events.gives_up) {
    const Bytes bytes = walk_.unit(*events.gives_up).gathered;
    change(tools_.release(MemoryCategory::parameters, bytes), options);
  }
  if (events.reduces) reduce(*events.reduces, options);
}

WaitSet ShardedUnits::finish() {
  free_buffer();
  return reduced_;
}

}  // namespace orrery
