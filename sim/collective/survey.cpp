#include "collective/nccl.hpp"
#include "collective/paths.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery::nccl {

namespace {

constexpr double giga = 1e9;

Generation generation_of(const Gpu& gpu) {
  constexpr std::array<std::pair<std::string_view, Generation>, 4> names{
      {{"Volta", Generation::volta},
       {"Turing", Generation::volta},
       {"Hopper", Generation::hopper},
       {"Blackwell", Generation::blackwell}}};
  for (const auto& [name, generation] : names) {
    if (gpu.architecture.starts_with(name)) return generation;
  }
  return Generation::ampere;
}

/// The domains that tell what the others are like: the first two, the last, and the first of every
/// type of GPU.
std::vector<std::size_t> telling(const GroupLayout& layout, const Cluster& cluster) {
  std::vector<std::size_t> chosen;
  std::vector<bool> seen(cluster.gpu_types().size(), false);
  for (std::size_t d = 0; d < layout.domains.size(); ++d) {
    const std::size_t type = cluster.gpu_type(layout.domains[d].front());
    if (d < 2 || d + 1 == layout.domains.size() || !seen[type]) chosen.push_back(d);
    seen[type] = true;
  }
  return chosen;
}

GroupLayout sample(const GroupLayout& layout, const Cluster& cluster) {
  GroupLayout few;
  for (const std::size_t d : telling(layout, cluster)) {
    few.domains.push_back(layout.domains[d]);
    few.members += layout.domains[d].size();
    few.even = few.even && layout.domains[d].size() == few.per_domain();
  }
  return few;
}

struct Channels {
  double count = 1.0;
  double speed = 1.0;
};

/// The best speed of a channel and how many of them fit, as the search finds and connects them:
/// the fastest, unless slower ones fill the links by a twentieth better.
Channels search(double budget, Generation generation) {
  Channels best{1.0, budget};
  double most = 0.0;
  for (const double speed : channel_speeds(generation)) {
    const double count = std::min(64.0, std::floor(budget / speed + 1e-9));
    if (count * speed <= 1.05 * most) continue;
    most = count * speed;
    best = {count, speed};
  }
  const bool fine = generation >= Generation::hopper && best.speed < 50.0 && best.count > 4.0;
  return fine || best.count >= 32.0 ? best : Channels{2.0 * best.count, best.speed / 2.0};
}

/// Every member heads a channel, so that many channels of the best speed that fits.
Channels search_nvls(double budget, double ranks, Generation generation) {
  for (const double speed : channel_speeds(generation)) {
    if (ranks * speed <= budget) return {ranks, speed};
  }
  return {ranks, budget / ranks};
}

/// Of the members' GPUs the oldest, and among equals the one with the slowest links: libraries tune
/// for the least that all can do.
const Gpu& least_gpu(const GroupLayout& few, const Cluster& cluster) {
  const Gpu* least = &cluster.gpu(few.domains.front().front());
  const auto rank = [](const Gpu& gpu) {
    return std::pair(generation_of(gpu), gpu.link_bandwidth.value());
  };
  for (const std::vector<VertexId>& domain : few.domains) {
    const Gpu& other = cluster.gpu(domain.front());
    if (rank(other) < rank(*least)) least = &other;
  }
  return *least;
}

/// What one member can send to the others of its domain.
double straight_rate(std::span<const VertexId> domain, const Cluster& cluster) {
  if (domain.size() < 2) return 0.0;
  double rate = 0.0;
  for (std::size_t i = 1; i < domain.size(); ++i) {
    const Route route = cluster.route(domain[0], domain[i]);
    const double link = cluster.link(route.crossings.front().link).capacity.value();
    const bool own_link = route.crossings.size() == 1;
    rate = own_link ? rate + link : std::max(rate, link);
  }
  return rate / giga;
}

Inside inside_of(std::span<const VertexId> domain, const Cluster& cluster) {
  if (domain.size() < 2) return Inside::nvlink;
  for (const LinkCrossing& crossing : cluster.route(domain[0], domain[1]).crossings) {
    if (cluster.link(crossing.link).kind == LinkKind::pcie) return Inside::pcie;
  }
  return Inside::nvlink;
}

/// Adapters that members of a domain sit beside: told by the links that leave them.
double adapters_of(std::span<const VertexId> domain, const Cluster& cluster) {
  std::vector<VertexId> nics;
  for (const VertexId member : domain) {
    for (const LinkId link : cluster.out_links(member)) {
      const VertexId beside = cluster.link(link).target;
      if (cluster.kind(beside) == VertexKind::nic) nics.push_back(beside);
    }
  }
  std::ranges::sort(nics);
  const auto repeated = std::ranges::unique(nics);
  nics.erase(repeated.begin(), repeated.end());
  return std::max(1.0, static_cast<double>(nics.size()));
}

/// Whether the GPUs of the domain have an NVSwitch above them.
bool meet_at_switch(std::span<const VertexId> domain, const Cluster& cluster) {
  return std::ranges::any_of(cluster.out_links(domain.front()), [&](LinkId link) {
    return cluster.kind(cluster.link(link).target) == VertexKind::nvswitch;
  });
}

}  // namespace

Communicator survey(std::span<const VertexId> members, const Cluster& cluster) {
  const GroupLayout layout = lay_out(members, cluster);
  const GroupLayout few = sample(layout, cluster);
  const Gpu& gpu = least_gpu(few, cluster);
  Communicator known;
  known.ranks = members.size();
  known.nodes = layout.domains.size();
  known.ranks_per_node = layout.per_domain();
  known.even = layout.even;
  known.generation = generation_of(gpu);
  known.inside = inside_of(few.domains.front(), cluster);
  const RingPaths rings = ring_paths(few, cluster, RingEnds::closed);
  const double budget = bottleneck(rings.crossings, cluster) / giga;
  const Channels channels = search(budget, known.generation);
  known.channels = channels.count;
  known.speed = channels.speed;
  known.inside_wire = rings.inside_latency;
  known.network_wire = rings.between_latency;
  known.straight = straight_rate(few.domains.front(), cluster);
  for (const std::vector<VertexId>& domain : few.domains) {
    const bool like_the_first =
        cluster.gpu_type(domain.front()) == cluster.gpu_type(members.front());
    if (like_the_first || domain.size() < known.ranks_per_node) continue;
    known.straight = std::min(known.straight, straight_rate(domain, cluster));
  }
  if (known.nodes > 1 && few.even) {
    const RingPaths rails = rail_rings(few, cluster);
    known.network =
        bottleneck(rails.crossings, cluster) / giga * static_cast<double>(few.per_domain());
  } else if (known.nodes > 1) {
    known.network = budget;
  }
  if (cluster.in_network_reduction(members.front()) && layout.even && known.ranks_per_node > 1) {
    const Channels nvls =
        search_nvls(known.straight, static_cast<double>(known.ranks_per_node), known.generation);
    known.nvls_channels = nvls.count;
    known.nvls_speed = nvls.speed;
  }
  known.network_reduction = cluster.network_reduction() && known.nodes > 1 && layout.even;
  known.adapters = adapters_of(few.domains.front(), cluster);
  known.nvswitch = meet_at_switch(few.domains.front(), cluster);
  known.streaming_multiprocessors = gpu.streaming_multiprocessors;
  known.reached = gpu.collectives;
  return known;
}

}  // namespace orrery::nccl
