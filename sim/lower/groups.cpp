#include "lower/groups.hpp"

#include "base/check.hpp"
#include "collective/choose.hpp"
#include "collective/transfer_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace orrery {

namespace {

/// Up to this size an operation is all latency: it takes no capacity from links. Without this rule
/// a gradient norm of four bytes, summed over a tree of all ranks, would set apart the links near
/// the tree's root.
constexpr Bytes latency_bound{1024};

/// The groups of one kind after another, as ranks.
class Members {
 public:
  explicit Members(const Mesh& mesh) : mesh_(mesh) {}

  std::vector<std::vector<RankId>> of(const GroupKind& kind) {
    return kind.what == GroupKind::What::axis ? along_axis(kind) : pairs(kind);
  }

 private:
  std::vector<std::vector<RankId>> along_axis(const GroupKind& kind) {
    auto& all = of_axis_[kind.axis];
    if (all.empty()) all = mesh_.groups(kind.axis);
    std::vector<std::vector<RankId>> groups;
    for (const std::vector<RankId>& group : all) {
      const bool here = kind.from == all_stages || mesh_.stage_of(group.front()) == kind.from;
      if (here) groups.push_back(group);
    }
    return groups;
  }

  std::vector<std::vector<RankId>> pairs(const GroupKind& kind) const {
    std::vector<std::vector<RankId>> groups;
    for (std::size_t i = 0; i < mesh_.size(); ++i) {
      const RankId sender = id_at<RankId>(i);
      if (mesh_.stage_of(sender) != kind.from) continue;
      Coordinates peer = mesh_.at(sender);
      peer.pp = kind.to;
      groups.push_back({sender, mesh_.rank_at(peer)});
    }
    return groups;
  }

  const Mesh& mesh_;
  std::map<GroupAxis, std::vector<std::vector<RankId>>> of_axis_;
};

/// A shape but for the links that it crosses: all that a transfer plan is made from.
Shape without_crossings(const Shape& shape) {
  Shape bare;
  bare.sent_per_member = shape.sent_per_member;
  for (const PhaseShape& phase : shape.phases) {
    PhaseShape& made = bare.phases.emplace_back();
    made.repeat = phase.repeat;
    for (const BundleShape& b : phase.bundles) {
      made.bundles.push_back(
          {{}, b.volume, b.transfers, b.intra_hops, b.inter_hops, b.wire_latency});
    }
  }
  return bare;
}

bool equal_but_for_crossings(const BundleShape& a, const BundleShape& b) {
  return a.volume == b.volume && a.transfers == b.transfers && a.intra_hops == b.intra_hops &&
         a.inter_hops == b.inter_hops && a.wire_latency == b.wire_latency;
}

bool equal_but_for_crossings(const Shape& a, const Shape& b) {
  return a.sent_per_member == b.sent_per_member &&
         std::ranges::equal(a.phases, b.phases, [](const PhaseShape& p, const PhaseShape& q) {
           return p.repeat == q.repeat &&
                  std::ranges::equal(p.bundles, q.bundles,
                                     [](const BundleShape& x, const BundleShape& y) {
                                       return equal_but_for_crossings(x, y);
                                     });
         });
}

/// Gives one group its plans and patterns; a group is surveyed once, its shapes are computed once
/// per algorithm, and a plan that the group before had for the same reasons is taken over.
class GroupPlanner {
 public:
  GroupPlanner(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
               ProgramBuilder& program)
      : plan_(plan), cluster_(cluster), options_(options), program_(program) {}

  /// Groups of one kind come one after the other.
  GroupInstance make(std::uint32_t kind, std::vector<RankId> members,
                     const std::vector<OperationSpec>& operations) {
    if (kind != kind_) before_.assign(operations.size(), {});
    kind_ = kind;
    GroupInstance group{kind, std::move(members), {}, {}};
    gpus_.clear();
    for (const RankId rank : group.members) {
      gpus_.push_back(plan_.gpu_of_rank[index_of(rank)]);
    }
    shapes_.clear();
    const Chooser chooser(gpus_, cluster_, options_.collectives);
    group.plans.reserve(operations.size());
    for (std::size_t i = 0; i < operations.size(); ++i) {
      const Choice choice = chooser.choose(operations[i].kind, operations[i].size);
      group.plans.push_back(plan({operations[i], choice, before_[i]}, group));
    }
    return group;
  }

 private:
  static constexpr std::uint32_t not_entered = UINT32_MAX;

  struct KnownShape {
    Shape shape;  ///< its crossings move to the group when its patterns are entered
    std::uint32_t first_pattern = not_entered;
  };

  /// The plan of an operation of the kind's table, and all that it follows from.
  struct Planned {
    Choice choice;
    Shape shape;  ///< without crossings
    std::size_t members = 0;
    std::uint32_t first_pattern = 0;
    PlanId plan{};
  };

  struct Request {
    const OperationSpec& operation;
    const Choice& choice;
    Planned& before;  ///< the last group's, to be replaced
  };

  PlanId plan(const Request& request, GroupInstance& group) {
    const OperationSpec& operation = request.operation;
    KnownShape& known = shape(operation.kind, *request.choice.algorithm);
    const bool crosses = operation.size > latency_bound;
    const std::uint32_t first = crosses ? patterns_of(known, group) : nowhere(group);
    Planned& before = request.before;
    if (before.members != gpus_.size() || before.first_pattern != first ||
        before.choice != request.choice || !equal_but_for_crossings(before.shape, known.shape)) {
      before = {request.choice, without_crossings(known.shape), gpus_.size(), first, {}};
      before.plan = fresh_plan(operation, before);
    }
    return before.plan;
  }

  PlanId fresh_plan(const OperationSpec& operation, const Planned& planned) {
    TransferPlan plan = make_transfer_plan({.shape = planned.shape,
                                            .choice = planned.choice,
                                            .kind = operation.kind,
                                            .size = operation.size,
                                            .members = planned.members});
    plan.component = operation.component;
    const bool crosses = operation.size > latency_bound;
    for (Phase& phase : plan.phases) {
      for (Bundle& bundle : phase.bundles) {
        bundle.pattern = planned.first_pattern + (crosses ? bundle.pattern : 0);
      }
    }
    return program_.intern(std::move(plan));
  }

  KnownShape& shape(CollectiveKind kind, const CollectiveAlgorithm& algorithm) {
    const auto [found, fresh] = shapes_.try_emplace({kind, &algorithm});
    if (fresh) found->second.shape = algorithm.shape(kind, gpus_, cluster_, options_.steps);
    return found->second;
  }

  /// Where the shape's patterns begin among the group's; entered when first needed.
  static std::uint32_t patterns_of(KnownShape& known, GroupInstance& group) {
    if (known.first_pattern == not_entered) {
      known.first_pattern = static_cast<std::uint32_t>(group.patterns.size());
      for (PhaseShape& phase : known.shape.phases) {
        for (BundleShape& bundle : phase.bundles) {
          bundle.crossings.shrink_to_fit();
          group.patterns.push_back(std::move(bundle.crossings));
        }
      }
    }
    return known.first_pattern;
  }

  /// The pattern of transfers that cross nothing.
  static std::uint32_t nowhere(GroupInstance& group) {
    const auto found = std::ranges::find(group.patterns, std::vector<LinkCrossing>{});
    const auto index = static_cast<std::uint32_t>(found - group.patterns.begin());
    if (found == group.patterns.end()) group.patterns.emplace_back();
    return index;
  }

  const Plan& plan_;
  const Cluster& cluster_;
  const LowerOptions& options_;
  ProgramBuilder& program_;
  std::uint32_t kind_ = UINT32_MAX;
  std::vector<Planned> before_;  ///< by operation of the kind's table
  std::vector<VertexId> gpus_;
  std::map<std::pair<CollectiveKind, const CollectiveAlgorithm*>, KnownShape> shapes_;
};

}  // namespace

GroupSet make_groups(const Plan& plan, const Cluster& cluster, const OperationTables& operations,
                     const LowerOptions& options, ProgramBuilder& program) {
  GroupSet set;
  GroupPlanner planner(plan, cluster, options, program);
  Members members(plan.mesh);
  for (const auto& [kind, table] : operations.all()) {
    const auto number = static_cast<std::uint32_t>(set.kinds.size());
    set.kinds.push_back(kind);
    for (std::vector<RankId>& group : members.of(kind)) {
      set.groups.push_back(planner.make(number, std::move(group), table));
    }
  }
  return set;
}

}  // namespace orrery
