// How the members of a group lie in the cluster: which of them share a scale-up domain.
#pragma once

#include "cluster/cluster.hpp"

#include <span>
#include <vector>

namespace orrery {

struct GroupLayout {
  /// Members by domain, domains in the order of their first members, members in the group's order.
  std::vector<std::vector<VertexId>> domains;
  std::size_t members = 0;
  bool even = true;  ///< as many in every domain

  std::size_t per_domain() const { return domains.front().size(); }
  /// Ordered pairs within domains.
  std::size_t inside_pairs() const;
  std::size_t between_pairs() const { return members * (members - 1) - inside_pairs(); }
};

GroupLayout lay_out(std::span<const VertexId> members, const Cluster& cluster);

/// The members at place `rail` of every domain.
std::vector<VertexId> members_on_rail(const GroupLayout& layout, std::size_t rail);

}  // namespace orrery
