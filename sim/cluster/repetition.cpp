#include "cluster/repetition.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace orrery {

namespace {

constexpr std::uint32_t nowhere = 0xFFFFFFFFU;
constexpr std::uint32_t shared = 0xFFFFFFFEU;

}  // namespace

/// Tries one period.
class PeriodTest {
 public:
  PeriodTest(const ClusterParts& parts, std::uint32_t period) : parts_(parts) {
    const ClusterShape& shape = parts.shape;
    gpus_ = shape.nodes * shape.gpus_per_node;
    found_.period_ = period;
    found_.times_ = gpus_ / period;
  }

  std::optional<Repetition> run() {
    find_owners();
    found_.place_.assign(parts_.links.size(), nowhere);
    index_.assign(parts_.kinds.size(), nowhere);
    for (std::uint32_t p = 0; p < found_.times_; ++p) {
      if (!number_vertices(p) || !match_links(p)) return std::nullopt;
    }
    return std::move(found_);
  }

 private:
  /// Calls `meet` for every GPU and adapter of a period and all that lies above them.
  template <typename Meet>
  void walk(std::uint32_t period, const Meet& meet) const {
    const ClusterShape& shape = parts_.shape;
    const std::uint32_t first = period * found_.period_;
    const std::uint32_t beyond = std::min(gpus_, first + found_.period_);
    for (std::uint32_t g = first; g < beyond; ++g) climb(id_at<VertexId>(g), parts_.local_up, meet);
    for (std::uint32_t n = first / shape.gpus_per_node; n < beyond / shape.gpus_per_node; ++n) {
      for (std::uint32_t rail = 0; rail < shape.nics_per_node; ++rail) {
        climb(parts_.nic(n, rail), parts_.local_up, meet);
        climb(parts_.nic(n, rail), parts_.outer_up, meet);
      }
    }
  }

  template <typename Meet>
  void climb(VertexId vertex, const IdVector<VertexId, LinkId>& up, const Meet& meet) const {
    meet(vertex);
    while (up[vertex] != no_link) {
      vertex = parts_.links[up[vertex]].target;
      meet(vertex);
    }
  }

  /// The period that each vertex belongs to: `shared` if to several.
  void find_owners() {
    owner_.assign(parts_.kinds.size(), nowhere);
    const std::uint32_t periods = (gpus_ + found_.period_ - 1) / found_.period_;
    for (std::uint32_t p = 0; p < periods; ++p) {
      walk(p, [&](VertexId vertex) {
        std::uint32_t& owner = owner_[index_of(vertex)];
        owner = owner == nowhere || owner == p ? p : shared;
      });
    }
  }

  /// What a vertex is to a period: its number in it, or, if shared, itself.
  std::uint64_t role(VertexId vertex, std::uint32_t period) const {
    const std::uint32_t owner = owner_[index_of(vertex)];
    if (owner == shared) return std::uint64_t{1} << 32 | index_of(vertex);
    return owner == period ? index_[index_of(vertex)] : nowhere;
  }

  /// Numbers a period's vertices as they are met; false if the first period is met otherwise.
  bool number_vertices(std::uint32_t period) {
    vertices_.clear();
    std::size_t step = 0;
    bool same = true;
    walk(period, [&](VertexId vertex) {
      std::uint32_t& index = index_[index_of(vertex)];
      if (owner_[index_of(vertex)] != shared && index == nowhere) {
        index = static_cast<std::uint32_t>(vertices_.size());
        vertices_.push_back(vertex);
      }
      const std::uint64_t now = role(vertex, period);
      if (period == 0) trace_.push_back(now);
      same = same && step < trace_.size() && trace_[step] == now;
      ++step;
    });
    if (period == 0) first_ = vertices_;
    return same && step == trace_.size() && vertices_.size() == first_.size();
  }

  /// Enters the links that leave a period's vertices, or come down to them from what is shared.
  bool match_links(std::uint32_t period) {
    for (std::size_t i = 0; i < vertices_.size(); ++i) {
      const VertexId a = first_[i];
      const VertexId b = vertices_[i];
      const auto out_a = parts_.out_links(a);
      const auto out_b = parts_.out_links(b);
      if (out_a.size() != out_b.size() || parts_.kinds[a] != parts_.kinds[b] ||
          parts_.level[a] != parts_.level[b]) {
        return false;
      }
      for (std::size_t k = 0; k < out_a.size(); ++k) {
        if (!match(out_a[k], out_b[k], period)) return false;
      }
      if (!match_parent(parts_.local_up[a], parts_.local_up[b], period) ||
          !match_parent(parts_.outer_up[a], parts_.outer_up[b], period)) {
        return false;
      }
    }
    const auto links = static_cast<std::int64_t>(found_.links_.size());
    if (period == 0) found_.links_per_period_ = links;
    return links == (period + 1) * found_.links_per_period_;
  }

  /// The link up is the same one of those that leave, and the one down beside it alike.
  bool match_parent(LinkId a, LinkId b, std::uint32_t period) {
    if (a == no_link || b == no_link) return a == b;
    const auto behind = static_cast<std::uint32_t>(period * found_.links_per_period_);
    if (found_.place_[index_of(a)] + behind != found_.place_[index_of(b)]) return false;
    const bool comes_from_shared = owner_[index_of(parts_.links[a].target)] == shared;
    return !comes_from_shared ||
           match(id_at<LinkId>(index_of(a) + 1), id_at<LinkId>(index_of(b) + 1), period);
  }

  bool match(LinkId a, LinkId b, std::uint32_t period) {
    const Link& first = parts_.links[a];
    const Link& second = parts_.links[b];
    if (role(second.target, period) == nowhere || role(second.source, period) == nowhere) {
      return false;
    }
    found_.place_[index_of(b)] = static_cast<std::uint32_t>(found_.links_.size());
    found_.links_.push_back(b);
    return first.capacity == second.capacity && first.latency == second.latency &&
           first.kind == second.kind && role(first.source, 0) == role(second.source, period) &&
           role(first.target, 0) == role(second.target, period);
  }

  const ClusterParts& parts_;
  std::uint32_t gpus_ = 0;
  Repetition found_;
  std::vector<std::uint32_t> owner_;  ///< by vertex
  std::vector<std::uint32_t> index_;  ///< of a vertex in its period
  std::vector<std::uint64_t> trace_;  ///< roles in the first period, in the order of the walk
  std::vector<VertexId> first_;       ///< the first period's vertices
  std::vector<VertexId> vertices_;    ///< those of the period at hand
};

namespace {

/// GPUs from the first on that share their adapter's ancestor at each level: how long a period may
/// be.
std::vector<std::uint32_t> candidates(const ClusterParts& parts) {
  const ClusterShape& shape = parts.shape;
  std::vector<std::uint32_t> periods{std::max(shape.gpus_per_domain, shape.gpus_per_node)};
  if (shape.nics_per_node == 0) return periods;
  const auto ancestor = [&](std::uint32_t node, std::size_t level) {
    VertexId vertex = parts.nic(node, 0);
    for (; level > 0 && parts.outer_up[vertex] != no_link; --level) {
      vertex = parts.links[parts.outer_up[vertex]].target;
    }
    return vertex;
  };
  for (std::size_t level = 1; ancestor(0, level) != ancestor(0, level - 1); ++level) {
    std::uint32_t nodes = 1;
    while (nodes < shape.nodes && ancestor(nodes, level) == ancestor(0, level)) ++nodes;
    periods.push_back(nodes * shape.gpus_per_node);
  }
  return periods;
}

}  // namespace

std::unique_ptr<const Repetition> Repetition::find(const ClusterParts& parts) {
  const ClusterShape& shape = parts.shape;
  if (parts.rules.outer != OuterRouting::tree || parts.some_link_failed) return nullptr;
  if (!parts.gpu_type_of_node.empty()) return nullptr;
  for (const std::uint32_t period : candidates(parts)) {
    const bool whole_domains =
        period % shape.gpus_per_domain == 0 && period % shape.gpus_per_node == 0;
    if (!whole_domains || shape.nodes * shape.gpus_per_node < 2 * period) continue;
    if (auto found = PeriodTest(parts, period).run()) {
      return std::make_unique<const Repetition>(std::move(*found));
    }
  }
  return nullptr;
}

LinkId Repetition::moved(LinkId link, std::int64_t periods) const {
  CHECK(place_[index_of(link)] != nowhere, index_of(link));
  return links_[static_cast<std::size_t>(place_[index_of(link)] + periods * links_per_period_)];
}

}  // namespace orrery
