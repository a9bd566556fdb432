#include "collective/layout.hpp"

#include "base/check.hpp"

#include <map>

namespace orrery {

std::size_t GroupLayout::inside_pairs() const {
  std::size_t pairs = 0;
  for (const std::vector<VertexId>& domain : domains) pairs += domain.size() * (domain.size() - 1);
  return pairs;
}

GroupLayout lay_out(std::span<const VertexId> members, const Cluster& cluster) {
  CHECK(!members.empty());
  GroupLayout layout;
  layout.members = members.size();
  std::map<std::uint32_t, std::size_t> place;
  auto last = place.end();  // neighbours in the list mostly share a domain
  for (const VertexId member : members) {
    const std::uint32_t domain = cluster.domain_of(member);
    if (last == place.end() || last->first != domain) {
      last = place.try_emplace(domain, layout.domains.size()).first;
      if (last->second == layout.domains.size()) layout.domains.emplace_back();
    }
    layout.domains[last->second].push_back(member);
  }
  for (const std::vector<VertexId>& domain : layout.domains) {
    layout.even = layout.even && domain.size() == layout.per_domain();
  }
  return layout;
}

std::vector<VertexId> members_on_rail(const GroupLayout& layout, std::size_t rail) {
  std::vector<VertexId> members;
  for (const std::vector<VertexId>& domain : layout.domains) members.push_back(domain[rail]);
  return members;
}

}  // namespace orrery
