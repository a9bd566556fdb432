// Collectives: an operation on a group of GPUs as phases of bundles of transfers. Pure functions of
// (kind, members, size, cluster); time appears only as latencies.
//
// What crosses the links does not depend on the size: a `Shape` is computed once per group and
// algorithm and used for every size. The choice of algorithm and protocol does (choose()), and with
// it the latency, the share of the wire that is payload, the rate a transfer can reach and the SMs
// held. Volumes, per byte of `size` as nccl-tests counts it, for n members: ring all-reduce sends
// 2(n-1)/n per member, all-gather and reduce-scatter (n-1)/n, all-to-all (n-1)/n, broadcast and
// send 1 (NVIDIA nccl-tests doc/PERFORMANCE.md). The size of a dispatch or combine is that of all
// copies of a member's tokens, one for each expert that a token picks; what of it travels depends
// on how they spread (token_spread.hpp).
#pragma once

#include "base/quantity.hpp"
#include "base/time.hpp"
#include "cluster/cluster.hpp"
#include "collective/token_spread.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {

enum class CollectiveKind : std::uint8_t {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  broadcast,
  send_recv,  ///< members[0] sends to members[1]
  dispatch,   ///< every member's tokens to the members that hold the experts they pick
  combine,    ///< the experts' results back
};
inline constexpr std::array collective_kinds{
    CollectiveKind::all_reduce, CollectiveKind::all_gather, CollectiveKind::reduce_scatter,
    CollectiveKind::all_to_all, CollectiveKind::broadcast,  CollectiveKind::send_recv,
    CollectiveKind::dispatch,   CollectiveKind::combine};
std::string_view to_string(CollectiveKind kind);

/// Bytes that each member must send at least, per byte of size; what conservation is checked
/// against.
double bytes_sent_per_member(CollectiveKind kind, std::size_t members);

/// bundled: a pipelined ring is one bundle. explicit_steps: every transfer on its own, step by
/// step.
enum class Steps { bundled, explicit_steps };

struct ShapeOptions {
  /// Implicit: most shapes depend on the steps alone.
  ShapeOptions(Steps by = Steps::bundled, TokenSpread tokens = {})
      : steps(by), spread(std::move(tokens)) {}

  Steps steps;
  TokenSpread spread;  ///< of a dispatch or combine
};

/// Equal transfers; `volume` is what one of them carries per byte of the operation's size.
struct BundleShape {
  std::vector<LinkCrossing> crossings;  ///< ascending by link
  double volume = 0.0;
  std::uint32_t transfers = 1;  ///< how many the bundle holds
  /// Hops in a row through which a byte passes, by where they lead, for protocol latencies.
  std::uint32_t intra_hops = 0;
  std::uint32_t inter_hops = 0;
  Duration wire_latency{0};  ///< of all those hops, from the links
};

struct PhaseShape {
  std::vector<BundleShape> bundles;
  std::uint32_t repeat = 1;
};

struct Shape {
  std::vector<PhaseShape> phases;  ///< none for a group of one
  /// Bytes that a member sends in all phases, on average, per byte of size. Less than
  /// bytes_sent_per_member where switches add up or multiply.
  double sent_per_member = 0.0;
  /// Switches do a part of the work: what arrives at members is not what left others.
  bool switches_compute = false;
};

struct CollectiveAlgorithm {
  std::string_view name;         ///< "ring"
  std::string_view description;  ///< one line
  bool (*applicable)(CollectiveKind kind, std::span<const VertexId> members,
                     const Cluster& cluster);
  Shape (*shape)(CollectiveKind kind, std::span<const VertexId> members, const Cluster& cluster,
                 const ShapeOptions& options);
};
std::span<const CollectiveAlgorithm* const> registered_collective_algorithms();

/// How the library runs one operation: what a choice costs beyond what crosses the links.
struct Choice {
  const CollectiveAlgorithm* algorithm = nullptr;
  std::string_view protocol;   ///< "ll", "ll128", "simple"; "" for the fabric's own bare transfers
  Duration base_latency{0};    ///< once per operation
  Duration intra_hop{0};       ///< per hop inside a scale-up domain, on top of the wire's
  Duration inter_hop{0};       ///< per hop between them
  double payload_share = 1.0;  ///< of what crosses the wire
  double rate_cap =
      std::numeric_limits<double>::infinity();  ///< bytes per second of one transfer's payload
  float sm_share = 0.0F;                        ///< of a member's SMs held while it runs
  double memory_traffic = 0.0;  ///< bytes through a member's HBM for each one that it sends

  bool operator==(const Choice&) const = default;
};

/// Which library and version decides: "nccl-2.21" and so on, or "none": bare transfers, ring or
/// direct.
struct CollectiveTuning {
  std::string library = "nccl-2.26";
  std::string algorithm;  ///< forced by the scenario; empty: the library's own choice
};

/// Whether `library` is one that choose() knows: "none", "nccl-<major>.<minor>".
bool is_collective_library(std::string_view library);

/// The registered algorithm of that name, or null.
const CollectiveAlgorithm* find_collective_algorithm(std::string_view name);

/// The cheapest algorithm and protocol for the size, as the library would pick it by its own cost
/// model.
Choice choose(CollectiveKind kind, Bytes size, std::span<const VertexId> members,
              const Cluster& cluster, const CollectiveTuning& tuning);

}  // namespace orrery
