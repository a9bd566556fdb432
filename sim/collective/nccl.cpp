#include "collective/nccl.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace orrery::nccl {

namespace {

constexpr double giga = 1e9;

/// The versions 2.x that brought what.
constexpr int first_nvls = 17;
constexpr int first_collnet = 14;         ///< CollNet in two forms
constexpr int first_network_gather = 20;  ///< networks that gather and scatter
constexpr int first_pat = 23;

bool offered(CollectiveKind kind, const Communicator& known, Version version, Algorithm algorithm,
             Protocol protocol) {
  if (only_simple(algorithm) && protocol != Protocol::simple) return false;
  if (needs_network_reduction(algorithm) && !known.network_reduction) return false;
  if (protocol == Protocol::ll128 && known.inside == Inside::pcie) return false;
  const auto fellows = static_cast<double>(known.ranks_per_node - 1);
  const bool reduce = kind == CollectiveKind::all_reduce;
  const bool gather = kind == CollectiveKind::all_gather || kind == CollectiveKind::reduce_scatter;
  const bool switched = known.nvls_channels > 0.0 && nvls_efficiency(known.generation) > 0.0 &&
                        version.minor >= first_nvls;
  switch (algorithm) {
    case Algorithm::ring:
      return true;
    case Algorithm::tree:
      return reduce && known.ranks > 1 && known.even;
    case Algorithm::nvls:
      return switched && known.nodes == 1 && (reduce || gather);
    case Algorithm::nvls_tree:
      return switched && known.nodes > 1 && reduce;
    case Algorithm::nvls_sharp:
      return switched && reduce;
    case Algorithm::collnet_direct:
      if (gather) return version.minor >= first_network_gather && known.adapters >= fellows + 1.0;
      return reduce && version.minor >= first_collnet && known.nvswitch;
    case Algorithm::collnet_chain:
      return reduce && version.minor >= first_collnet;
    case Algorithm::pat:
      return gather && version.minor >= first_pat && known.ranks_per_node == 1 && known.nodes > 1 &&
             known.even;
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
  const auto fellows = static_cast<double>(known.ranks_per_node - 1);
  switch (algorithm) {
    case Algorithm::ring: {
      const Steps steps = ring_steps(kind, known);
      return base + (steps.all - steps.between) * inside + steps.between * between;
    }
    case Algorithm::tree:
      return base + 2.0 * (fellows * inside + levels * between);
    case Algorithm::nvls:
      return base + inside;
    case Algorithm::nvls_tree:
      return base + inside + 2.0 * levels * between;
    case Algorithm::nvls_sharp:
      return base + inside + between;
    case Algorithm::collnet_direct:
      return base + 2.0 * ((fellows > 0.0 ? inside : 0.0) + fellows * arity_latency(version)) +
             between;
    case Algorithm::collnet_chain:
      return base + 2.0 * fellows * inside + between;
    case Algorithm::pat:
      return base + levels * between + pat_rank_latency() * static_cast<double>(known.ranks);
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

/// On several nodes whose network adds up, too: no more than goes into it and comes back.
double nvls_sharp_bus_rate(CollectiveKind kind, const Communicator& known, Version version) {
  Communicator one = known;
  one.nodes = 1;
  return std::min(nvls_bus_rate(kind, one, version), known.network);
}

/// Of the operation's size where it gathers or scatters, else of the bus.
double collnet_direct_rate(CollectiveKind kind, const Communicator& known, Version version) {
  const auto g = static_cast<double>(known.ranks_per_node);
  if (kind != CollectiveKind::all_reduce) {
    if (version.minor >= 26) return 0.9 * known.network;
    const double eighth = (g - 1.0) / 7.0;
    return known.network * (eighth * 0.85 + (1.0 - eighth) * 0.95);
  }
  const double per_adapter = g / known.adapters;
  const double rate = known.network / (per_adapter - (per_adapter - 1.0) / 2.0);
  return known.generation >= Generation::hopper ? 0.85 * rate : rate;
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
    case Algorithm::nvls_sharp:
      return nvls_sharp_bus_rate(kind, known, version) * per_bus;
    case Algorithm::collnet_direct: {
      const double rate = collnet_direct_rate(kind, known, version);
      return kind == CollectiveKind::all_reduce ? rate * 0.5 : rate;
    }
    case Algorithm::collnet_chain:
      return known.network * 0.5;
    case Algorithm::pat:
      return 0.75 * known.channels * known.speed;
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
  if (!offered(kind, known, version, algorithm, protocol)) return std::nullopt;
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
    case Algorithm::nvls_sharp:
      return "nvls_sharp";
    case Algorithm::collnet_direct:
      return "collnet_direct";
    case Algorithm::collnet_chain:
      return "collnet_chain";
    case Algorithm::pat:
      return "pat";
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

bool uses_nvls(Algorithm algorithm) {
  return algorithm == Algorithm::nvls || algorithm == Algorithm::nvls_tree ||
         algorithm == Algorithm::nvls_sharp;
}

/// Channels in use: as many as have work of at least `threshold` bytes per thread.
double channels_in_use(double bytes, const Communicator& known, Algorithm algorithm,
                       Protocol protocol) {
  if (uses_nvls(algorithm)) {
    if (known.generation != Generation::blackwell) return 16.0;
    return known.nodes == 1 ? 24.0 : 32.0;
  }
  const double all = std::min(64.0, 2.0 * known.channels);
  const double threads = protocol == Protocol::ll128 ? 640.0 : 512.0;
  double threshold = protocol == Protocol::simple ? 64.0 : 8.0;
  if (needs_network_reduction(algorithm)) threshold = 512.0;
  if (protocol == Protocol::ll && algorithm == Algorithm::ring) {
    threshold *= static_cast<double>(known.ranks);
  }
  return std::clamp(std::floor(bytes / (threads * threshold)), 1.0, all);
}

/// Bytes through HBM for each byte sent: it was read and another arrives; where members add up,
/// what it is added to was read as well. The second half of an all-reduce only gathers.
double memory_traffic(CollectiveKind kind, Algorithm algorithm) {
  if (algorithm == Algorithm::nvls || algorithm == Algorithm::nvls_sharp) return 2.0;
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
  for (const Algorithm algorithm : algorithms) {
    if (!forced.empty() && name_of(algorithm) != forced) continue;
    for (const Protocol protocol : {Protocol::ll, Protocol::ll128, Protocol::simple}) {
      const auto found = estimate(kind, bytes, known, version, algorithm, protocol);
      if (found && found->microseconds < best.microseconds) best = *found;
    }
  }
  return best;
}

const ReachedShares& reached_by(const Communicator& known, Algorithm algorithm) {
  return uses_nvls(algorithm) ? known.reached.nvls : known.reached.ring;
}

/// What the end steps leave of a bandwidth.
double shared_by_ends(const ReachedShares& reached, double steps) {
  return reached.rate / (1.0 + reached.ends / steps);
}

/// The time in which a pipeline fills when all bytes together take `moving`, in microseconds.
double filling(const ReachedShares& reached, double bytes, double moving) {
  return moving * std::min(reached.fill, static_cast<double>(reached.fill_most.value()) / bytes);
}

/// Once per operation, beside the base: what grows with ranks but is no hop.
double arity(const Communicator& known, Version version, Algorithm algorithm) {
  if (algorithm == Algorithm::pat) return pat_rank_latency() * static_cast<double>(known.ranks);
  if (algorithm != Algorithm::collnet_direct) return 0.0;
  return 2.0 * arity_latency(version) * static_cast<double>(known.ranks_per_node - 1);
}

/// GB/s of the operation's size at most, whatever the links allow. Where the network adds up the
/// estimate counts bytes as if they crossed it twice, so it only chooses: CollNet has what the
/// links give, NVLS what it has on one node.
double ceiling_of(const Estimate& best, CollectiveKind kind, const Communicator& known,
                  Version version) {
  if (!needs_network_reduction(best.algorithm)) return best.algorithm_rate;
  if (best.algorithm != Algorithm::nvls_sharp) return std::numeric_limits<double>::infinity();
  Communicator one = known;
  one.nodes = 1;
  return nvls_bus_rate(kind, one, version) * static_cast<double>(known.ranks) /
         ring_steps(kind, known).all;
}

Choice choice_of(const Estimate& best, CollectiveKind kind, double bytes, const Communicator& known,
                 Version version) {
  const auto p = static_cast<std::size_t>(best.protocol);
  const ReachedShares& reached = reached_by(known, best.algorithm);
  const double stretch = plateau(kind, bytes, known, best.algorithm, best.protocol);
  const double ceiling = ceiling_of(best, kind, known, version);
  const double moving = bytes / (1000.0 * ceiling);
  const double base = reached.base * stretch * base_latency(version, best.algorithm)[p] +
                      arity(known, version, best.algorithm);
  Choice choice;
  choice.algorithm = find_collective_algorithm(name_of(best.algorithm));
  choice.protocol = to_string(best.protocol);
  choice.base_latency = microseconds(base + filling(reached, bytes, moving));
  choice.intra_hop = beyond(reached.hop * stretch * hop_inside(known, version, best.algorithm, p),
                            known.inside_wire);
  choice.inter_hop =
      beyond(stretch * hop_between(known, version, best.algorithm, p), known.network_wire);
  choice.payload_share = payload_share(best.protocol);
  choice.rate_cap = ceiling * shared_by_ends(reached, ring_steps(kind, known).all) * giga;
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
  const bool own = forced.empty() || std::ranges::any_of(algorithms, [&](Algorithm algorithm) {
                     return name_of(algorithm) == forced;
                   });
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
