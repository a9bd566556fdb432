// What the transfers of rings, chains and trees cross.
//
// A group with g members in each of several domains does not run one ring but g of them, as NCCL's
// channels do: ring c leaves and enters every node over the adapter of its c-th member, and
// carries 1/g of the bytes. Inside a domain each ring passes all g members, each time beginning
// with another, so that every member hands all of the bytes to its neighbour while every adapter
// carries 1/g of them. Where GPUs have links to one another instead of a switch, rings are laid so
// that all links are used alike.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/layout.hpp"

#include <span>
#include <vector>

namespace orrery {

/// Crossings of several transfers and the longest latency of one.
class PathSum {
 public:
  explicit PathSum(const Cluster& cluster) : cluster_(&cluster) {}

  /// `share` of a transfer from one GPU to another, in units of 2^-32.
  void add(VertexId source, VertexId target, std::uint64_t share);
  void add(const std::vector<LinkCrossing>& crossings);

  Duration latency() const { return latency_; }
  /// Ascending by link, each once.
  std::vector<LinkCrossing> take();

 private:
  const Cluster* cluster_;
  std::vector<LinkCrossing> items_;
  std::size_t merged_ = 0;  ///< so many in front are ascending, each link once
  std::size_t merge_at_ = 1024;
  Duration latency_{0};

  void merge();
};

enum class Direction : std::uint8_t { forward, backward };

/// Every member of a domain hands `share` of a transfer to the next one, the last to the first (or
/// backward).
void add_cycle(PathSum& sum, std::span<const VertexId> domain, const Cluster& cluster,
               std::uint64_t share, Direction direction);

/// What the rings of a group cross when every member sends one transfer: inside domains and
/// between them.
struct RingPaths {
  std::vector<LinkCrossing> crossings;
  Duration inside_latency{0};   ///< of the longest step inside a domain
  Duration between_latency{0};  ///< of the longest step between domains
};
enum class RingEnds : std::uint8_t {
  closed,
  open
};  ///< open: nothing leads back to the first domain
RingPaths ring_paths(const GroupLayout& layout, const Cluster& cluster, RingEnds ends);

/// What the rails of a group cross: rings of the c-th members of all domains, for every c, a
/// transfer per member.
RingPaths rail_rings(const GroupLayout& layout, const Cluster& cluster);

/// The parents of `count` nodes in one of the two complementary binary trees of Sanders, Speck and
/// Träff (Parallel Computing 35, 2009): who is a leaf in one is not in the other. The root's
/// parent is itself.
std::vector<std::size_t> tree_parents(std::size_t count, std::size_t which);

/// Adds, for both trees and every rail, `share` / 2 of a transfer from each member to its parent
/// and back.
void add_double_tree(PathSum& sum, const GroupLayout& layout, std::uint64_t share);

/// Bytes per second that each transfer of a bundle can have, were there no other: the least of
/// capacity / transfers crossing.
double bottleneck(std::span<const LinkCrossing> crossings, const Cluster& cluster);

}  // namespace orrery
