#include "parallel/placement.hpp"

#include <algorithm>

namespace orrery {

bool Outage::holds(std::int64_t node) const { return std::ranges::binary_search(nodes, node); }

std::int64_t nth_gpu(std::int64_t n, const Outage& outage) {
  std::int64_t node = n / outage.gpus_per_node;
  for (const std::int64_t failed : outage.nodes) {
    if (failed > node) break;
    ++node;
  }
  return node * outage.gpus_per_node + n % outage.gpus_per_node;
}

std::vector<VertexId> place(const Mesh& mesh, const Outage& outage) {
  std::vector<VertexId> gpus(mesh.size());
  for (std::size_t rank = 0; rank < gpus.size(); ++rank) {
    const std::int64_t gpu = nth_gpu(static_cast<std::int64_t>(rank), outage);
    gpus[rank] = id_at<VertexId>(static_cast<std::size_t>(gpu));
  }
  return gpus;
}

}  // namespace orrery
