// Names of vertices, made when somebody asks: a cluster of 131,072 GPUs has a third of a million
// of them.
//
// Vertices are added in ranges. A range has a pattern with a '#' for each of its extents, the last
// one running fastest: "node[#].gpu[#]" over {16384, 8} names 131,072 vertices.
#pragma once

#include "base/ids.hpp"
#include "cluster/cluster.hpp"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace orrery {

struct VertexRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  VertexKind kind = VertexKind::gpu;
  std::string pattern;
  std::vector<std::uint32_t> extents;
};

/// The range that holds a vertex. `ranges` ascend by first and leave no gap.
const VertexRange& range_of(std::span<const VertexRange> ranges, VertexId vertex);

std::string name_of(std::span<const VertexRange> ranges, VertexId vertex);

/// The vertex of that name, or nothing.
std::optional<VertexId> find_vertex(std::span<const VertexRange> ranges, std::string_view name);

}  // namespace orrery
