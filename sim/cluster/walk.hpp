// One way through a cluster's hierarchies, link after link.
#pragma once

#include "base/check.hpp"
#include "cluster/parts.hpp"

#include <array>
#include <span>

namespace orrery {

/// Up and down two hierarchies and past a peer: no way is longer. Without a heap, as millions are
/// walked.
class LinkPath {
 public:
  std::size_t size() const { return size_; }
  LinkId& operator[](std::size_t i) { return links_[i]; }
  LinkId back() const { return links_[size_ - 1]; }
  void push_back(LinkId link) {
    CHECK(size_ < most, size_);
    links_[size_++] = link;
  }
  void resize(std::size_t size) {
    CHECK(size <= most, size);
    size_ = size;
  }
  std::span<const LinkId> span() const { return std::span(links_).first(size_); }

 private:
  static constexpr std::size_t most = 62;

  std::array<LinkId, most> links_;
  std::size_t size_ = 0;
};

class Walk {
 public:
  explicit Walk(const ClusterParts& parts) : parts_(&parts) {}

  std::span<const LinkId> links() const { return links_.span(); }

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

  const ClusterParts* parts_;
  LinkPath links_;
};

}  // namespace orrery
