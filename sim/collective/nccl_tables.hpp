// The constants of NCCL's cost model, by version and generation of GPU.
//
// Source: NVIDIA/nccl src/graph/tuning.cc, topo.h, search.cc and nvls.cc at the tags named; times
// in microseconds, rates in GB/s, three protocols in the order LL, LL128, Simple.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace orrery::nccl {

enum class Algorithm : std::uint8_t {
  tree,
  ring,
  nvls,
  nvls_tree,
  nvls_sharp,      ///< NVLS on several nodes, whose network adds up too
  collnet_direct,  ///< the network adds up; inside nodes everybody with everybody
  collnet_chain,   ///< the network adds up; chains inside nodes
  pat,             ///< parallel aggregated trees
};
inline constexpr std::array algorithms{Algorithm::tree,          Algorithm::ring,
                                       Algorithm::nvls,          Algorithm::nvls_tree,
                                       Algorithm::nvls_sharp,    Algorithm::collnet_direct,
                                       Algorithm::collnet_chain, Algorithm::pat};

/// Those that run with the Simple protocol alone.
bool only_simple(Algorithm algorithm);
/// Those to which the network's switches add up.
bool needs_network_reduction(Algorithm algorithm);
enum class Protocol : std::uint8_t { ll, ll128, simple };
inline constexpr std::size_t protocol_count = 3;
enum class Generation : std::uint8_t { volta, ampere, hopper, blackwell };
/// What the GPUs of a node meet over.
enum class Inside : std::uint8_t { nvlink, pcie };

using ByProtocol = std::array<double, protocol_count>;

struct Version {
  int major = 2;
  int minor = 26;
};

std::string_view to_string(Protocol protocol);

/// Once per operation.
ByProtocol base_latency(Version version, Algorithm algorithm);
/// Per hop inside a node, or over the network.
ByProtocol inside_hop(Version version, Algorithm algorithm, Inside inside);
ByProtocol network_hop(Version version, Algorithm algorithm);
/// The least that a hop inside a node takes when the operation spans several.
ByProtocol network_overhead();

/// Speeds of one channel that the search for rings tries, best first.
std::span<const double> channel_speeds(Generation generation);

/// Most that all channels make with LL, that one channel makes with LL128 in rings and in trees,
/// and with Simple in trees. `nodes` chooses among one, two, more.
double ll_ceiling(Generation generation, std::size_t nodes);
double ring_ll128_ceiling(Version version, Generation generation, std::size_t nodes);
double tree_ll128_ceiling(Generation generation, std::size_t nodes);
double tree_ceiling(Generation generation, std::size_t nodes);
double nvls_tree_ceiling(Version version, Generation generation, std::size_t nodes);
/// Share of a channel's rate that reduction in the switch reaches; 0 where there is none.
double nvls_efficiency(Generation generation);

/// Microseconds with each further member of a node, as it is served in turn (CollNetDirect).
double arity_latency(Version version);
/// Microseconds with each rank, of parallel aggregated trees.
double pat_rank_latency();

/// What trees reach of their bandwidth at a size.
double tree_correction(Protocol protocol, double bytes);

}  // namespace orrery::nccl
