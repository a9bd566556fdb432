#include "collective/nccl.hpp"

#include "base/check.hpp"
#include "collective/paths.hpp"

#include <algorithm>
#include <array>
#include <charconv>
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

/// The members of the first two domains and the last: what the others are like is told by these.
GroupLayout sample(const GroupLayout& layout) {
  GroupLayout few;
  for (const std::size_t d : {std::size_t{0}, std::size_t{1}, layout.domains.size() - 1}) {
    const bool seen = d >= layout.domains.size() || (d > 0 && d < few.domains.size());
    if (seen || (d == 0 && !few.domains.empty())) continue;
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

}  // namespace

Communicator survey(std::span<const VertexId> members, const Cluster& cluster) {
  const GroupLayout layout = lay_out(members, cluster);
  const GroupLayout few = sample(layout);
  const Gpu& gpu = cluster.gpu(members.front());
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
  known.streaming_multiprocessors = gpu.streaming_multiprocessors;
  known.reached = gpu.collectives;
  return known;
}

namespace {

bool offered(CollectiveKind kind, const Communicator& known, Algorithm algorithm,
             Protocol protocol) {
  if (protocol == Protocol::ll128 && known.inside == Inside::pcie) return false;
  const bool reduce = kind == CollectiveKind::all_reduce;
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  const bool switched = known.nvls_channels > 0.0 && nvls_efficiency(known.generation) > 0.0 &&
                        protocol == Protocol::simple;
  switch (algorithm) {
    case Algorithm::ring:
      return true;
    case Algorithm::tree:
      return reduce && known.ranks > 1 && known.even;
    case Algorithm::nvls:
      return switched && known.nodes == 1 && (reduce || gather);
    case Algorithm::nvls_tree:
      return switched && known.nodes > 1 && reduce;
  }
  return false;
}

struct Steps {
  double all = 0.0;
  double between = 0.0;
};

Steps ring_steps(CollectiveKind kind, const Communicator& known) {
  const auto n = static_cast<double>(known.ranks);
  const auto k = static_cast<double>(known.nodes);
  if (kind == CollectiveKind::all_reduce) return {2.0 * (n - 1.0), 2.0 * (k - 1.0)};
  if (kind == CollectiveKind::broadcast) return {n, k - 1.0};
  return {n - 1.0, k - 1.0};
}

/// A hop inside a node: not less than the network's overhead when there are several nodes.
double hop_inside(const Communicator& known, Version version, Algorithm algorithm, std::size_t p) {
  const double hop = inside_hop(version, algorithm, known.inside)[p];
  const bool ring = algorithm == Algorithm::ring;
  return ring && known.nodes > 1 ? std::max(hop, network_overhead()[p]) : hop;
}

/// A hop over the network; with one rank per node the tree's constant holds for rings, too.
double hop_between(const Communicator& known, Version version, Algorithm algorithm, std::size_t p) {
  const bool lonely = known.ranks_per_node == 1 && algorithm == Algorithm::ring;
  return network_hop(version, lonely ? Algorithm::tree : algorithm)[p];
}

double latency(CollectiveKind kind, const Communicator& known, Version version, Algorithm algorithm,
               Protocol protocol) {
  const auto p = static_cast<std::size_t>(protocol);
  const double base = base_latency(version, algorithm)[p];
  const double inside = hop_inside(known, version, algorithm, p);
  const double between = hop_between(known, version, algorithm, p);
  const double levels = std::floor(std::log2(static_cast<double>(known.nodes)));
  switch (algorithm) {
    case Algorithm::ring: {
      const Steps steps = ring_steps(kind, known);
      return base + (steps.all - steps.between) * inside + steps.between * between;
    }
    case Algorithm::tree:
      return base +
             2.0 * (static_cast<double>(known.ranks_per_node - 1) * inside + levels * between);
    case Algorithm::nvls:
      return base + inside;
    case Algorithm::nvls_tree:
      return base + inside + 2.0 * levels * between;
  }
  return base;
}

double ring_bus_rate(const Communicator& known, Version version, Protocol protocol) {
  const double bus = known.channels * known.speed;
  switch (protocol) {
    case Protocol::ll:
      return std::min(ll_ceiling(known.generation, known.nodes),
                      bus * (version.minor <= 18 ? 0.25 : 0.5));
    case Protocol::ll128:
      return std::min(0.92 * bus,
                      known.channels * ring_ll128_ceiling(version, known.generation, known.nodes));
    case Protocol::simple:
      return bus;
  }
  return bus;
}

double tree_bus_rate(const Communicator& known, Protocol protocol, double bytes) {
  const double bus = std::min(0.92 * known.channels * known.speed,
                              known.channels * tree_ceiling(known.generation, known.nodes));
  const double correction = tree_correction(protocol, bytes);
  switch (protocol) {
    case Protocol::ll:
      return correction * std::min(bus / 3.8, ll_ceiling(known.generation, known.nodes));
    case Protocol::ll128:
      return correction *
             std::min(bus * (known.nodes == 1 ? 7.0 / 9.0 : 120.0 / 128.0),
                      known.channels * tree_ll128_ceiling(known.generation, known.nodes));
    case Protocol::simple:
      return correction * bus;
  }
  return bus;
}

double nvls_bus_rate(CollectiveKind kind, const Communicator& known, Version version) {
  const double channels = known.nvls_channels;
  const auto g = static_cast<double>(known.ranks_per_node);
  double speed = known.nvls_speed * nvls_efficiency(known.generation) * (channels - 1.0) / channels;
  speed *= kind == CollectiveKind::all_reduce ? 2.0 : (g - 1.0) / g;
  if (known.nodes == 1) return channels * speed;
  const double network = known.network * (known.nodes == 2 ? 2.0 : 1.0);
  const double ceiling = nvls_tree_ceiling(version, known.generation, known.nodes);
  return std::min(channels * std::min(speed, ceiling), network);
}

double algorithm_rate(CollectiveKind kind, double bytes, const Communicator& known, Version version,
                      Algorithm algorithm, Protocol protocol) {
  const auto n = static_cast<double>(known.ranks);
  const double per_bus = n / ring_steps(kind, known).all;
  switch (algorithm) {
    case Algorithm::ring:
      return ring_bus_rate(known, version, protocol) * per_bus;
    case Algorithm::tree:
      return tree_bus_rate(known, protocol, bytes) * 0.5;
    case Algorithm::nvls:
    case Algorithm::nvls_tree:
      return nvls_bus_rate(kind, known, version) * per_bus;
  }
  return 1.0;
}

/// The latency of Simple rings across nodes grows once each channel has 64 bytes for each rank.
double plateau(CollectiveKind kind, double bytes, const Communicator& known, Algorithm algorithm,
               Protocol protocol) {
  const bool ring = algorithm == Algorithm::ring && protocol == Protocol::simple;
  if (!ring || known.nodes == 1 || kind != CollectiveKind::all_reduce) return 1.0;
  if (bytes / (known.channels * static_cast<double>(known.ranks)) < 64.0) return 1.0;
  return known.generation == Generation::volta ? 1.9 : 1.4;
}

}  // namespace

std::optional<Estimate> estimate(CollectiveKind kind, double bytes, const Communicator& known,
                                 Version version, Algorithm algorithm, Protocol protocol) {
  if (!offered(kind, known, algorithm, protocol)) return std::nullopt;
  const double rate = algorithm_rate(kind, bytes, known, version, algorithm, protocol);
  if (!(rate > 0.0)) return std::nullopt;
  const double wait = latency(kind, known, version, algorithm, protocol) *
                      plateau(kind, bytes, known, algorithm, protocol);
  return Estimate{algorithm, protocol, wait + bytes / (1000.0 * rate), rate};
}

std::optional<Version> parse_version(std::string_view library) {
  constexpr std::string_view prefix = "nccl-";
  if (!library.starts_with(prefix)) return std::nullopt;
  library.remove_prefix(prefix.size());
  Version version;
  const char* const end = library.data() + library.size();
  const auto major = std::from_chars(library.data(), end, version.major);
  if (major.ec != std::errc{} || major.ptr == end || *major.ptr != '.') return std::nullopt;
  const auto minor = std::from_chars(major.ptr + 1, end, version.minor);
  const bool patch = minor.ptr != end && *minor.ptr == '.';
  if (minor.ec != std::errc{} || (minor.ptr != end && !patch) || version.major != 2)
    return std::nullopt;
  return version;
}

namespace {

constexpr double ll_message = 16.0 * 1024.0;  ///< a peer's message up to this size goes by LL

std::string_view name_of(Algorithm algorithm) {
  switch (algorithm) {
    case Algorithm::ring:
      return "ring";
    case Algorithm::tree:
      return "tree";
    case Algorithm::nvls:
    case Algorithm::nvls_tree:
      return "nvls";
  }
  return "";
}

Duration microseconds(double us) { return quantize(Seconds(std::max(0.0, us) * 1e-6)); }

/// What a hop costs beyond what the links say it does.
Duration beyond(double us, Duration wire) { return std::max(Duration{0}, microseconds(us) - wire); }

double payload_share(Protocol protocol) {
  switch (protocol) {
    case Protocol::ll:
      return 0.5;  // 8 bytes of data in 16
    case Protocol::ll128:
      return 120.0 / 128.0;
    case Protocol::simple:
      return 1.0;
  }
  return 1.0;
}

/// Channels in use: as many as have work of at least `threshold` bytes per thread.
double channels_in_use(double bytes, const Communicator& known, Algorithm algorithm,
                       Protocol protocol) {
  if (algorithm == Algorithm::nvls || algorithm == Algorithm::nvls_tree) {
    if (known.generation != Generation::blackwell) return 16.0;
    return known.nodes == 1 ? 24.0 : 32.0;
  }
  const double all = std::min(64.0, 2.0 * known.channels);
  const double threads = protocol == Protocol::ll128 ? 640.0 : 512.0;
  double threshold = protocol == Protocol::simple ? 64.0 : 8.0;
  if (protocol == Protocol::ll && algorithm == Algorithm::ring) {
    threshold *= static_cast<double>(known.ranks);
  }
  return std::clamp(std::floor(bytes / (threads * threshold)), 1.0, all);
}

/// Bytes through HBM for each byte sent: it was read and another arrives; where members add up,
/// what it is added to was read as well. The second half of an all-reduce only gathers.
double memory_traffic(CollectiveKind kind, Algorithm algorithm) {
  if (algorithm == Algorithm::nvls) return 2.0;
  if (kind == CollectiveKind::reduce_scatter) return 3.0;
  return kind == CollectiveKind::all_reduce ? 2.5 : 2.0;
}

float share_of(double part, double whole) {
  return static_cast<float>(std::clamp(part / whole, 0.0, 1.0));
}

Estimate cheapest(CollectiveKind kind, double bytes, const Communicator& known, Version version,
                  std::string_view forced) {
  Estimate best;
  best.microseconds = std::numeric_limits<double>::infinity();
  for (const Algorithm algorithm :
       {Algorithm::tree, Algorithm::ring, Algorithm::nvls, Algorithm::nvls_tree}) {
    if (!forced.empty() && name_of(algorithm) != forced) continue;
    for (const Protocol protocol : {Protocol::ll, Protocol::ll128, Protocol::simple}) {
      const auto found = estimate(kind, bytes, known, version, algorithm, protocol);
      if (found && found->microseconds < best.microseconds) best = *found;
    }
  }
  return best;
}

const ReachedShares& reached_by(const Communicator& known, Algorithm algorithm) {
  const bool switched = algorithm == Algorithm::nvls || algorithm == Algorithm::nvls_tree;
  return switched ? known.reached.nvls : known.reached.ring;
}

/// What the end steps leave of a bandwidth.
double shared_by_ends(const ReachedShares& reached, double steps) {
  return reached.rate / (1.0 + reached.ends / steps);
}

/// The time in which a pipeline fills when all bytes together take `moving`, in microseconds.
double filling(const ReachedShares& reached, double bytes, double moving) {
  return moving * std::min(reached.fill, static_cast<double>(reached.fill_most.value()) / bytes);
}

Choice choice_of(const Estimate& best, CollectiveKind kind, double bytes, const Communicator& known,
                 Version version) {
  const auto p = static_cast<std::size_t>(best.protocol);
  const ReachedShares& reached = reached_by(known, best.algorithm);
  const double stretch = plateau(kind, bytes, known, best.algorithm, best.protocol);
  const double moving = bytes / (1000.0 * best.algorithm_rate);
  const double base = reached.base * stretch * base_latency(version, best.algorithm)[p];
  Choice choice;
  choice.algorithm = find_collective_algorithm(name_of(best.algorithm));
  choice.protocol = to_string(best.protocol);
  choice.base_latency = microseconds(base + filling(reached, bytes, moving));
  choice.intra_hop = beyond(reached.hop * stretch * hop_inside(known, version, best.algorithm, p),
                            known.inside_wire);
  choice.inter_hop =
      beyond(stretch * hop_between(known, version, best.algorithm, p), known.network_wire);
  choice.payload_share = payload_share(best.protocol);
  choice.rate_cap =
      best.algorithm_rate * shared_by_ends(reached, ring_steps(kind, known).all) * giga;
  choice.sm_share = share_of(channels_in_use(bytes, known, best.algorithm, best.protocol),
                             static_cast<double>(known.streaming_multiprocessors));
  choice.memory_traffic = memory_traffic(kind, best.algorithm);
  return choice;
}

/// Grouped sends and receives, which NCCL prices by no model: a launch, a hop, and for each remote
/// peer the proxy's work, which hides behind the transfers of large messages.
Choice point_to_point(CollectiveKind kind, double bytes, const Communicator& known,
                      Version version) {
  const bool one = kind == CollectiveKind::send_recv;
  const double peers = one ? 1.0 : static_cast<double>(known.ranks - 1);
  const double message = one ? bytes : bytes / static_cast<double>(known.ranks);
  const Protocol protocol = message <= ll_message ? Protocol::ll : Protocol::simple;
  const auto p = static_cast<std::size_t>(protocol);
  const ReachedShares& reached = known.reached.pairs;
  const double remote = known.nodes == 1 ? 0.0
                        : one            ? 1.0
                                         : static_cast<double>(known.ranks - known.ranks_per_node);
  const double rate =
      known.nodes == 1 ? known.straight : known.network / static_cast<double>(known.ranks_per_node);
  const double moving = rate > 0.0 ? peers * message / (1000.0 * rate) : 0.0;
  const double posting = std::max(0.0, remote * network_overhead()[0] - moving);
  Choice choice;
  choice.algorithm = find_collective_algorithm(one ? "send" : "direct");
  choice.protocol = to_string(protocol);
  const double base = reached.base * base_latency(version, Algorithm::ring)[p];
  // What fills is the pipeline between the GPUs of a node; adapters take chunks as they come.
  const double inside =
      known.straight > 0.0 && !one ? (peers - remote) * message / (1000.0 * known.straight) : 0.0;
  choice.base_latency = microseconds(base + posting + filling(reached, bytes, inside));
  choice.intra_hop = beyond(reached.hop * inside_hop(version, Algorithm::ring, known.inside)[p],
                            known.inside_wire);
  choice.inter_hop = beyond(network_hop(version, Algorithm::ring)[p], known.network_wire);
  // Between nodes the network decides; a send has no part of its own to copy beside it.
  if (known.nodes == 1 && moving > 0.0) {
    const double share = one ? reached.rate : shared_by_ends(reached, peers);
    choice.rate_cap = share * bytes / moving * 1e6;
  }
  choice.payload_share = payload_share(protocol);
  const double channels = channels_in_use(bytes, known, Algorithm::ring, Protocol::simple);
  choice.sm_share = share_of(channels, static_cast<double>(known.streaming_multiprocessors));
  choice.memory_traffic = 2.0;  // read here, written there
  return choice;
}

}  // namespace

Choice choose(CollectiveKind kind, Bytes size, const Communicator& known, Version version,
              std::string_view forced) {
  const auto bytes = static_cast<double>(size.value());
  const bool modelled = kind == CollectiveKind::all_reduce || kind == CollectiveKind::all_gather ||
                        kind == CollectiveKind::reduce_scatter || kind == CollectiveKind::broadcast;
  const bool own = forced.empty() || forced == "ring" || forced == "tree" || forced == "nvls";
  if (modelled && own) {
    const Estimate best = cheapest(kind, bytes, known, version, forced);
    if (best.algorithm_rate > 0.0) return choice_of(best, kind, bytes, known, version);
    return choice_of(cheapest(kind, bytes, known, version, ""), kind, bytes, known, version);
  }
  Choice choice = point_to_point(kind, bytes, known, version);
  if (!forced.empty()) choice.algorithm = find_collective_algorithm(forced);
  return choice;
}

}  // namespace orrery::nccl
