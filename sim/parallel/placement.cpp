#include "parallel/placement.hpp"

namespace orrery {

std::vector<VertexId> place(const Mesh& mesh) {
  std::vector<VertexId> gpus(mesh.size());
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) gpus[rank] = id_at<VertexId>(rank);
  return gpus;
}

}  // namespace orrery
