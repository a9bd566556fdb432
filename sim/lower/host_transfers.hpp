// What ranks offload, as tasks: copies to and from the memory of the host by copy engines, on a
// lane each way, and the optimizer step that the host does (parallel/offload.hpp says what and
// when; cluster/host.hpp over which links).
//
// Memory changes on the compute lane. When a layer has left, that lane waits for the copy and gives
// its room back: at the end of the next layer's forward, or before a backward if none comes first.
// Room for a layer that comes back is taken before the backward behind which it comes.
#pragma once

#include "lower/layer_template.hpp"
#include "parallel/offload.hpp"

#include <map>
#include <string>

namespace orrery {

class HostTransfers {
 public:
  explicit HostTransfers(StageTools& tools) : tools_(tools) {}

  TaskPlace store(std::string name, Bytes bytes, Component component, const TaskOptions& options);
  TaskPlace fetch(std::string name, Bytes bytes, Component component, const TaskOptions& options);
  /// Bytes that the host reads and writes.
  TaskPlace work(std::string name, Bytes bytes, Component component, const TaskOptions& options);

 private:
  TaskPlace move(GroupKind::What what, const OperationSpec& operation, const TaskOptions& options);

  StageTools& tools_;
};

class OffloadedActivations {
 public:
  OffloadedActivations(StageTools& tools, const StagePlan& stage)
      : tools_(tools), stage_(stage), transfers_(tools) {}

  bool any() const { return tools_.plan.strategy.offloads("activations"); }

  /// The kernels of the layer's forward are queued: it leaves, and the one before has left.
  void leave_forward(std::size_t chunk, std::size_t layer, const TaskOptions& options);
  /// Its backward comes next; the first kernel must wait for what is returned.
  TaskPlace enter_backward(std::size_t chunk, std::size_t layer, const TaskOptions& options);

 private:
  Bytes bytes_of(std::size_t chunk, std::size_t layer) const;
  void free_left(const TaskOptions& options);
  void fetch(std::size_t chunk, std::size_t layer, const TaskOptions& options);

  StageTools& tools_;
  const StagePlan& stage_;
  HostTransfers transfers_;
  Bytes leaving_;
  TaskPlace left_;
  std::map<std::size_t, TaskPlace> back_;  ///< by layer of the chunk whose backward is running
};

}  // namespace orrery
