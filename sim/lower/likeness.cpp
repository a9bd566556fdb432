#include "lower/likeness.hpp"

#include "base/check.hpp"
#include "fold/refine.hpp"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

namespace orrery {

namespace {

/// Small numbers for distinct values, in the order in which they come.
template <typename Key>
class Numbering {
 public:
  std::uint64_t operator()(const Key& key) {
    const bool again = last_ != numbers_.end() && last_->first == key;
    if (!again) last_ = numbers_.try_emplace(key, numbers_.size()).first;
    return last_->second;
  }

 private:
  std::map<Key, std::uint64_t> numbers_;
  typename std::map<Key, std::uint64_t>::iterator last_ = numbers_.end();
};

std::vector<LinkId> links_crossed(const GroupSet& set, std::size_t link_count) {
  std::vector<char> crossed(link_count, 0);
  for (std::size_t g = 0; g < set.size(); ++g) {
    for (std::size_t p = 0; p < set.pattern_count(g); ++p) {
      for (const CrossedLink& crossing : set.pattern(g, p)) crossed[index_of(crossing.link)] = 1;
    }
  }
  std::vector<LinkId> links;
  for (std::size_t i = 0; i < link_count; ++i) {
    if (crossed[i] != 0) links.push_back(id_at<LinkId>(i));
  }
  return links;
}

/// The graph under construction: ranks, then groups, then links.
class LikenessGraph {
 public:
  LikenessGraph(const std::vector<std::uint32_t>& scripts, const Cluster& cluster,
                const GroupSet& set, const std::vector<LinkId>& links)
      : scripts_(scripts),
        cluster_(cluster),
        set_(set),
        links_(links),
        node_of_link_(cluster.link_count()) {
    first_group_ = static_cast<std::uint32_t>(scripts.size());
    first_link_ = first_group_ + static_cast<std::uint32_t>(set.size());
    for (std::size_t i = 0; i < links.size(); ++i) {
      node_of_link_[index_of(links[i])] = first_link_ + static_cast<std::uint32_t>(i);
    }
  }

  void colour_ranks(const std::vector<SlowRank>& slow_ranks);
  void colour_groups();
  void colour_links();

  std::vector<std::uint32_t> classes() const {
    return refine(
        colours_, [this](const EdgeSink& take) { join(take); }, Ways::both);
  }
  std::size_t size() const { return colours_.size(); }

 private:
  void join(const EdgeSink& take) const;
  void join_group(std::size_t group, std::vector<RefineEdge>& edges) const;

  const std::vector<std::uint32_t>& scripts_;
  const Cluster& cluster_;
  const GroupSet& set_;
  const std::vector<LinkId>& links_;
  std::vector<std::uint32_t> node_of_link_;
  std::uint32_t first_group_ = 0;
  std::uint32_t first_link_ = 0;
  std::vector<std::uint64_t> colours_;
};

// Colours of the three sorts of node are kept apart by their two lowest bits.
constexpr std::uint64_t sorts = 4;

void LikenessGraph::colour_ranks(const std::vector<SlowRank>& slow_ranks) {
  std::map<RankId, double> slowdown;
  for (const SlowRank& slow : slow_ranks) slowdown[slow.rank] = slow.slowdown;
  Numbering<std::pair<std::uint32_t, double>> number;
  for (std::size_t i = 0; i < scripts_.size(); ++i) {
    const auto slow = slowdown.find(id_at<RankId>(i));
    colours_.push_back(sorts * number({scripts_[i], slow == slowdown.end() ? 1.0 : slow->second}));
  }
}

void LikenessGraph::colour_groups() {
  Numbering<std::tuple<std::uint32_t, std::size_t, std::uint32_t>> number;
  for (std::size_t g = 0; g < set_.size(); ++g) {
    colours_.push_back(1 +
                       sorts * number({set_.kind(g), set_.members(g).size(), set_.plan_list(g)}));
  }
}

void LikenessGraph::colour_links() {
  Numbering<std::pair<double, LinkKind>> number;
  for (const LinkId id : links_) {
    const Link& link = cluster_.link(id);
    colours_.push_back(2 + sorts * number({link.capacity.value(), link.kind}));
  }
}

/// Group by group, so that the edges never lie in memory all at once.
void LikenessGraph::join(const EdgeSink& take) const {
  std::vector<RefineEdge> edges;
  for (std::size_t g = 0; g < set_.size(); ++g) {
    join_group(g, edges);
    constexpr std::size_t enough = 4096;
    if (edges.size() < enough) continue;
    take(edges);
    edges.clear();
  }
  take(edges);
}

void LikenessGraph::join_group(std::size_t group, std::vector<RefineEdge>& edges) const {
  const auto node = first_group_ + static_cast<std::uint32_t>(group);
  const std::uint64_t kind = set_.kind(group);
  const bool directed = set_.kinds()[set_.kind(group)].what != GroupKind::What::axis;
  std::uint64_t place = 0;
  for (const RankId rank : set_.members(group)) {
    const std::uint64_t role = directed ? place++ : 0;
    edges.push_back({static_cast<std::uint32_t>(index_of(rank)), node, 2 * (kind * 2 + role)});
  }
  for (std::size_t p = 0; p < set_.pattern_count(group); ++p) {
    for (const CrossedLink& crossing : set_.pattern(group, p)) {
      const std::uint64_t label = p * set_.weight_count() + crossing.weight;
      edges.push_back({node, node_of_link_[index_of(crossing.link)], 2 * label + 1});
    }
  }
}

/// Numbers from 0 in order of first appearance; returns how many.
std::uint32_t renumber(std::vector<std::uint32_t>& classes) {
  if (classes.empty()) return 0;
  constexpr std::uint32_t unseen = UINT32_MAX;
  std::vector<std::uint32_t> fresh(std::size_t{std::ranges::max(classes)} + 1, unseen);
  std::uint32_t count = 0;
  for (std::uint32_t& c : classes) {
    if (fresh[c] == unseen) fresh[c] = count++;
    c = fresh[c];
  }
  return count;
}

}  // namespace

Likeness find_alike(const std::vector<std::uint32_t>& scripts, const Cluster& cluster,
                    const GroupSet& groups, const LowerOptions& options) {
  Likeness alike;
  alike.links = links_crossed(groups, cluster.link_count());
  const std::size_t ranks = scripts.size();
  const std::size_t nodes = ranks + groups.size() + alike.links.size();
  std::vector<std::uint32_t> classes(nodes);
  for (std::size_t i = 0; i < nodes; ++i) classes[i] = static_cast<std::uint32_t>(i);
  if (options.fold == Fold::on) {
    LikenessGraph graph(scripts, cluster, groups, alike.links);
    graph.colour_ranks(options.slow_ranks);
    graph.colour_groups();
    graph.colour_links();
    CHECK(graph.size() == nodes, graph.size(), nodes);
    classes = graph.classes();
  }
  const auto begin = classes.begin();
  const auto first_group = begin + static_cast<std::ptrdiff_t>(ranks);
  const auto first_link = first_group + static_cast<std::ptrdiff_t>(groups.size());
  alike.rank_class.assign(begin, first_group);
  alike.group_class.assign(first_group, first_link);
  alike.link_class.assign(first_link, classes.end());
  alike.rank_classes = renumber(alike.rank_class);
  alike.group_classes = renumber(alike.group_class);
  alike.link_classes = renumber(alike.link_class);
  return alike;
}

}  // namespace orrery
