#include "collective/paths.hpp"

#include "base/check.hpp"
#include "cluster/routing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

namespace orrery {

namespace {
constexpr std::uint64_t whole = std::uint64_t{1} << 32;
}

void PathSum::add(VertexId source, VertexId target, std::uint64_t share) {
  const Route route = cluster_->route(source, target);
  for (const LinkCrossing& crossing : route.crossings) {
    // Exact for whole crossings; shares of shares round down, alike for all that are alike.
    const bool all = crossing.weight == whole;
    const double part = static_cast<double>(crossing.weight) * 0x1.0p-32;
    items_.push_back({crossing.link,
                      all ? share : static_cast<std::uint64_t>(static_cast<double>(share) * part)});
  }
  latency_ = std::max(latency_, route.latency);
  if (items_.size() >= merge_at_) merge();
}

void PathSum::add(const std::vector<LinkCrossing>& crossings) {
  items_.insert(items_.end(), crossings.begin(), crossings.end());
}

void PathSum::merge() {
  // What was merged before is in order.
  const auto added = items_.begin() + static_cast<std::ptrdiff_t>(merged_);
  sort_by_link(std::span(items_).subspan(merged_));
  std::ranges::inplace_merge(items_, added, {}, &LinkCrossing::link);
  std::size_t kept = 0;
  for (const LinkCrossing& item : items_) {
    if (kept > 0 && items_[kept - 1].link == item.link) {
      items_[kept - 1].weight += item.weight;
    } else {
      items_[kept++] = item;
    }
  }
  items_.resize(kept);
  merged_ = kept;
  merge_at_ = std::max<std::size_t>(1024, 2 * kept);
}

std::vector<LinkCrossing> PathSum::take() {
  merge();
  std::erase_if(items_, [](const LinkCrossing& crossing) { return crossing.weight == 0; });
  merged_ = 0;
  return std::exchange(items_, {});
}

namespace {

/// What every member of a domain sends to every other over links of their own, of the bytes it
/// sends: row by row.
using Shares = std::vector<std::vector<double>>;

/// Capacities of the links that lead straight from member to member.
Shares straight_capacities(std::span<const VertexId> domain, const Cluster& cluster) {
  Shares capacity(domain.size(), std::vector<double>(domain.size(), 0.0));
  for (std::size_t i = 0; i < domain.size(); ++i) {
    for (const LinkId id : cluster.out_links(domain[i])) {
      const Link& link = cluster.link(id);
      const auto found = std::ranges::find(domain, link.target);
      if (found == domain.end()) continue;
      capacity[i][static_cast<std::size_t>(found - domain.begin())] += link.capacity.value();
    }
  }
  return capacity;
}

double column_sum(const Shares& shares, std::size_t column) {
  double sum = 0.0;
  for (const std::vector<double>& row : shares) sum += row[column];
  return sum;
}

/// Scales capacities in turn by rows and columns until every member sends and takes one (Sinkhorn
/// and Knopp, Pacific J. Math. 21, 1967): a mixture of rings that uses links as far as they reach.
/// Nothing if someone has no link.
std::optional<Shares> ring_mixture(Shares shares) {
  constexpr int rounds = 64;
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t j = 0; j < shares.size(); ++j) {
      const double sum = column_sum(shares, j);
      if (!(sum > 0.0)) return std::nullopt;
      for (std::vector<double>& row : shares) row[j] /= sum;
    }
    for (std::vector<double>& row : shares) {
      double sum = 0.0;
      for (const double share : row) sum += share;
      if (!(sum > 0.0)) return std::nullopt;
      for (double& share : row) share /= sum;
    }
  }
  return shares;
}

bool has_straight_link(std::span<const VertexId> domain, const Cluster& cluster) {
  return std::ranges::any_of(cluster.out_links(domain.front()), [&](LinkId id) {
    return std::ranges::find(domain, cluster.link(id).target) != domain.end();
  });
}

void add_mixture(PathSum& sum, std::span<const VertexId> domain, const Shares& mixture,
                 std::uint64_t share) {
  for (std::size_t i = 0; i < domain.size(); ++i) {
    for (std::size_t j = 0; j < domain.size(); ++j) {
      const double part = static_cast<double>(share) * mixture[i][j];
      if (part > 0.0) sum.add(domain[i], domain[j], static_cast<std::uint64_t>(std::round(part)));
    }
  }
}

}  // namespace

void add_cycle(PathSum& sum, std::span<const VertexId> domain, const Cluster& cluster,
               std::uint64_t share, Direction direction) {
  if (domain.size() < 2) return;
  if (domain.size() > 2 && has_straight_link(domain, cluster)) {
    if (const auto mixture = ring_mixture(straight_capacities(domain, cluster))) {
      return add_mixture(sum, domain, *mixture, share);
    }
  }
  for (std::size_t i = 0; i < domain.size(); ++i) {
    const VertexId next = domain[(i + 1) % domain.size()];
    const bool forward = direction == Direction::forward;
    sum.add(forward ? domain[i] : next, forward ? next : domain[i], share);
  }
}

namespace {

/// One ring over all members, domain after domain.
RingPaths single_ring(const GroupLayout& layout, const Cluster& cluster, RingEnds ends) {
  std::vector<VertexId> order;
  for (const auto& domain : layout.domains) order.insert(order.end(), domain.begin(), domain.end());
  PathSum inside(cluster);
  PathSum between(cluster);
  for (std::size_t i = 0; i + (ends == RingEnds::open ? 1 : 0) < order.size(); ++i) {
    const VertexId next = order[(i + 1) % order.size()];
    const bool same = cluster.domain_of(order[i]) == cluster.domain_of(next);
    (same ? inside : between).add(order[i], next, whole);
  }
  RingPaths paths{{}, inside.latency(), between.latency()};
  inside.add(between.take());
  paths.crossings = inside.take();
  return paths;
}

/// From every domain to the next, member by member.
void add_rails(PathSum& sum, const GroupLayout& layout, std::uint64_t share, RingEnds ends) {
  const std::size_t domains = layout.domains.size();
  for (std::size_t d = 0; d + (ends == RingEnds::open ? 1 : 0) < domains; ++d) {
    const std::vector<VertexId>& next = layout.domains[(d + 1) % domains];
    for (std::size_t c = 0; c < layout.per_domain(); ++c)
      sum.add(layout.domains[d][c], next[c], share);
  }
}

}  // namespace

RingPaths ring_paths(const GroupLayout& layout, const Cluster& cluster, RingEnds ends) {
  const bool chain = layout.domains.size() == 1 && ends == RingEnds::open;
  if (!layout.even || chain) return single_ring(layout, cluster, ends);
  PathSum inside(cluster);
  PathSum between(cluster);
  for (const std::vector<VertexId>& domain : layout.domains) {
    add_cycle(inside, domain, cluster, whole, Direction::forward);
  }
  if (layout.domains.size() > 1) add_rails(between, layout, whole / layout.per_domain(), ends);
  RingPaths paths{{}, inside.latency(), between.latency()};
  inside.add(between.take());
  paths.crossings = inside.take();
  return paths;
}

RingPaths rail_rings(const GroupLayout& layout, const Cluster& cluster) {
  CHECK(layout.even);
  PathSum between(cluster);
  add_rails(between, layout, whole, RingEnds::closed);
  const Duration latency = between.latency();
  return {between.take(), Duration{0}, latency};
}

namespace {

std::size_t first_tree_parent(std::size_t count, std::size_t node) {
  if (node == 0) return 0;
  std::size_t bit = 1;
  while ((node & bit) == 0) bit <<= 1;
  const std::size_t up = (node ^ bit) | (bit << 1);
  return up < count ? up : node ^ bit;
}

}  // namespace

std::vector<std::size_t> tree_parents(std::size_t count, std::size_t which) {
  std::vector<std::size_t> parents(count);
  for (std::size_t i = 0; i < count; ++i) {
    if (which == 0) {
      parents[i] = first_tree_parent(count, i);
    } else if (count % 2 == 1) {  // shifted by one
      parents[i] = (first_tree_parent(count, (i + count - 1) % count) + 1) % count;
    } else {  // mirrored
      parents[i] = count - 1 - first_tree_parent(count, count - 1 - i);
    }
  }
  return parents;
}

void add_double_tree(PathSum& sum, const GroupLayout& layout, std::uint64_t share) {
  CHECK(layout.even);
  for (const std::size_t which : {0, 1}) {
    const std::vector<std::size_t> parents = tree_parents(layout.domains.size(), which);
    for (std::size_t d = 0; d < parents.size(); ++d) {
      if (parents[d] == d) continue;
      for (std::size_t c = 0; c < layout.per_domain(); ++c) {
        const VertexId child = layout.domains[d][c];
        const VertexId parent = layout.domains[parents[d]][c];
        sum.add(child, parent, share / 2);
        sum.add(parent, child, share / 2);
      }
    }
  }
}

double bottleneck(std::span<const LinkCrossing> crossings, const Cluster& cluster) {
  double rate = std::numeric_limits<double>::infinity();
  for (const LinkCrossing& crossing : crossings) {
    const double transfers = static_cast<double>(crossing.weight) * 0x1.0p-32;
    rate = std::min(rate, cluster.link(crossing.link).capacity.value() / transfers);
  }
  return rate;
}

}  // namespace orrery
