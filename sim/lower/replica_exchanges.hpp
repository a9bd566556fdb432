// The exchanges of gradients and parameters between replicas, as tasks: what ZeRO 0 and 1 do once a
// step (replicas.hpp) and ZeRO 2 and 3 around units (sharded_units.hpp) is queued here.
//
// ZeRO 0 all-reduces gradients. From 1 on they are reduce-scattered over the ranks that divide
// them; with dp_replicate the shares are then all-reduced over the ranks that hold the same one, on
// a lane of its own (HSDP; Megatron-Core's instances of the distributed optimizer). Parameters are
// all-gathered over the ranks that divide them. Everything of one lane goes by in the order in
// which it is queued, as the collectives of one communicator do.
#pragma once

#include "lower/layer_template.hpp"

namespace orrery {

/// How one bucket of gradients is reduced.
struct Reduction {
  TaskPlace scattered;  ///< the bucket may be reused
  TaskPlace reduced;    ///< this rank's share is the sum over all replicas
};

/// Parameters that travel together; those of products in 8 bits may travel in 8.
struct Gathered {
  double parameters = 0.0;
  double narrow = 0.0;  ///< of these
};

/// Of replicas along `axis`, dp or expert_dp; nothing when there is one replica or no parameter.
Reduction reduce_gradients(StageTools& tools, GroupAxis axis, double parameters,
                           const TaskOptions& options);
TaskPlace gather_parameters(StageTools& tools, GroupAxis axis, const Gathered& gathered,
                            const TaskOptions& options);

}  // namespace orrery
