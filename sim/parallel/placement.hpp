// Placement: which GPU each rank runs on.
#pragma once

#include "base/ids.hpp"
#include "parallel/mesh.hpp"

#include <cstdint>
#include <vector>

namespace orrery {

/// Nodes that no rank runs on, because a GPU of theirs has failed: launchers take nodes whole.
struct Outage {
  std::int64_t gpus_per_node = 1;
  std::vector<std::int64_t> nodes{};  ///< ascending, each once

  bool holds(std::int64_t node) const;
};

/// The n-th of the GPUs whose nodes are in service.
std::int64_t nth_gpu(std::int64_t n, const Outage& outage);

/// Rank i on the i-th GPU in service, as launchers number them; `order` of the strategy decides who
/// that makes neighbours.
std::vector<VertexId> place(const Mesh& mesh, const Outage& outage = {});

}  // namespace orrery
