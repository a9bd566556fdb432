// One way through a cluster's hierarchies, link after link.
#pragma once

#include "cluster/parts.hpp"

#include <array>
#include <span>
#include <vector>

namespace orrery {

class Walk {
 public:
  explicit Walk(const ClusterParts& parts) : parts_(&parts) { links_.reserve(usual_length); }

  std::span<const LinkId> links() const { return links_; }

  // Each of these appends links and says whether there is such a way; if not, nothing is appended.

  /// Inside a domain, or between a GPU and an adapter: the direct link, else up and down the local
  /// hierarchy.
  bool local(VertexId source, VertexId target);
  /// From a GPU to its node's adapter on a rail: straight, or over the GPU beside that adapter.
  bool leave(VertexId gpu, std::uint32_t rail);
  /// From one domain to another.
  bool across(VertexId source, VertexId target);

 private:
  /// Up and down the outer hierarchy; among several parents a hash of `entity` picks.
  bool outer(VertexId from, VertexId to, std::uint64_t entity);
  bool outer_tree(VertexId from, VertexId to);
  bool outer_layers(VertexId from, VertexId to, std::uint64_t entity);
  void climb(VertexId vertex, std::size_t steps);
  void descend(std::span<const VertexId> chain, std::size_t steps);

  static constexpr std::size_t usual_length = 16;

  const ClusterParts* parts_;
  std::vector<LinkId> links_;
};

}  // namespace orrery
