// What replicas of a stage do together: reduce gradients, agree on their norm, update, gather
// parameters.
//
// Dense parameters have dp · cp replicas, expert parameters expert_dp; both are bucketed in the
// order in which backward finishes layers. ZeRO 0 all-reduces gradients; from 1 on they are
// reduce-scattered, the optimizer updates its share, and parameters are all-gathered.
#pragma once

#include "lower/layer_template.hpp"

#include <vector>

namespace orrery {

class Replicas {
 public:
  Replicas(StageTools& tools, const StagePlan& stage);

  /// Queues the gathering of parameters ahead of the first forward, when that is overlapped.
  void gather_ahead();
  /// What the first forward of the layer must wait for; nothing when parameters are in place.
  TaskPlace parameters_of(std::size_t chunk, std::size_t layer) const;

  /// The last micro-batch has left the layer in backward at `done`.
  void gradients_ready(const LayerPlan& layer, TaskPlace done);
  /// Everything after the last backward: what is left to reduce, the norm, the optimizer, the
  /// gathering.
  void finish(TaskPlace done);

 private:
  struct Bucket {
    double dense = 0.0;
    double expert = 0.0;
    bool empty() const { return dense == 0.0 && expert == 0.0; }
  };

  bool trains() const { return tools_.plan.training(); }
  bool full(const Bucket& bucket) const;
  TaskPlace reduce(const Bucket& bucket, TaskPlace done);
  TaskPlace gather(const Bucket& bucket, TaskPlace done);
  TaskPlace exchange(GroupAxis axis, const OperationSpec& operation, TaskPlace after);
  TaskPlace agree_on_norm(TaskPlace after);
  TaskPlace sum_embedding(TaskPlace after);
  TaskPlace update(const WaitSet& after);

  StageTools& tools_;
  const StagePlan& stage_;
  Bucket open_;
  TaskPlace reduced_;
  std::vector<std::vector<TaskPlace>> parameters_;  ///< by chunk, layer
};

}  // namespace orrery
