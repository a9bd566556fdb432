// The tasks of ZeRO 2 and 3 around the layers of a stage: what parallel/sharding.hpp says happens
// with a unit, as gathers, reductions and changes of memory.
//
// Memory changes on the compute lane: room for a unit is taken when the unit ahead of it begins,
// and its gather waits for that; the first kernel of a unit waits for its gather. Behind the last
// kernel of a unit's backward the compute lane waits until the buffer of the unit before is free,
// takes one for its own gradients and lets their reduction begin; without the overlap of gradients
// it waits for that one too.
//
// Where the stack copies (Software::bucket_copies), a kernel lays gathered parameters out into the
// tensors that products read, another gradients into the buffer: each reads and writes all of them.
// Casting a rank's own share before it is gathered is not priced.
#pragma once

#include "lower/layer_template.hpp"
#include "parallel/sharding.hpp"

#include <string>
#include <vector>

namespace orrery {

class ShardedUnits {
 public:
  ShardedUnits(StageTools& tools, const StagePlan& stage);

  /// Whether gradients are reduced here, and not once a step.
  bool divides() const { return walk_.divides(); }

  /// The pass is about to queue the layer's kernels, the first of which must wait for what is
  /// returned.
  WaitSet enter(const LayerPass& pass, const TaskOptions& options);
  /// All kernels of the layer are queued.
  void leave(const LayerPass& pass, const TaskOptions& options);
  /// After the last backward: frees what is left; what the optimizer must wait for.
  WaitSet finish();

 private:
  void gather(std::size_t unit, const TaskOptions& options);
  void reduce(std::size_t unit, const TaskOptions& options);
  WaitSet lay_out(std::size_t unit, const TaskOptions& options);
  void copy(std::string name, double bytes, const TaskOptions& options);
  void free_buffer();
  void change(KindId kind, const TaskOptions& options) { tools_.script.append(0, kind, options); }

  StageTools& tools_;
  const StagePlan& stage_;
  UnitWalk walk_;
  std::vector<WaitSet> gathered_;  ///< by unit
  Bytes buffer_;                   ///< under way
  WaitSet buffer_free_;
  WaitSet reduced_;
};

}  // namespace orrery
