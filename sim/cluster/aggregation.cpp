#include "cluster/aggregation.hpp"

#include "base/check.hpp"
#include "base/random.hpp"
#include "cluster/walk.hpp"

#include <algorithm>
#include <map>
#include <optional>

namespace orrery {

namespace {

/// A vertex of the tree and how it is joined to the one above.
struct Joint {
  VertexId parent{};
  LinkId up = no_link;
  LinkId down = no_link;
};

class TreeGrower {
 public:
  TreeGrower(const ClusterParts& parts, std::span<const VertexId> members)
      : parts_(parts), members_(members) {}

  AggregationTree grow() {
    for (const VertexId member : members_) add_ends(member);
    if (!climb()) spread(from_the_nearest_root());
    finish();
    return std::move(tree_);
  }

 private:
  VertexId nic_of(VertexId gpu) const {
    return parts_.nic(parts_.node_of(gpu), parts_.rail_of(gpu));
  }

  /// From a member to its adapter and back.
  void add_ends(VertexId member) {
    Walk out(parts_);
    Walk in(parts_);
    CHECK(out.local(member, nic_of(member)) && in.local(nic_of(member), member));
    Duration up{0};
    Duration down{0};
    for (const LinkId link : out.links()) {
      tree_.links.push_back({link, 1, true});
      up += parts_.links[link].latency;
    }
    for (const LinkId link : in.links()) {
      tree_.links.push_back({link, 1, false});
      down += parts_.links[link].latency;
    }
    Port& port = ports_[nic_of(member)];
    ++port.below;
    port.up = std::max(port.up, up);
    port.down = std::max(port.down, down);
  }

  /// Along the outer hierarchy, level by level, until one vertex is above all; false where there
  /// is no hierarchy or a link of it has failed.
  bool climb() {
    if (parts_.rules.outer != OuterRouting::tree) return false;
    std::map<VertexId, Joint> joints;
    std::map<VertexId, Port> level = ports_;
    while (level.size() > 1) {
      std::map<VertexId, Port> above;
      for (const auto& [vertex, port] : level) {
        const LinkId up = parts_.outer_up[vertex];
        if (up == no_link) return false;
        const LinkId down = id_at<LinkId>(index_of(up) + 1);
        if (parts_.failed(up) || parts_.failed(down)) return false;
        joints[vertex] = {parts_.links[up].target, up, down};
        above[parts_.links[up].target];
      }
      level = std::move(above);
    }
    spread(joints);
    return true;
  }

  using Joints = std::map<VertexId, Joint>;

  /// Carries what is below every vertex up to the root, from the bottom: a parent is done when all
  /// of its children are.
  void spread(const Joints& joints) {
    std::map<VertexId, std::uint32_t> waiting;  // children yet to come
    std::map<VertexId, Joint> used;
    for (const auto& [nic, port] : ports_) {
      for (VertexId v = nic; joints.contains(v); v = joints.at(v).parent) {
        if (!used.emplace(v, joints.at(v)).second) break;
        ++waiting[joints.at(v).parent];
      }
    }
    std::vector<VertexId> open;
    for (const auto& [vertex, port] : ports_) open.push_back(vertex);
    while (!open.empty()) {
      const VertexId vertex = open.back();
      open.pop_back();
      if (waiting[vertex] > 0 || !used.contains(vertex)) continue;
      const Joint joint = used.at(vertex);
      lift(ports_[vertex], joint);
      if (--waiting[joint.parent] == 0) open.push_back(joint.parent);
    }
  }

  /// What is known of all that is below a vertex.
  struct Port {
    std::uint32_t below = 0;
    Duration up{0};    ///< of the longest way to here
    Duration down{0};  ///< and back
  };

  void lift(const Port& port, const Joint& joint) {
    tree_.links.push_back({joint.up, port.below, true});
    tree_.links.push_back({joint.down, port.below, false});
    Port& parent = ports_[joint.parent];
    parent.below += port.below;
    parent.up = std::max(parent.up, port.up + parts_.links[joint.up].latency);
    parent.down = std::max(parent.down, port.down + parts_.links[joint.down].latency);
  }

  std::optional<LinkId> link_to(VertexId from, VertexId to) const {
    for (const LinkId link : parts_.out_links(from)) {
      if (parts_.links[link].target == to && !parts_.failed(link)) return link;
    }
    return std::nullopt;
  }

  /// A search from a switch over others to the adapters; nothing if it does not reach all.
  struct Search {
    Joints joints;
    std::size_t depth = 0;
  };
  std::optional<Search> search(VertexId root) const {
    Search found;
    std::vector<VertexId> level{root};
    std::size_t left = ports_.size();
    for (; left > 0 && !level.empty(); ++found.depth) {
      std::vector<VertexId> next;
      for (const VertexId here : level) {
        if (parts_.kinds[here] == VertexKind::nic) continue;
        for (const LinkId down : parts_.out_links(here)) {
          const VertexId there = parts_.links[down].target;
          const bool wanted = ports_.contains(there);
          const bool passes = parts_.kinds[there] == VertexKind::network_switch;
          if ((!wanted && !passes) || there == root || parts_.failed(down)) continue;
          const std::optional<LinkId> up = link_to(there, here);
          if (!up || !found.joints.try_emplace(there, Joint{here, *up, down}).second) continue;
          next.push_back(there);
          if (wanted) --left;
        }
      }
      level = std::move(next);
    }
    if (left > 0) return std::nullopt;
    return found;
  }

  Joints from_the_nearest_root() const {
    std::vector<Search> best;
    for (std::size_t v = 0; v < parts_.kinds.size(); ++v) {
      if (parts_.kinds[id_at<VertexId>(v)] != VertexKind::network_switch) continue;
      std::optional<Search> found = search(id_at<VertexId>(v));
      if (!found || (!best.empty() && found->depth > best.front().depth)) continue;
      if (!best.empty() && found->depth < best.front().depth) best.clear();
      best.push_back(std::move(*found));
    }
    CHECK(!best.empty(), index_of(members_.front()), members_.size());
    const Draw what{
        .seed = parts_.rules.seed, .purpose = Purpose::ecmp, .entity = index_of(members_.front())};
    return std::move(best[draw_below(what, 0, best.size())].joints);
  }

  void finish() {
    Duration up{0};
    Duration down{0};
    for (const auto& [vertex, port] : ports_) {
      if (port.below != members_.size()) continue;  // the root, and nothing above it
      up = std::max(up, port.up);
      down = std::max(down, port.down);
    }
    tree_.latency = up + down;
  }

  const ClusterParts& parts_;
  std::span<const VertexId> members_;
  std::map<VertexId, Port> ports_;
  AggregationTree tree_;
};

}  // namespace

AggregationTree find_aggregation_tree(const ClusterParts& parts,
                                      std::span<const VertexId> members) {
  CHECK(members.size() > 1 && parts.shape.nics_per_node > 0, members.size());
  return TreeGrower(parts, members).grow();
}

}  // namespace orrery
