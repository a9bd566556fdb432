#include "lower/host_transfers.hpp"

#include <utility>

namespace orrery {

namespace {
constexpr std::uint16_t compute_lane = 0;
}  // namespace

// ---- Copies and work ----------------------------------------------------------------------------

TaskPlace HostTransfers::move(GroupKind::What what, const OperationSpec& operation,
                              const TaskOptions& options) {
  if (operation.size == Bytes(0)) return {};
  const GroupKind group{what, GroupAxis::tp, tools_.stage, tools_.stage};
  const std::uint16_t lane = tools_.script.lane(slot_name(group));
  return tools_.script.append(lane, tools_.join(group, operation), options);
}

TaskPlace HostTransfers::store(std::string name, Bytes bytes, Component component,
                               const TaskOptions& options) {
  return move(GroupKind::What::to_host,
              {std::move(name), CollectiveKind::send_recv, bytes, component}, options);
}

TaskPlace HostTransfers::fetch(std::string name, Bytes bytes, Component component,
                               const TaskOptions& options) {
  return move(GroupKind::What::from_host,
              {std::move(name), CollectiveKind::send_recv, bytes, component}, options);
}

TaskPlace HostTransfers::work(std::string name, Bytes bytes, Component component,
                              const TaskOptions& options) {
  return move(GroupKind::What::in_host,
              {std::move(name), CollectiveKind::send_recv, bytes, component}, options);
}

// ---- Activations --------------------------------------------------------------------------------

Bytes OffloadedActivations::bytes_of(std::size_t chunk, std::size_t layer) const {
  return tools_.plan.layers[stage_.chunks[chunk].layers[layer].plan].saved;
}

void OffloadedActivations::free_left(const TaskOptions& options) {
  if (leaving_ == Bytes(0)) return;
  TaskOptions behind = options;
  behind.waits = {std::exchange(left_, {})};
  const Bytes bytes = std::exchange(leaving_, Bytes(0));
  tools_.script.append(compute_lane, tools_.release(MemoryCategory::activations, bytes), behind);
}

void OffloadedActivations::leave_forward(std::size_t chunk, std::size_t layer,
                                         const TaskOptions& options) {
  if (!offloads_activations(tools_.plan, stage_.chunks[chunk], layer)) return;
  free_left(options);
  TaskOptions behind = options;
  behind.waits = {tools_.script.last(compute_lane)};
  leaving_ = bytes_of(chunk, layer);
  left_ = transfers_.store("activations_to_host", leaving_, Component::other, behind);
}

void OffloadedActivations::fetch(std::size_t chunk, std::size_t layer, const TaskOptions& options) {
  const Bytes bytes = bytes_of(chunk, layer);
  const KindId room = tools_.allocate(MemoryCategory::activations, bytes);
  TaskOptions behind = options;
  behind.layer = stage_.chunks[chunk].layers[layer].number;
  behind.waits = {tools_.script.append(compute_lane, room, options)};
  back_[layer] = transfers_.fetch("activations_from_host", bytes, Component::other, behind);
}

TaskPlace OffloadedActivations::enter_backward(std::size_t chunk, std::size_t layer,
                                               const TaskOptions& options) {
  const ChunkPlan& at = stage_.chunks[chunk];
  free_left(options);
  const bool mine = offloads_activations(tools_.plan, at, layer);
  if (mine && !back_.contains(layer)) fetch(chunk, layer, options);
  const TaskPlace here = mine ? back_.at(layer) : TaskPlace{};
  back_.erase(layer);
  const std::optional<std::size_t> next = offloaded_before(tools_.plan, at, layer);
  if (next && !back_.contains(*next)) fetch(chunk, *next, options);
  return here;
}

}  // namespace orrery
