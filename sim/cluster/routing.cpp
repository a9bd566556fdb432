#include "cluster/routing.hpp"

#include "base/check.hpp"
#include "base/random.hpp"
#include "cluster/shortest_paths.hpp"
#include "cluster/walk.hpp"

#include <algorithm>
#include <array>

namespace orrery {

void sort_by_link(std::span<LinkCrossing> crossings) {
  constexpr std::size_t few = 4096;
  constexpr unsigned bits = 11;
  if (crossings.size() < few) {
    std::ranges::sort(crossings, {}, &LinkCrossing::link);
    return;
  }
  const std::size_t largest = index_of(std::ranges::max(crossings, {}, &LinkCrossing::link).link);
  std::vector<LinkCrossing> other(crossings.size());
  std::span<LinkCrossing> from = crossings;
  std::span<LinkCrossing> to = other;
  for (unsigned shift = 0; largest >> shift != 0; shift += bits) {
    const auto digit = [shift](const LinkCrossing& crossing) {
      return index_of(crossing.link) >> shift & ((1U << bits) - 1);
    };
    std::array<std::size_t, (1U << bits) + 1> place{};
    for (const LinkCrossing& crossing : from) ++place[digit(crossing) + 1];
    for (std::size_t i = 1; i < place.size(); ++i) place[i] += place[i - 1];
    for (const LinkCrossing& crossing : from) to[place[digit(crossing)]++] = crossing;
    std::swap(from, to);
  }
  if (from.data() != crossings.data()) std::ranges::copy(from, crossings.begin());
}

std::vector<LinkCrossing> CrossingSum::take() {
  merge();
  std::erase_if(items_, [](const LinkCrossing& crossing) { return crossing.weight == 0; });
  return std::move(items_);
}

void CrossingSum::merge() {
  sort_by_link(items_);
  std::size_t kept = 0;
  for (const LinkCrossing& item : items_) {
    if (kept > 0 && items_[kept - 1].link == item.link) {
      items_[kept - 1].weight += item.weight;
    } else {
      items_[kept++] = item;
    }
  }
  items_.resize(kept);
  next_merge_ = std::max<std::size_t>(1024, 2 * kept);
}

namespace {

constexpr std::uint64_t whole = std::uint64_t{1} << 32;

Route route_of(const ClusterParts& parts, std::span<const LinkId> path) {
  Route route;
  route.crossings.reserve(path.size());
  for (const LinkId link : path) {
    route.crossings.push_back({link, whole});
    route.latency += parts.links[link].latency;
  }
  return route;
}

Route find_shortest_paths(const ClusterParts& parts, VertexId source, VertexId target) {
  const ShortestPaths paths(parts, source);
  CHECK(paths.reaches(target), index_of(source), index_of(target));
  const Bound bound{target, whole};
  return {paths.crossings(std::span(&bound, 1)), paths.latency(target)};
}

bool meets_failure(const ClusterParts& parts, std::span<const LinkId> path) {
  return std::ranges::any_of(path, [&](LinkId link) { return parts.failed(link); });
}

bool same_domain(const ClusterParts& parts, VertexId a, VertexId b) {
  return parts.domain_of(a) == parts.domain_of(b);
}

/// Between domains, where the outer network is a graph: to an adapter, all shortest ways, from an
/// adapter.
Route find_route_over_graph(const ClusterParts& parts, VertexId source, VertexId target) {
  const VertexId from = parts.nic(parts.node_of(source), parts.rail_of(source));
  const VertexId to = parts.nic(parts.node_of(target), parts.rail_of(target));
  Walk out(parts);
  Walk in(parts);
  if (!out.local(source, from) || !in.local(to, target) || meets_failure(parts, out.links()) ||
      meets_failure(parts, in.links())) {
    return find_shortest_paths(parts, source, target);
  }
  Route route = route_of(parts, out.links());
  const Route middle = find_shortest_paths(parts, from, to);
  const Route last = route_of(parts, in.links());
  for (const Route& more : {middle, last}) {
    route.crossings.insert(route.crossings.end(), more.crossings.begin(), more.crossings.end());
    route.latency += more.latency;
  }
  return route;
}

/// The one path of a hierarchy, or nothing where there is none or a link of it has failed.
std::optional<Walk> find_path(const ClusterParts& parts, VertexId source, VertexId target) {
  Walk walk(parts);
  const bool found =
      same_domain(parts, source, target) ? walk.local(source, target) : walk.across(source, target);
  if (!found || (parts.some_link_failed && meets_failure(parts, walk.links()))) return std::nullopt;
  return walk;
}

// ---- All pairs ----------------------------------------------------------------------------------

/// Members of one domain, side by side in a list sorted by GPU.
std::vector<std::span<const VertexId>> by_domain(const ClusterParts& parts,
                                                 std::span<const VertexId> sorted) {
  std::vector<std::span<const VertexId>> domains;
  for (std::size_t begin = 0; begin < sorted.size();) {
    std::size_t end = begin + 1;
    while (end < sorted.size() && same_domain(parts, sorted[begin], sorted[end])) ++end;
    domains.push_back(sorted.subspan(begin, end - begin));
    begin = end;
  }
  return domains;
}

/// What adapters, or all below a switch, send into and take from the outer network: in pairs that
/// are all to all, `sources` of one meet `targets` of the others.
struct Port {
  VertexId vertex{};
  std::uint64_t sources = 0;
  std::uint64_t targets = 0;
};

class AllPairsSum {
 public:
  AllPairsSum(const ClusterParts& parts, std::span<const VertexId> members)
      : parts_(parts), members_(members.begin(), members.end()) {
    std::ranges::sort(members_);
    domains_ = by_domain(parts_, members_);
  }

  Cluster::AllPairs sum() {
    Cluster::AllPairs all;
    for (const std::span<const VertexId> domain : domains_) add_inside(domain);
    if (domains_.size() > 1) {
      const bool hierarchy = parts_.rules.outer == OuterRouting::tree && !parts_.some_link_failed;
      if (hierarchy && parts_.shape.nics_per_node > 0) {
        add_between_over_tree();
      } else if (parts_.rules.outer == OuterRouting::graph) {
        add_between_over_graph();
      } else {
        add_between_pair_by_pair();
      }
    }
    all.inside = inside_.take();
    all.between = between_.take();
    all.inside_latency = inside_latency_;
    all.between_latency = between_latency_;
    return all;
  }

 private:
  void add_inside(std::span<const VertexId> domain) {
    for (const VertexId source : domain) {
      std::vector<Bound> bound;  // where no hierarchy leads: one search for all of them
      for (const VertexId target : domain) {
        if (source == target) continue;
        const std::optional<Walk> walk = find_path(parts_, source, target);
        if (!walk) {
          bound.push_back({target, whole});
          continue;
        }
        const Route route = route_of(parts_, walk->links());
        inside_.add(route.crossings);
        inside_latency_ = std::max(inside_latency_, route.latency);
      }
      inside_latency_ = std::max(inside_latency_, add_searched(source, bound, inside_));
    }
  }

  /// All that is bound from a vertex, over shortest paths; gives the longest latency.
  Duration add_searched(VertexId source, std::span<const Bound> bound, CrossingSum& sum) const {
    Duration longest{0};
    if (bound.empty()) return longest;
    const ShortestPaths paths(parts_, source);
    for (const Bound& one : bound) {
      CHECK(paths.reaches(one.target), index_of(source), index_of(one.target));
      longest = std::max(longest, paths.latency(one.target));
    }
    sum.add(paths.crossings(bound));
    return longest;
  }

  void add_between_pair_by_pair() {
    for (const VertexId source : members_) {
      for (const VertexId target : members_) {
        if (!same_domain(parts_, source, target)) add_between(find_route(parts_, source, target));
      }
    }
  }

  void add_between(const Route& route) {
    between_.add(route.crossings);
    between_latency_ = std::max(between_latency_, route.latency);
  }

  /// One search per member; what it sends to all others flows back over it at once.
  void add_between_over_graph() {
    const bool over_adapters = parts_.shape.nics_per_node > 0 && parts_.rules.over_adapters;
    if (over_adapters && parts_.some_link_failed) return add_between_pair_by_pair();
    for (const VertexId source : members_) {
      std::vector<Bound> bound;
      for (const VertexId target : members_) {
        if (same_domain(parts_, source, target)) continue;
        bound.push_back({over_adapters ? nic_of(target) : target, whole});
      }
      const VertexId from = over_adapters ? nic_of(source) : source;
      const Duration longest = add_searched(from, bound, between_);
      const Duration ends = over_adapters ? add_ends(source, bound.size()) : Duration{0};
      between_latency_ = std::max(between_latency_, longest + ends);
    }
  }

  VertexId nic_of(VertexId gpu) const {
    return parts_.nic(parts_.node_of(gpu), parts_.rail_of(gpu));
  }

  /// The ways from a member to its own adapter and back, `times` each.
  Duration add_ends(VertexId member, std::uint64_t times) {
    Walk out(parts_);
    Walk in(parts_);
    CHECK(out.local(member, nic_of(member)) && in.local(nic_of(member), member));
    Duration latency{0};
    for (const Walk* walk : {&out, &in}) {
      for (const LinkId link : walk->links()) {
        between_.add(link, times * whole);
        latency += parts_.links[link].latency;
      }
    }
    return latency;
  }

  // -- Over a tree: count(below v) x count(not below v) transfers cross the link above v.

  void add_between_over_tree() {
    const std::uint32_t classes = parts_.rules.peer_rail ? parts_.shape.nics_per_node : 1;
    for (std::uint32_t rail = 0; rail < classes; ++rail) {
      std::vector<Port> all;
      for (const std::span<const VertexId> domain : domains_) {
        const std::vector<Port> ports = ports_of(domain, rail);
        add_tree(ports,
                 ~std::uint64_t{0});  // pairs inside the domain do not take this way: minus one
        all.insert(all.end(), ports.begin(), ports.end());
      }
      add_tree(all, 1);
    }
    add_ends_over_tree();
    add_longest_latency();
  }

  /// The adapters over which a domain sends to, and takes from, the targets of a rail.
  std::vector<Port> ports_of(std::span<const VertexId> domain, std::uint32_t rail) const {
    std::vector<Port> ports;
    for (const VertexId member : domain) {
      const std::uint32_t node = parts_.node_of(member);
      const bool beside = !parts_.rules.peer_rail || parts_.rail_of(member) == rail;
      const VertexId nic = parts_.rules.peer_rail ? parts_.nic(node, rail) : nic_of(member);
      if (ports.empty() || ports.back().vertex != nic) ports.push_back({nic, 0, 0});
      ports.back().sources += 1;
      ports.back().targets += beside ? 1 : 0;
    }
    return ports;
  }

  void add_tree(std::vector<Port> ports, std::uint64_t sign) {
    std::uint64_t sources = 0;
    std::uint64_t targets = 0;
    for (const Port& port : ports) {
      sources += port.sources;
      targets += port.targets;
    }
    while (merge_ports(ports) > 1) {
      for (Port& port : ports) {
        const LinkId up = parts_.outer_up[port.vertex];
        CHECK(up != no_link, index_of(port.vertex));
        const LinkId down = id_at<LinkId>(index_of(up) + 1);
        between_.add(up, sign * port.sources * (targets - port.targets) * whole);
        between_.add(down, sign * port.targets * (sources - port.sources) * whole);
        port.vertex = parts_.links[up].target;
      }
    }
  }

  static std::size_t merge_ports(std::vector<Port>& ports) {
    std::ranges::stable_sort(ports, {}, &Port::vertex);
    std::size_t kept = 0;
    for (const Port& port : ports) {
      if (kept > 0 && ports[kept - 1].vertex == port.vertex) {
        ports[kept - 1].sources += port.sources;
        ports[kept - 1].targets += port.targets;
      } else {
        ports[kept++] = port;
      }
    }
    ports.resize(kept);
    return kept;
  }

  void add_ends_over_tree() {
    const std::uint32_t rails = parts_.shape.nics_per_node;
    std::vector<std::uint64_t> on_rail(rails, 0);
    for (const VertexId member : members_) ++on_rail[parts_.rail_of(member)];
    for (const std::span<const VertexId> domain : domains_) {
      std::vector<std::uint64_t> here(rails, 0);
      for (const VertexId member : domain) ++here[parts_.rail_of(member)];
      const std::uint64_t others = members_.size() - domain.size();
      for (const VertexId member : domain) {
        Walk in(parts_);
        CHECK(in.local(nic_of(member), member), index_of(member));
        add_path(in, others);
        for (std::uint32_t rail = 0; rail < rails; ++rail) {
          std::uint64_t times = rail == parts_.rail_of(member) ? others : 0;
          if (parts_.rules.peer_rail) times = on_rail[rail] - here[rail];
          if (times == 0) continue;
          Walk out(parts_);
          CHECK(out.leave(member, rail), index_of(member));
          add_path(out, times);
        }
      }
    }
  }

  void add_path(const Walk& walk, std::uint64_t times) {
    for (const LinkId link : walk.links()) between_.add(link, times * whole);
  }

  /// In a tree nobody is farther from another than the farther of both from a third.
  void add_longest_latency() {
    for (const VertexId member : members_) {
      if (same_domain(parts_, members_.front(), member)) continue;
      const Duration there = find_route(parts_, members_.front(), member).latency;
      const Duration back = find_route(parts_, member, members_.front()).latency;
      between_latency_ = std::max({between_latency_, there, back});
    }
  }

  const ClusterParts& parts_;
  std::vector<VertexId> members_;
  std::vector<std::span<const VertexId>> domains_;
  CrossingSum inside_;
  CrossingSum between_;
  Duration inside_latency_{0};
  Duration between_latency_{0};
};

}  // namespace

Route find_route(const ClusterParts& parts, VertexId source, VertexId target) {
  if (source == target) return {};
  const bool across = !same_domain(parts, source, target);
  const bool over_adapters = parts.shape.nics_per_node > 0 && parts.rules.over_adapters;
  if (across && parts.rules.outer == OuterRouting::graph && over_adapters) {
    return find_route_over_graph(parts, source, target);
  }
  const std::optional<Walk> walk = find_path(parts, source, target);
  return walk ? route_of(parts, walk->links()) : find_shortest_paths(parts, source, target);
}

Cluster::AllPairs find_all_pairs(const ClusterParts& parts, std::span<const VertexId> members) {
  CHECK(members.size() < 65'536, members.size());  // a square of it in units of 2^-32 fills 64 bits
  return AllPairsSum(parts, members).sum();
}

}  // namespace orrery
