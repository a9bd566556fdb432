#include "cluster/walk.hpp"

#include "base/check.hpp"
#include "base/random.hpp"

#include <algorithm>

namespace orrery {

namespace {

LinkId down_of(LinkId up) { return id_at<LinkId>(index_of(up) + 1); }

/// A vertex and what lies above it in the local hierarchy; deeper trees than this there are none.
struct Chain {
  std::array<VertexId, 8> vertex{};
  std::size_t size = 0;

  std::span<const VertexId> span() const { return std::span(vertex).first(size); }
};

Chain local_chain(const ClusterParts& parts, VertexId from) {
  Chain chain;
  for (VertexId v = from;;) {
    CHECK(chain.size < chain.vertex.size());
    chain.vertex[chain.size++] = v;
    if (parts.local_up[v] == no_link) return chain;
    v = parts.links[parts.local_up[v]].target;
  }
}

bool holds_cpu(const ClusterParts& parts, std::span<const VertexId> chain) {
  return std::ranges::any_of(chain, [&](VertexId v) { return parts.kinds[v] == VertexKind::cpu; });
}

}  // namespace

void Walk::climb(VertexId vertex, std::size_t steps) {
  for (; steps > 0; --steps) {
    links_.push_back(parts_->local_up[vertex]);
    vertex = parts_->links[links_.back()].target;
  }
}

void Walk::descend(std::span<const VertexId> chain, std::size_t steps) {
  while (steps > 0) links_.push_back(down_of(parts_->local_up[chain[--steps]]));
}

bool Walk::local(VertexId source, VertexId target) {
  if (source == target) return true;
  for (const LinkId link : parts_->out_links(source)) {
    if (parts_->links[link].target != target) continue;
    links_.push_back(link);
    return true;
  }
  const Chain up = local_chain(*parts_, source);
  const Chain down = local_chain(*parts_, target);
  for (std::size_t i = 0; i < up.size; ++i) {
    const auto met = std::ranges::find(down.span(), up.vertex[i]);
    if (met == down.span().end()) continue;
    const auto j = static_cast<std::size_t>(met - down.span().begin());
    const bool by_cpu =
        holds_cpu(*parts_, up.span().first(i + 1)) || holds_cpu(*parts_, down.span().first(j + 1));
    if (parts_->rules.host_bounce && !by_cpu) continue;
    climb(source, i);
    descend(down.span(), j);
    return true;
  }
  return false;
}

bool Walk::leave(VertexId gpu, std::uint32_t rail) {
  const std::uint32_t node = parts_->node_of(gpu);
  const VertexId nic = parts_->nic(node, rail);
  if (rail == parts_->rail_of(gpu)) return local(gpu, nic);
  const ClusterShape& shape = parts_->shape;
  const std::uint32_t place = static_cast<std::uint32_t>(gpu) % shape.gpus_per_node;
  const std::uint32_t first =
      (rail * shape.gpus_per_node + shape.nics_per_node - 1) / shape.nics_per_node;
  const std::uint32_t beyond =
      ((rail + 1) * shape.gpus_per_node + shape.nics_per_node - 1) / shape.nics_per_node;
  const auto peer = id_at<VertexId>(node * shape.gpus_per_node + first + place % (beyond - first));
  const std::size_t before = links_.size();
  if (local(gpu, peer) && local(peer, nic)) return true;
  links_.resize(before);
  return false;
}

bool Walk::across(VertexId source, VertexId target) {
  if (parts_->shape.nics_per_node == 0) return false;
  const std::uint32_t rail =
      parts_->rules.peer_rail ? parts_->rail_of(target) : parts_->rail_of(source);
  const VertexId from = parts_->nic(parts_->node_of(source), rail);
  const VertexId to = parts_->nic(parts_->node_of(target), parts_->rail_of(target));
  const std::uint64_t entity = std::uint64_t{static_cast<std::uint32_t>(source)} << 32 |
                               std::uint64_t{static_cast<std::uint32_t>(target)};
  const std::size_t before = links_.size();
  if (leave(source, rail) && outer(from, to, entity) && local(to, target)) return true;
  links_.resize(before);
  return false;
}

bool Walk::outer(VertexId from, VertexId to, std::uint64_t entity) {
  switch (parts_->rules.outer) {
    case OuterRouting::tree:
      return outer_tree(from, to);
    case OuterRouting::layered:
      return outer_layers(from, to, entity);
    case OuterRouting::graph:
      return false;
  }
  return false;
}

bool Walk::outer_tree(VertexId from, VertexId to) {
  const std::size_t before = links_.size();
  for (VertexId a = from, b = to; a != b;) {
    const LinkId up = parts_->outer_up[a];
    if (up == no_link || parts_->outer_up[b] == no_link) return false;
    links_.push_back(up);
    a = parts_->links[up].target;
    b = parts_->links[parts_->outer_up[b]].target;
  }
  const std::size_t levels = links_.size() - before;
  links_.resize(links_.size() + levels);
  for (std::size_t i = 1; i <= levels; ++i) {
    const LinkId other = parts_->outer_up[to];
    links_[links_.size() - i] = down_of(other);
    to = parts_->links[other].target;
  }
  return true;
}

namespace {

/// What lies above the target, level by level: who, and over which link up it was come to.
struct Ancestor {
  VertexId vertex{};
  LinkId up = no_link;
};

std::vector<LinkId> up_links(const ClusterParts& parts, VertexId vertex) {
  std::vector<LinkId> ups;
  for (const LinkId link : parts.out_links(vertex)) {
    if (parts.level[parts.links[link].target] == parts.level[vertex] + 1) ups.push_back(link);
  }
  return ups;
}

std::vector<Ancestor> parents(const ClusterParts& parts, std::span<const Ancestor> children) {
  std::vector<Ancestor> above;
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (i > 0 && children[i].vertex == children[i - 1].vertex) continue;
    for (const LinkId up : up_links(parts, children[i].vertex)) {
      above.push_back({parts.links[up].target, up});
    }
  }
  std::ranges::stable_sort(above, {}, &Ancestor::vertex);
  return above;
}

}  // namespace

bool Walk::outer_layers(VertexId from, VertexId to, std::uint64_t entity) {
  const Draw what{.seed = parts_->rules.seed, .purpose = Purpose::ecmp, .entity = entity};
  std::uint64_t choices = 0;
  std::vector<std::vector<Ancestor>> layers{{{to, no_link}}};
  while (!std::ranges::binary_search(layers.back(), from, {}, &Ancestor::vertex)) {
    const std::vector<LinkId> ups = up_links(*parts_, from);
    layers.push_back(parents(*parts_, layers.back()));
    if (ups.empty() || layers.back().empty()) return false;
    links_.push_back(ups[draw_below(what, choices++, ups.size())]);
    from = parts_->links[links_.back()].target;
  }
  for (std::size_t i = layers.size(); i-- > 1;) {
    const auto ways = std::ranges::equal_range(layers[i], from, {}, &Ancestor::vertex);
    const auto pick = draw_below(what, choices++, static_cast<std::uint64_t>(ways.size()));
    const LinkId up = ways[static_cast<std::ptrdiff_t>(pick)].up;
    links_.push_back(down_of(up));
    from = parts_->links[up].source;
  }
  return true;
}

}  // namespace orrery
