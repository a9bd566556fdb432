// What replicas of a stage do together once a step: reduce gradients, agree on their norm, update,
// gather parameters. With ZeRO 2 gradients, with 3 parameters too are left to sharded_units.hpp.
//
// Dense parameters have dp · cp replicas, expert parameters expert_dp; both are bucketed apart, in
// the order in which backward finishes layers. ZeRO 0 all-reduces gradients; from 1 on they are
// reduce-scattered, the optimizer updates its share, and parameters are all-gathered, bucket by
// bucket in the opposite order. A bucket closes with the layer that brings it to
// max(bucket_parameters, bucket_parameters_per_rank · dp) parameters, or with every layer, as the
// stack has it; by size only the first chunk of the first stage is cut, whose exchanges nothing
// else hides, and no bucket spans chunks (Megatron-Core, DistributedDataParallel). Gradients travel
// in the stack's gradient_wire type, parameters in its gather type.
//
// An offloaded optimizer takes the rank's share of the gradients down to the host, updates it there
// and brings the parameters back, one after the other.
//
// With sequence parallelism gradients of norms and whatever else tensor ranks hold whole are summed
// over tp once a step; those of an embedding that two stages hold over these. Where the schedule
// holds the weights twice, the two ranks that hold a stage are replicas like any other.
#pragma once

#include "lower/layer_template.hpp"

#include <vector>

namespace orrery {

class Replicas {
 public:
  Replicas(StageTools& tools, const StagePlan& stage);

  /// Queues the gathering of parameters ahead of the first forward, when that is overlapped: of the
  /// chunks in the order in which forwards first run through them.
  void gather_ahead(const std::vector<std::size_t>& chunks);
  /// What the first forward of the layer must wait for; nothing when parameters are in place.
  TaskPlace parameters_of(std::size_t chunk, std::size_t layer) const;

  /// The last micro-batch has left the layer of the chunk in backward at `done`.
  void gradients_ready(std::size_t chunk, std::size_t layer, TaskPlace done);
  /// Everything after the last backward: what is left to reduce, the norm, the optimizer, the
  /// gathering. `units_reduced` is when gradients are that are not reduced here.
  void finish(TaskPlace done, const WaitSet& units_reduced);

 private:
  /// Parameters of one kind of replicas that travel together.
  struct Bucket {
    GroupAxis axis;
    double parameters = 0.0;
    double narrow = 0.0;                ///< of these, those that may travel in 8 bits
    std::vector<TaskPlace*> waiting{};  ///< gathering: the layers that need it
  };

  bool trains() const { return tools_.plan.training(); }
  bool gathers_once() const;
  double held(double parameters) const;
  bool full(const Bucket& bucket, std::size_t chunk) const;
  std::vector<Bucket> buckets_of(std::size_t chunk);
  void reduce(Bucket& bucket, TaskPlace done);
  void gather(Bucket& bucket, TaskPlace done);
  TaskPlace agree_on_norm(const WaitSet& after);
  TaskPlace sum_embedding(TaskPlace after);
  TaskPlace sum_over_tensor(TaskPlace after);
  TaskPlace update(const WaitSet& after);
  TaskPlace update_on_host(double updated, double gradients, const WaitSet& after);

  StageTools& tools_;
  const StagePlan& stage_;
  Bucket dense_{GroupAxis::dp};
  Bucket expert_{GroupAxis::expert_dp};
  TaskPlace reduced_;
  std::vector<std::vector<TaskPlace>> parameters_;  ///< by chunk, layer
};

}  // namespace orrery
