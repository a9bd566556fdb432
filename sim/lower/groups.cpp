#include "lower/groups.hpp"

#include "base/check.hpp"
#include "collective/transfer_plan.hpp"

#include <algorithm>
#include <map>
#include <utility>

namespace orrery {

namespace {

/// Up to this size an operation is all latency: it takes no capacity from links. Without this rule a gradient
/// norm of four bytes, summed over a tree of all ranks, would set apart the links near the tree's root.
constexpr Bytes latency_bound{1024};

/// The groups of one kind, as ranks.
std::vector<std::vector<RankId>> members_of(const GroupKind& kind, const Plan& plan) {
  std::vector<std::vector<RankId>> groups;
  if (kind.what == GroupKind::What::axis) {
    for (auto& group : plan.mesh.groups(kind.axis)) {
      const bool here = kind.from == all_stages || plan.mesh.stage_of(group.front()) == kind.from;
      if (here) groups.push_back(std::move(group));
    }
    return groups;
  }
  for (std::size_t i = 0; i < plan.mesh.size(); ++i) {
    const RankId sender = id_at<RankId>(i);
    Coordinates peer = plan.mesh.at(sender);
    if (peer.pp != kind.from) continue;
    peer.pp = kind.to;
    groups.push_back({sender, plan.mesh.rank_at(peer)});
  }
  return groups;
}

/// Gives one group its plans and patterns; shapes are computed once per algorithm.
class GroupPlanner {
 public:
  GroupPlanner(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
               ProgramBuilder& program)
      : plan_(plan), cluster_(cluster), options_(options), program_(program) {}

  GroupInstance make(std::uint32_t kind, std::vector<RankId> members,
                     const std::vector<OperationSpec>& operations) {
    GroupInstance group{kind, std::move(members), {}, {}};
    gpus_.clear();
    for (const RankId rank : group.members) {
      gpus_.push_back(plan_.gpu_of_rank[index_of(rank)]);
    }
    shapes_.clear();
    for (const OperationSpec& operation : operations) {
      group.plans.push_back(plan(operation, group));
    }
    return group;
  }

 private:
  static constexpr std::uint32_t not_entered = UINT32_MAX;

  struct KnownShape {
    Shape shape;
    std::uint32_t first_pattern = not_entered;
  };

  PlanId plan(const OperationSpec& operation, GroupInstance& group) {
    const Choice choice =
        choose(operation.kind, operation.size, gpus_, cluster_, options_.collectives);
    KnownShape& known = shape(operation.kind, *choice.algorithm);
    TransferPlan plan = make_transfer_plan({.shape = known.shape,
                                            .choice = choice,
                                            .kind = operation.kind,
                                            .size = operation.size,
                                            .members = gpus_.size()});
    plan.component = operation.component;
    const bool crosses = operation.size > latency_bound;
    const std::uint32_t first = crosses ? patterns_of(known, group) : nowhere(group);
    for (Phase& phase : plan.phases) {
      for (Bundle& bundle : phase.bundles) bundle.pattern = crosses ? bundle.pattern + first : first;
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
      for (const PhaseShape& phase : known.shape.phases) {
        for (const BundleShape& bundle : phase.bundles) group.patterns.push_back(bundle.crossings);
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
  std::vector<VertexId> gpus_;
  std::map<std::pair<CollectiveKind, const CollectiveAlgorithm*>, KnownShape> shapes_;
};

}  // namespace

GroupSet make_groups(const Plan& plan, const Cluster& cluster, const OperationTables& operations,
                     const LowerOptions& options, ProgramBuilder& program) {
  GroupSet set;
  GroupPlanner planner(plan, cluster, options, program);
  for (const auto& [kind, table] : operations.all()) {
    const auto number = static_cast<std::uint32_t>(set.kinds.size());
    set.kinds.push_back(kind);
    for (auto& members : members_of(kind, plan)) {
      set.groups.push_back(planner.make(number, std::move(members), table));
    }
  }
  return set;
}

}  // namespace orrery
