// Who reaches whom in a network that was drawn link by link, where nothing is certain by
// construction. A way goes as ShortestPaths goes: over links that carry something, and through a
// GPU only where GPUs forward.
#pragma once

#include "cluster/parts.hpp"

#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace orrery {

struct Unmet {
  VertexId source{};
  VertexId target{};
};

/// Two of the vertices of which the first does not reach the second, or nothing. In time linear in
/// the network when all reach one switch and are reached from it.
std::optional<Unmet> find_unmet(const ClusterParts& parts, std::span<const VertexId> ends);

std::vector<VertexId> all_gpus(const ClusterParts& parts);
/// Adapters beside a GPU; empty where there are none.
std::vector<VertexId> all_adapters(const ClusterParts& parts);

}  // namespace orrery
