// Placement: which GPU each rank runs on.
#pragma once

#include "base/ids.hpp"
#include "parallel/mesh.hpp"

#include <vector>

namespace orrery {

/// Rank i on GPU i, as launchers number them; `order` of the strategy decides who that makes
/// neighbours.
std::vector<VertexId> place(const Mesh& mesh);

}  // namespace orrery
