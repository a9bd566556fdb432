#include "cluster/shortest_paths.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace orrery {

ShortestPaths::ShortestPaths(const ClusterParts& parts, VertexId source)
    : parts_(&parts),
      hops_(parts.kinds.size(), unreached),
      paths_(parts.kinds.size(), 0.0),
      latency_(parts.kinds.size(), Duration{0}) {
  const bool through_gpus = gpus_let_through(parts);
  std::vector<VertexId> reached{source};
  std::size_t level_end = 1;
  hops_[index_of(source)] = 0;
  paths_[index_of(source)] = 1.0;
  for (std::size_t i = 0; i < reached.size(); ++i) {
    if (i == level_end) {
      level_end = reached.size();
      rescale(std::span(reached).subspan(i));
    }
    const VertexId here = reached[i];
    if (i > 0 && !through_gpus && parts.kinds[here] == VertexKind::gpu) continue;
    const std::size_t h = index_of(here);
    for (const LinkId id : parts.out_links(here)) {
      if (parts.failed(id)) continue;
      const std::size_t t = index_of(parts.links[id].target);
      if (hops_[t] == unreached) {
        hops_[t] = hops_[h] + 1;
        reached.push_back(parts.links[id].target);
      }
      if (hops_[t] != hops_[h] + 1) continue;
      paths_[t] += paths_[h];
      latency_[t] = std::max(latency_[t], latency_[h] + parts.links[id].latency);
      used_.push_back(id);
    }
  }
}

/// Two ways at every turn are 2^turns paths, which a double holds for a thousand turns. Only ratios
/// within a level matter; the smallest stay above nothing.
void ShortestPaths::rescale(std::span<const VertexId> level) {
  constexpr double most = 0x1p500;
  constexpr double least = 0x1p-900;
  const bool large = std::ranges::any_of(
      level, [this](VertexId vertex) { return paths_[index_of(vertex)] > most; });
  if (!large) return;
  for (const VertexId vertex : level) {
    paths_[index_of(vertex)] = std::max(least, paths_[index_of(vertex)] / most);
  }
}

std::vector<LinkCrossing> ShortestPaths::crossings(std::span<const Bound> bound) const {
  std::map<VertexId, std::uint64_t> due;
  for (const Bound& b : bound) due[b.target] += b.weight;
  // Links sorted so that a vertex hands back its due only after all of it has arrived.
  std::vector<LinkId> links = used_;
  std::ranges::stable_sort(links, [this](LinkId a, LinkId b) {
    const auto key = [this](LinkId id) {
      const VertexId target = parts_->links[id].target;
      return std::pair(~hops_[index_of(target)], target);
    };
    return key(a) < key(b);
  });
  std::vector<LinkCrossing> crossings;
  for (std::size_t begin = 0; begin < links.size();) {
    const VertexId target = parts_->links[links[begin]].target;
    const auto found = due.find(target);
    double all_paths = 0.0;
    for (std::size_t i = begin; i < links.size() && parts_->links[links[i]].target == target; ++i) {
      all_paths += paths_[index_of(parts_->links[links[i]].source)];
    }
    double paths = 0.0;
    std::uint64_t handed = 0;
    for (; begin < links.size() && parts_->links[links[begin]].target == target; ++begin) {
      if (found == due.end()) continue;
      const VertexId source = parts_->links[links[begin]].source;
      paths += paths_[index_of(source)];
      const double share = std::min(1.0, paths / all_paths);
      const auto so_far =
          share < 1.0
              ? static_cast<std::uint64_t>(std::floor(static_cast<double>(found->second) * share))
              : found->second;
      if (so_far == handed) continue;
      crossings.push_back({links[begin], so_far - handed});
      due[source] += so_far - handed;
      handed = so_far;
    }
  }
  std::ranges::reverse(crossings);
  return crossings;
}

}  // namespace orrery
