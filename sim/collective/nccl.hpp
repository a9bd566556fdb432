// NCCL's own estimate of what an operation takes, by which it picks algorithm and protocol.
//
// time = latency + bytes / algbw; latency = base + hops; algbw = busBw * ranks / steps (rings,
// NVLS) or busBw / 2 (trees); busBw = channels * speed of one channel, as a search over the
// topology finds them, with ceilings per protocol (NVIDIA/nccl src/graph/tuning.cc,
// ncclTopoTuneModel and ncclTopoGetAlgoTime). The search is replaced by the bottleneck of the
// group's own rings, rounded down to whole channels.
#pragma once

#include "collective/collective.hpp"
#include "collective/layout.hpp"
#include "collective/nccl_tables.hpp"

#include <optional>
#include <span>
#include <string_view>

namespace orrery::nccl {

/// What NCCL knows of a communicator.
struct Communicator {
  std::size_t ranks = 1;
  std::size_t nodes = 1;           ///< scale-up domains
  std::size_t ranks_per_node = 1;  ///< of the first
  bool even = true;                ///< as many on every node: trees are built of such only
  Generation generation = Generation::hopper;
  Inside inside = Inside::nvlink;
  double channels = 1.0;  ///< of the rings found
  double speed = 1.0;     ///< of one of them, GB/s
  double network = 0.0;   ///< what a node's adapters carry for this group, GB/s; 0 on one node
  double nvls_channels = 0.0;
  double nvls_speed = 0.0;
  bool network_reduction = false;  ///< the switches between nodes add up
  double adapters = 1.0;           ///< of a node, that its members sit beside
  bool nvswitch = false;           ///< members of a node meet at a switch
  double straight = 0.0;           ///< what one GPU sends to its fellows at most, GB/s
  std::int64_t streaming_multiprocessors = 1;
  CollectiveConstants reached;  ///< the GPU's: what it makes of the estimates
  Duration inside_wire{0};
  Duration network_wire{0};
};

Communicator survey(std::span<const VertexId> members, const Cluster& cluster);

/// One candidate.
struct Estimate {
  Algorithm algorithm = Algorithm::ring;
  Protocol protocol = Protocol::simple;
  double microseconds = 0.0;
  double algorithm_rate = 0.0;  ///< GB/s of the operation's size
};

/// Nothing if NCCL does not offer the combination for this operation and communicator.
std::optional<Estimate> estimate(CollectiveKind kind, double bytes,
                                 const Communicator& communicator, Version version,
                                 Algorithm algorithm, Protocol protocol);

/// "nccl-2.21"; nothing for other libraries.
std::optional<Version> parse_version(std::string_view library);

/// The choice for an operation; `forced` is an algorithm's name or empty.
Choice choose(CollectiveKind kind, Bytes size, const Communicator& communicator, Version version,
              std::string_view forced);

}  // namespace orrery::nccl
