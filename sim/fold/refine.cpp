#include "fold/refine.hpp"

#include "base/check.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

// The rounds. A class that splits keeps its number in its largest part; the nodes of the other
// parts are *moved*. Only nodes with an edge to a moved node can see a difference, and what they
// see is the multiset of (label, new class) over those edges alone: the counts towards what stayed
// follow from it, because all members of a class saw the same counts before. A node is moved at
// most log2(n) times, so all rounds together look at O(m log n) edges. Numbers of classes never
// reach the result.
//
// Where edges lead both ways, a node's watchers are all that it sees itself. While much has moved
// (in the first rounds, and there are few others where most is alike) every node's whole view is
// then counted on the way, and only those are kept that are like none before: a pass over the edges
// that takes no memory for them.

namespace orrery {

namespace {

using Node = std::uint32_t;
using Class = std::uint32_t;
using Seen = std::uint64_t;  ///< label << 32 | class of a neighbour

constexpr std::uint32_t nobody = 0xFFFFFFFFU;

/// Edges by the node they lead to: who looks at a node, and with which label.
struct Watchers {
  std::vector<std::uint32_t> first;  ///< of a node's watchers; one more than there are nodes
  std::vector<Node> node;
  std::vector<std::uint32_t> label;  ///< numbered from 0
};

/// Labels as small numbers, in the order of their first edges.
class LabelNumbers {
 public:
  std::uint32_t number(std::uint64_t label) {
    Known& near = recent_[label % recent_.size()];
    if (!near.exists || near.label != label) {
      const auto fresh = static_cast<std::uint32_t>(numbers_.size());
      near = {label, numbers_.try_emplace(label, fresh).first->second, true};
    }
    return near.number;
  }

 private:
  struct Known {
    std::uint64_t label = 0;
    std::uint32_t number = 0;
    bool exists = false;
  };

  std::unordered_map<std::uint64_t, std::uint32_t> numbers_;
  std::array<Known, 64> recent_{};  ///< labels repeat; most are found here
};

/// One pass to count and one to enter.
Watchers watchers_of(std::size_t nodes, const EdgeSource& edges, Ways ways) {
  Watchers watchers;
  watchers.first.assign(nodes + 1, 0);
  std::size_t count = 0;
  edges([&](std::span<const RefineEdge> some) {
    for (const RefineEdge& edge : some) {
      CHECK(edge.from < nodes && edge.to < nodes, edge.from, edge.to, nodes);
      ++watchers.first[edge.to + 1];
      if (ways == Ways::both) ++watchers.first[edge.from + 1];
    }
    count += ways == Ways::both ? 2 * some.size() : some.size();
    CHECK(count < nobody, count);
  });
  for (std::size_t i = 0; i < nodes; ++i) watchers.first[i + 1] += watchers.first[i];
  watchers.node.resize(count);
  watchers.label.resize(count);
  std::vector<std::uint32_t> next(watchers.first.begin(), watchers.first.end() - 1);
  const auto enter = [&](Node from, Node to, std::uint32_t label) {
    const std::uint32_t place = next[to]++;
    watchers.node[place] = from;
    watchers.label[place] = label;
  };
  LabelNumbers labels;
  edges([&](std::span<const RefineEdge> some) {
    for (const RefineEdge& edge : some) {
      const std::uint32_t label = labels.number(edge.label);
      enter(edge.from, edge.to, label);
      if (ways == Ways::both) enter(edge.to, edge.from, label);
    }
  });
  return watchers;
}

/// Nodes in a row, those of one class side by side.
class Partition {
 public:
  /// `classes` are numbered from 0, none of them empty.
  explicit Partition(std::vector<Class> classes)
      : class_of_(std::move(classes)), place_(class_of_.size()), order_(class_of_.size()) {
    if (!class_of_.empty()) size_.assign(std::size_t{std::ranges::max(class_of_)} + 1, 0);
    for (const Class c : class_of_) ++size_[c];
    first_.assign(size_.size(), 0);
    for (std::size_t c = 1; c < first_.size(); ++c) first_[c] = first_[c - 1] + size_[c - 1];
    std::vector<std::uint32_t> next = first_;
    for (std::size_t i = 0; i < order_.size(); ++i) put(static_cast<Node>(i), next[class_of_[i]]++);
  }

  std::size_t classes() const { return size_.size(); }
  Class class_of(Node node) const { return class_of_[node]; }
  std::uint32_t size(Class c) const { return size_[c]; }
  std::span<const Node> members(Class c) const {
    return std::span(order_).subspan(first_[c], size_[c]);
  }

  /// Makes the last `count` members of a class one of their own and returns its number.
  Class cut(Class c, std::uint32_t count) {
    const auto fresh = static_cast<Class>(size_.size());
    size_[c] -= count;
    first_.push_back(first_[c] + size_[c]);
    size_.push_back(count);
    for (const Node node : members(fresh)) class_of_[node] = fresh;
    return fresh;
  }

  /// Lets two classes exchange their numbers.
  void exchange(Class a, Class b) {
    std::swap(first_[a], first_[b]);
    std::swap(size_[a], size_[b]);
    for (const Node node : members(a)) class_of_[node] = a;
    for (const Node node : members(b)) class_of_[node] = b;
  }

  /// Puts `node` at the `back`-th place from the end of its class.
  void move_back(Node node, std::uint32_t back) {
    const Class c = class_of_[node];
    const std::uint32_t target = first_[c] + size_[c] - 1 - back;
    const Node other = order_[target];
    const std::uint32_t here = place_[node];
    put(other, here);
    put(node, target);
  }

  std::vector<std::uint32_t> canonical() const {
    std::vector<std::uint32_t> numbers(size_.size(), nobody);
    std::vector<std::uint32_t> result(class_of_.size());
    std::uint32_t next = 0;
    for (std::size_t i = 0; i < class_of_.size(); ++i) {
      std::uint32_t& number = numbers[class_of_[i]];
      if (number == nobody) number = next++;
      result[i] = number;
    }
    return result;
  }

 private:
  void put(Node node, std::uint32_t place) {
    order_[place] = node;
    place_[node] = place;
  }

  std::vector<Class> class_of_;
  std::vector<std::uint32_t> place_;  ///< of a node in the row
  std::vector<Node> order_;
  std::vector<std::uint32_t> first_;
  std::vector<std::uint32_t> size_;
};

/// Colours as numbers from 0, in the order of their first nodes.
std::vector<Class> numbered(std::span<const std::uint64_t> colours) {
  std::unordered_map<std::uint64_t, Class> numbers;
  std::vector<Class> classes;
  classes.reserve(colours.size());
  for (const std::uint64_t colour : colours) {
    const auto fresh = static_cast<Class>(numbers.size());
    classes.push_back(numbers.try_emplace(colour, fresh).first->second);
  }
  return classes;
}

/// Groups nodes by their class and all that they see: the same number exactly for the same of both.
class WholeViews {
 public:
  WholeViews(const Watchers& watchers, const Partition& partition)
      : watchers_(watchers), partition_(partition), table_(64, nobody) {}

  std::uint32_t group_of(Node node) {
    look_from(node);
    if (2 * groups_.size() >= table_.size()) grow();
    std::size_t place = hash(partition_.class_of(node), view_) & (table_.size() - 1);
    while (table_[place] != nobody && !alike(groups_[table_[place]], node)) {
      place = (place + 1) & (table_.size() - 1);
    }
    if (table_[place] == nobody) {
      table_[place] = static_cast<std::uint32_t>(groups_.size());
      groups_.push_back({partition_.class_of(node), views_.size(), view_.size()});
      views_.insert(views_.end(), view_.begin(), view_.end());
    }
    return table_[place];
  }

  std::size_t groups() const { return groups_.size(); }
  Class class_of_group(std::uint32_t group) const { return groups_[group].in; }

 private:
  struct Counted {
    Seen seen = 0;
    std::uint64_t times = 0;

    bool operator==(const Counted&) const = default;
  };

  struct Group {
    Class in = 0;
    std::size_t first = 0;  ///< of what it sees, in views_
    std::size_t count = 0;
  };

  /// Fills view_, ascending by what is seen.
  void look_from(Node node) {
    view_.clear();
    seen_.clear();
    for (std::uint32_t e = watchers_.first[node]; e < watchers_.first[node + 1]; ++e) {
      const Seen seen = Seen{watchers_.label[e]} << 32 | partition_.class_of(watchers_.node[e]);
      seen_.push_back(seen);
      if (seen_.size() >= most_unsorted) count();
    }
    count();
  }

  /// Adds seen_ to view_: large views have few different entries.
  void count() {
    std::ranges::sort(seen_);
    const auto old = static_cast<std::ptrdiff_t>(view_.size());
    for (const Seen seen : seen_) {
      const bool again = std::ssize(view_) > old && view_.back().seen == seen;
      if (!again) view_.push_back({seen, 0});
      ++view_.back().times;
    }
    seen_.clear();
    if (old == 0) return;
    std::ranges::inplace_merge(view_, view_.begin() + old, {}, &Counted::seen);
    std::size_t kept = 0;
    for (const Counted& next : view_) {
      if (kept > 0 && view_[kept - 1].seen == next.seen) {
        view_[kept - 1].times += next.times;
      } else {
        view_[kept++] = next;
      }
    }
    view_.resize(kept);
  }

  bool alike(const Group& group, Node node) const {
    return group.in == partition_.class_of(node) &&
           std::ranges::equal(std::span(views_).subspan(group.first, group.count), view_);
  }

  static std::uint64_t hash(Class in, std::span<const Counted> view) {
    std::uint64_t h = mix_bits(in);
    for (const Counted& counted : view) h = mix_bits(h ^ counted.seen) + counted.times;
    return mix_bits(h);
  }

  void grow() {
    table_.assign(2 * table_.size(), nobody);
    for (std::uint32_t g = 0; g < groups_.size(); ++g) {
      const auto view = std::span(views_).subspan(groups_[g].first, groups_[g].count);
      std::size_t place = hash(groups_[g].in, view) & (table_.size() - 1);
      while (table_[place] != nobody) place = (place + 1) & (table_.size() - 1);
      table_[place] = g;
    }
  }

  static constexpr std::size_t most_unsorted = 1024;

  const Watchers& watchers_;
  const Partition& partition_;
  std::vector<Seen> seen_;
  std::vector<Counted> view_;  ///< of the node at hand
  std::vector<Group> groups_;
  std::vector<Counted> views_;        ///< of all groups
  std::vector<std::uint32_t> table_;  ///< open addressing; holds groups
};

class Refinement {
 public:
  Refinement(std::span<const std::uint64_t> colours, Watchers watchers, Ways ways)
      : ways_(ways),
        watchers_(std::move(watchers)),
        partition_(numbered(colours)),
        slot_(colours.size(), nobody) {
    moved_.resize(colours.size());
    for (std::size_t i = 0; i < moved_.size(); ++i) moved_[i] = static_cast<Node>(i);
  }

  std::vector<std::uint32_t> run() {
    while (ways_ == Ways::both && moved_.size() > slot_.size() / 8) split_by_whole_views();
    while (!moved_.empty()) {
      look();
      group();
      split();
    }
    return partition_.canonical();
  }

 private:
  /// A node that sees moved nodes, and where in seen_ what it sees is written.
  struct Viewer {
    Node node = 0;
    std::uint32_t first = 0;
    std::uint32_t count = 0;
    std::uint32_t group = 0;
  };

  void split_by_whole_views() {
    WholeViews views(watchers_, partition_);
    std::vector<std::uint32_t> group(slot_.size());
    for (std::size_t i = 0; i < group.size(); ++i) group[i] = views.group_of(static_cast<Node>(i));
    std::vector<std::uint32_t> size(views.groups(), 0);
    for (const std::uint32_t g : group) ++size[g];
    std::vector<std::uint32_t> largest(partition_.classes(), nobody);
    for (std::uint32_t g = 0; g < views.groups(); ++g) {
      std::uint32_t& most = largest[views.class_of_group(g)];
      if (most == nobody || size[g] > size[most]) most = g;
    }
    moved_.clear();
    for (std::size_t i = 0; i < group.size(); ++i) {
      const bool stays = largest[views.class_of_group(group[i])] == group[i];
      if (!stays) moved_.push_back(static_cast<Node>(i));
    }
    partition_ = Partition(std::move(group));
  }

  std::span<Seen> view(const Viewer& viewer) {
    return std::span(seen_).subspan(viewer.first, viewer.count);
  }

  /// Fills viewers_ and what each of them sees of the moved nodes, sorted.
  void look() {
    viewers_.clear();
    for (const Node node : moved_) {
      for (std::uint32_t e = watchers_.first[node]; e < watchers_.first[node + 1]; ++e) {
        std::uint32_t& slot = slot_[watchers_.node[e]];
        if (slot == nobody) {
          slot = static_cast<std::uint32_t>(viewers_.size());
          viewers_.push_back({.node = watchers_.node[e]});
        }
        ++viewers_[slot].count;
      }
    }
    std::uint32_t total = 0;
    for (Viewer& viewer : viewers_) {
      viewer.first = total;
      total += viewer.count;
      viewer.count = 0;
    }
    seen_.resize(total);
    write_views();
    for (const Viewer& viewer : viewers_) {
      std::ranges::sort(view(viewer));
      slot_[viewer.node] = nobody;
    }
  }

  void write_views() {
    for (const Node node : moved_) {
      const Seen its_class = partition_.class_of(node);
      for (std::uint32_t e = watchers_.first[node]; e < watchers_.first[node + 1]; ++e) {
        Viewer& viewer = viewers_[slot_[watchers_.node[e]]];
        seen_[viewer.first + viewer.count++] = Seen{watchers_.label[e]} << 32 | its_class;
      }
    }
  }

  bool alike(const Viewer& a, const Viewer& b) {
    return partition_.class_of(a.node) == partition_.class_of(b.node) &&
           std::ranges::equal(view(a), view(b));
  }

  std::uint64_t hash(const Viewer& viewer) {
    std::uint64_t h = mix_bits(partition_.class_of(viewer.node));
    for (const Seen seen : view(viewer)) h = mix_bits(h ^ seen);
    return h;
  }

  /// Numbers the groups of alike viewers. The hash only finds where to look: likeness is compared.
  void group() {
    std::size_t size = 16;
    while (size < 2 * viewers_.size()) size *= 2;
    table_.assign(size, nobody);
    leaders_.clear();
    for (Viewer& viewer : viewers_) {
      std::size_t place = hash(viewer) & (size - 1);
      while (table_[place] != nobody && !alike(viewers_[leaders_[table_[place]]], viewer)) {
        place = (place + 1) & (size - 1);
      }
      if (table_[place] == nobody) {
        table_[place] = static_cast<std::uint32_t>(leaders_.size());
        leaders_.push_back(static_cast<std::uint32_t>(&viewer - viewers_.data()));
      }
      viewer.group = table_[place];
    }
  }

  /// Makes every group a class, but for the largest part of each old class, which keeps its number.
  void split() {
    moved_.clear();
    std::ranges::sort(viewers_, {}, [this](const Viewer& v) {
      return std::pair(Seen{partition_.class_of(v.node)} << 32 | v.group, v.node);
    });
    for (std::size_t begin = 0; begin < viewers_.size();) {
      const Class c = partition_.class_of(viewers_[begin].node);
      std::size_t end = begin;
      while (end < viewers_.size() && partition_.class_of(viewers_[end].node) == c) ++end;
      split_class(c, std::span(viewers_).subspan(begin, end - begin));
      begin = end;
    }
  }

  /// `viewers` are all viewers of class c, sorted by group.
  void split_class(Class c, std::span<const Viewer> viewers) {
    const bool one_group = viewers.front().group == viewers.back().group;
    if (one_group && viewers.size() == partition_.size(c)) return;
    for (std::uint32_t i = 0; i < viewers.size(); ++i) partition_.move_back(viewers[i].node, i);
    parts_.assign(1, c);
    for (std::size_t last = viewers.size(); last > 0;) {
      std::size_t first = last;
      while (first > 0 && viewers[first - 1].group == viewers[last - 1].group) --first;
      counts_.push_back(static_cast<std::uint32_t>(last - first));
      last = first;
    }
    // The first group stands at the end of the row; counts_ lists the last group first.
    while (!counts_.empty() && partition_.size(c) > counts_.back()) {
      parts_.push_back(partition_.cut(c, counts_.back()));
      counts_.pop_back();
    }
    counts_.clear();
    keep_largest();
  }

  void keep_largest() {
    std::size_t largest = 0;
    for (std::size_t i = 1; i < parts_.size(); ++i) {
      if (partition_.size(parts_[i]) > partition_.size(parts_[largest])) largest = i;
    }
    if (largest != 0) partition_.exchange(parts_[0], parts_[largest]);
    for (std::size_t i = 1; i < parts_.size(); ++i) {
      const std::span<const Node> members = partition_.members(parts_[i]);
      moved_.insert(moved_.end(), members.begin(), members.end());
    }
  }

  Ways ways_;
  Watchers watchers_;
  Partition partition_;
  std::vector<Node> moved_;
  std::vector<Viewer> viewers_;
  std::vector<Seen> seen_;
  std::vector<std::uint32_t> slot_;     ///< of a node in viewers_, while they are gathered
  std::vector<std::uint32_t> table_;    ///< open addressing; holds groups
  std::vector<std::uint32_t> leaders_;  ///< of a group, in viewers_
  std::vector<Class> parts_;
  std::vector<std::uint32_t> counts_;
};

}  // namespace

std::vector<std::uint32_t> refine(std::span<const std::uint64_t> initial_colours,
                                  const EdgeSource& edges, Ways ways) {
  return Refinement(initial_colours, watchers_of(initial_colours.size(), edges, ways), ways).run();
}

std::vector<std::uint32_t> refine(std::span<const std::uint64_t> initial_colours,
                                  const std::vector<RefineEdge>& edges, Ways ways) {
  return refine(
      initial_colours, [&edges](const EdgeSink& take) { take(edges); }, ways);
}

}  // namespace orrery
