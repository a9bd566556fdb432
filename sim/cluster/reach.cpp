#include "cluster/reach.hpp"

#include "cluster/shortest_paths.hpp"

#include <algorithm>

namespace orrery {

namespace {

using Flags = std::vector<char>;  ///< by vertex

bool lets_through(const ClusterParts& parts, VertexId vertex) {
  return parts.kinds[vertex] != VertexKind::gpu || gpus_let_through(parts);
}

/// Links by the vertex they lead to.
std::vector<std::vector<LinkId>> links_into(const ClusterParts& parts) {
  std::vector<std::vector<LinkId>> into(parts.kinds.size());
  for (std::size_t i = 0; i < parts.links.size(); ++i) {
    const auto id = id_at<LinkId>(i);
    if (!parts.failed(id)) into[index_of(parts.links[id].target)].push_back(id);
  }
  return into;
}

/// What a way from `hub` leads to.
Flags reached_from(const ClusterParts& parts, VertexId hub) {
  Flags reached(parts.kinds.size(), 0);
  const ShortestPaths paths(parts, hub);
  for (std::size_t v = 0; v < reached.size(); ++v) reached[v] = paths.reaches(id_at<VertexId>(v));
  return reached;
}

/// From what a way leads to `hub`.
Flags reaching(const ClusterParts& parts, VertexId hub) {
  const std::vector<std::vector<LinkId>> into = links_into(parts);
  Flags found(parts.kinds.size(), 0);
  std::vector<VertexId> open{hub};
  found[index_of(hub)] = 1;
  while (!open.empty()) {
    const VertexId here = open.back();
    open.pop_back();
    if (!lets_through(parts, here)) continue;
    for (const LinkId id : into[index_of(here)]) {
      const VertexId source = parts.links[id].source;
      if (found[index_of(source)] != 0) continue;
      found[index_of(source)] = 1;
      open.push_back(source);
    }
  }
  return found;
}

/// Whether all reach a vertex beside the first of them and are reached from it.
bool meet_at_a_hub(const ClusterParts& parts, std::span<const VertexId> ends) {
  for (const LinkId id : parts.out_links(ends.front())) {
    const VertexId hub = parts.links[id].target;
    if (parts.failed(id) || !lets_through(parts, hub)) continue;
    const Flags there = reaching(parts, hub);
    const Flags back = reached_from(parts, hub);
    return std::ranges::all_of(
        ends, [&](VertexId v) { return there[index_of(v)] != 0 && back[index_of(v)] != 0; });
  }
  return false;
}

}  // namespace

std::optional<Unmet> find_unmet(const ClusterParts& parts, std::span<const VertexId> ends) {
  if (ends.size() < 2 || meet_at_a_hub(parts, ends)) return std::nullopt;
  for (const VertexId source : ends) {
    const ShortestPaths paths(parts, source);
    for (const VertexId target : ends) {
      if (!paths.reaches(target)) return Unmet{source, target};
    }
  }
  return std::nullopt;
}

std::vector<VertexId> all_gpus(const ClusterParts& parts) {
  std::vector<VertexId> gpus(std::size_t{parts.shape.nodes} * parts.shape.gpus_per_node);
  for (std::size_t i = 0; i < gpus.size(); ++i) gpus[i] = id_at<VertexId>(i);
  return gpus;
}

std::vector<VertexId> all_adapters(const ClusterParts& parts) {
  std::vector<VertexId> adapters;
  if (parts.shape.nics_per_node == 0) return adapters;
  for (const VertexId gpu : all_gpus(parts)) {
    const VertexId nic = parts.nic(parts.node_of(gpu), parts.rail_of(gpu));
    if (adapters.empty() || adapters.back() != nic) adapters.push_back(nic);
  }
  return adapters;
}

}  // namespace orrery
