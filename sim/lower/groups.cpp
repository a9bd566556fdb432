#include "lower/groups.hpp"

#include "base/random.hpp"
#include "cluster/repetition.hpp"
#include "collective/choose.hpp"
#include "collective/conservation.hpp"
#include "collective/transfer_plan.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_map>
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

  template <typename Visit>
  void for_each(const GroupKind& kind, const Visit& visit) {
    switch (kind.what) {
      case GroupKind::What::axis:
        return along_axis(kind, visit);
      case GroupKind::What::ring:
        return neighbours(kind, visit);
      case GroupKind::What::activation:
      case GroupKind::What::gradient:
        return pairs(kind, visit);
      case GroupKind::What::to_host:
      case GroupKind::What::from_host:
      case GroupKind::What::in_host:
        return alone(kind, visit);
    }
  }

 private:
  template <typename Visit>
  void along_axis(const GroupKind& kind, const Visit& visit) {
    auto& all = of_axis_[kind.axis];
    if (all.empty()) all = mesh_.groups(kind.axis);
    for (const std::vector<RankId>& group : all) {
      const std::int64_t stage = mesh_.home_stage(kind.axis, mesh_.stage_of(group.front()));
      const bool here = kind.from == all_stages || stage == kind.from;
      if (here) visit(group);
    }
  }

  /// Every member of a group with the next, the last with the first.
  template <typename Visit>
  void neighbours(const GroupKind& kind, const Visit& visit) {
    along_axis(kind, [&](const std::vector<RankId>& ring) {
      for (std::size_t i = 0; i < ring.size(); ++i) {
        visit(std::array{ring[i], ring[(i + 1) % ring.size()]});
      }
    });
  }

  template <typename Visit>
  void pairs(const GroupKind& kind, const Visit& visit) const {
    for (std::size_t i = 0; i < mesh_.size(); ++i) {
      const RankId sender = id_at<RankId>(i);
      if (mesh_.stage_of(sender) != kind.from) continue;
      Coordinates peer = mesh_.at(sender);
      peer.pp = kind.to;
      visit(std::array{sender, mesh_.rank_at(peer)});
    }
  }

  template <typename Visit>
  void alone(const GroupKind& kind, const Visit& visit) const {
    for (std::size_t i = 0; i < mesh_.size(); ++i) {
      const RankId rank = id_at<RankId>(i);
      if (mesh_.stage_of(rank) == kind.from) visit(std::array{rank});
    }
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

bool equal_crossings(const Shape& a, const Shape& b) {
  return std::ranges::equal(a.phases, b.phases, [](const PhaseShape& p, const PhaseShape& q) {
    return std::ranges::equal(p.bundles, q.bundles, [](const BundleShape& x, const BundleShape& y) {
      return x.crossings == y.crossings;
    });
  });
}

/// One group with all that was found out about it: surveyed once, its shapes computed once per
/// algorithm. Others that lie like it take it for an example.
struct Exemplar {
  static constexpr std::uint32_t no_kind = UINT32_MAX;

  struct KnownShape {
    Shape shape;
    std::uint32_t first_pattern = no_kind;  ///< of the work, once entered
  };

  Exemplar(std::vector<VertexId> members, const Cluster& cluster, const CollectiveTuning& tuning)
      : gpus(std::move(members)), chooser(gpus, cluster, tuning) {}
  Exemplar(const Exemplar&) = delete;  // the chooser looks at `gpus`
  Exemplar& operator=(const Exemplar&) = delete;

  std::vector<VertexId> gpus;
  Chooser chooser;
  std::map<std::tuple<CollectiveKind, const CollectiveAlgorithm*, TokenSpread>, KnownShape> shapes;
  std::uint32_t kind = no_kind;  ///< whose work this is
  GroupWork work;
};

/// A group as seen from an exemplar: so many periods of the cluster further on.
struct Likened {
  Exemplar& exemplar;
  std::int64_t periods = 0;
};

/// Exemplars by how their members lie to one another and in the cluster's period.
class Exemplars {
 public:
  Exemplars(const Cluster& cluster, const CollectiveTuning& tuning)
      : cluster_(cluster), tuning_(tuning), repetition_(cluster.repetition()) {}

  Likened find(const std::vector<VertexId>& gpus) {
    if (!repetition_ ||
        !std::ranges::all_of(gpus, [&](VertexId gpu) { return repetition_->covers(gpu); })) {
      single_ = std::make_unique<Exemplar>(gpus, cluster_, tuning_);
      return {*single_, 0};
    }
    const auto [begin, end] = known_.equal_range(key_of(gpus));
    for (auto found = begin; found != end; ++found) {
      if (const auto periods = distance(*found->second, gpus)) return {*found->second, *periods};
    }
    auto fresh = std::make_unique<Exemplar>(gpus, cluster_, tuning_);
    return {*known_.emplace(key_of(gpus), std::move(fresh))->second, 0};
  }

  LinkId moved(LinkId link, std::int64_t periods) const {
    return periods == 0 ? link : repetition_->moved(link, periods);
  }

 private:
  static std::int64_t number(VertexId gpu) { return static_cast<std::int64_t>(index_of(gpu)); }

  /// Equal for groups that may be alike.
  std::uint64_t key_of(const std::vector<VertexId>& gpus) const {
    std::uint64_t key = mix_bits(index_of(gpus.front()) % repetition_->period());
    for (const std::size_t i : {gpus.size() / 2, gpus.size() - 1}) {
      key = mix_bits(key ^ static_cast<std::uint64_t>(number(gpus[i]) - number(gpus.front())));
    }
    return mix_bits(key ^ gpus.size());
  }

  /// Periods from an exemplar's members to these, if all have moved equally far.
  std::optional<std::int64_t> distance(const Exemplar& from,
                                       const std::vector<VertexId>& gpus) const {
    if (from.gpus.size() != gpus.size()) return std::nullopt;
    const std::int64_t moved = number(gpus.front()) - number(from.gpus.front());
    if (moved % repetition_->period() != 0) return std::nullopt;
    const bool all = std::ranges::equal(gpus, from.gpus, [&](VertexId here, VertexId there) {
      return number(here) - number(there) == moved;
    });
    return all ? std::optional(moved / repetition_->period()) : std::nullopt;
  }

  const Cluster& cluster_;
  const CollectiveTuning& tuning_;
  std::unique_ptr<const Repetition> repetition_;
  std::unordered_multimap<std::uint64_t, std::unique_ptr<Exemplar>> known_;  // looked up only
  std::unique_ptr<Exemplar> single_;  ///< of a group that lies like no other
};

/// Gives groups their plans and patterns; a plan that the group before had for the same reasons is
/// taken over.
class GroupPlanner {
 public:
  GroupPlanner(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
               ProgramBuilder& program)
      : plan_(plan),
        cluster_(cluster),
        options_(options),
        program_(program),
        exemplars_(cluster, options.collectives) {}

  /// From now on groups are of this kind.
  void begin(const GroupKind& kind, const std::vector<OperationSpec>& operations) {
    kind_ = set_.add_kind(kind);
    host_way_ = host_way_of(kind);
    operations_ = operations;
    before_.assign(operations.size(), {});
  }

  void add(std::span<const RankId> members) {
    gpus_.clear();
    for (const RankId rank : members) gpus_.push_back(plan_.gpu_of_rank[index_of(rank)]);
    if (host_way_) return add_with_host(members);
    const Likened like = exemplars_.find(gpus_);
    if (like.exemplar.kind != kind_) plan_work(like.exemplar);
    set_.add(kind_, members, like.exemplar.work,
             [&](LinkId link) { return exemplars_.moved(link, like.periods); });
  }

  GroupSet take() && { return std::move(set_); }

 private:
  /// The plan of an operation of the kind's table, and all that it follows from.
  struct Planned {
    Choice choice;
    Shape shape;  ///< without crossings
    std::size_t members = 0;
    std::uint32_t first_pattern = 0;
    PlanId plan{};
  };

  static std::optional<HostWay> host_way_of(const GroupKind& kind) {
    if (kind.what == GroupKind::What::to_host) return HostWay::to_host;
    if (kind.what == GroupKind::What::from_host) return HostWay::from_host;
    if (kind.what == GroupKind::What::in_host) return HostWay::in_host;
    return std::nullopt;
  }

  /// A rank by itself: a copy engine moves its bytes, once through the GPU's memory, as fast as
  /// what they cross lets them; the host's own work crosses its memory alone.
  void add_with_host(std::span<const RankId> members) {
    const Route route = cluster_.host_way(gpus_.front(), *host_way_);
    GroupWork work;
    std::vector<CrossedLink>& pattern = work.patterns.emplace_back();
    for (const LinkCrossing& crossing : route.crossings) {
      pattern.push_back({crossing.link, set_.number_of_weight(crossing.weight)});
    }
    std::vector<PlanId> plans;
    for (const OperationSpec& operation : operations_) {
      plans.push_back(program_.intern(plan_with_host(operation, route)));
    }
    work.plans = set_.number_of_plans(std::move(plans));
    set_.add(kind_, members, work, [](LinkId link) { return link; });
  }

  TransferPlan plan_with_host(const OperationSpec& operation, const Route& route) const {
    const auto bytes = static_cast<double>(operation.size.value());
    const bool copies = *host_way_ != HostWay::in_host;
    const Bundle bundle{
        .bytes = bytes, .latency = route.latency, .memory = copies ? one_transfer : 0};
    return {.name = operation.name,
            .component = operation.component,
            .operation = copies ? "copy" : "host_work",
            .size = operation.size,
            .bytes_sent_per_member = bytes,
            .phases = {{.bundles = {bundle}}}};
  }

  void plan_work(Exemplar& exemplar) {
    exemplar.kind = kind_;
    exemplar.work = {};
    for (auto& [key, known] : exemplar.shapes) known.first_pattern = Exemplar::no_kind;
    std::vector<PlanId> plans;
    plans.reserve(operations_.size());
    for (std::size_t i = 0; i < operations_.size(); ++i) {
      plans.push_back(plan_operation(operations_[i], before_[i], exemplar));
    }
    exemplar.work.plans = set_.number_of_plans(std::move(plans));
  }

  /// `before` is what the last group planned; it is replaced.
  PlanId plan_operation(const OperationSpec& operation, Planned& before, Exemplar& exemplar) {
    const Chooser& chooser = exemplar.chooser;
    const Choice choice = operation.carrier == Carrier::copy_engines
                              ? chooser.copy(operation.size)
                              : chooser.choose(operation.kind, operation.size, operation.tokens);
    Exemplar::KnownShape& known = shape(operation, *choice.algorithm, exemplar);
    const bool crosses = operation.size > latency_bound;
    const std::uint32_t first = crosses ? patterns_of(known, exemplar) : nowhere(exemplar.work);
    const std::size_t members = exemplar.gpus.size();
    if (before.members != members || before.first_pattern != first || before.choice != choice ||
        !equal_but_for_crossings(before.shape, known.shape)) {
      before = {choice, without_crossings(known.shape), members, first, {}};
      before.plan = fresh_plan(operation, before);
    }
    return before.plan;
  }

  PlanId fresh_plan(const OperationSpec& operation, const Planned& planned) {
    const TransferPlanRequest request{.shape = planned.shape,
                                      .choice = planned.choice,
                                      .kind = operation.kind,
                                      .size = operation.size,
                                      .members = planned.members};
    TransferPlan plan = make_transfer_plan(request);
    check_conservation(request, plan);
    plan.component = operation.component;
    const bool crosses = operation.size > latency_bound;
    for (Phase& phase : plan.phases) {
      for (Bundle& bundle : phase.bundles) {
        bundle.pattern = planned.first_pattern + (crosses ? bundle.pattern : 0);
        if (!crosses) bundle.memory = 0;
      }
    }
    return program_.intern(std::move(plan));
  }

  Exemplar::KnownShape& shape(const OperationSpec& operation, const CollectiveAlgorithm& algorithm,
                              Exemplar& exemplar) {
    const CollectiveKind kind = operation.kind;
    const TokenSpread& spread = operation.tokens.spread;
    const auto [found, fresh] = exemplar.shapes.try_emplace({kind, &algorithm, spread});
    if (fresh) {
      const ShapeOptions options(options_.steps, spread);
      found->second.shape = algorithm.shape(kind, exemplar.gpus, cluster_, options);
      check_conservation(kind, found->second.shape, exemplar.gpus, cluster_);
    }
    return found->second;
  }

  /// Where the shape's patterns begin among the group's; entered when first needed, once for
  /// operations that cross the same (gathering what was scattered).
  std::uint32_t patterns_of(Exemplar::KnownShape& known, Exemplar& exemplar) {
    if (known.first_pattern != Exemplar::no_kind) return known.first_pattern;
    for (const auto& [key, other] : exemplar.shapes) {
      if (other.first_pattern == Exemplar::no_kind) continue;
      if (equal_crossings(other.shape, known.shape)) {
        return known.first_pattern = other.first_pattern;
      }
    }
    known.first_pattern = static_cast<std::uint32_t>(exemplar.work.patterns.size());
    for (const PhaseShape& phase : known.shape.phases) {
      for (const BundleShape& bundle : phase.bundles) enter(bundle, exemplar.work);
    }
    return known.first_pattern;
  }

  void enter(const BundleShape& bundle, GroupWork& work) {
    std::vector<CrossedLink>& pattern = work.patterns.emplace_back();
    pattern.reserve(bundle.crossings.size());
    for (const LinkCrossing& crossing : bundle.crossings) {
      pattern.push_back({crossing.link, set_.number_of_weight(crossing.weight)});
    }
  }

  /// The pattern of transfers that cross nothing.
  static std::uint32_t nowhere(GroupWork& work) {
    const auto found = std::ranges::find(work.patterns, std::vector<CrossedLink>{});
    const auto index = static_cast<std::uint32_t>(found - work.patterns.begin());
    if (found == work.patterns.end()) work.patterns.emplace_back();
    return index;
  }

  const Plan& plan_;
  const Cluster& cluster_;
  const LowerOptions& options_;
  ProgramBuilder& program_;
  Exemplars exemplars_;
  GroupSet set_;
  std::uint32_t kind_ = 0;
  std::optional<HostWay> host_way_;
  std::vector<OperationSpec> operations_;
  std::vector<Planned> before_;  ///< by operation
  std::vector<VertexId> gpus_;
};

}  // namespace

std::uint32_t GroupSet::add_kind(const GroupKind& kind) {
  kinds_.push_back(kind);
  return static_cast<std::uint32_t>(kinds_.size() - 1);
}

std::uint32_t GroupSet::number_of_plans(std::vector<PlanId> plans) {
  const auto fresh = static_cast<std::uint32_t>(plan_lists_.size());
  const auto [found, added] = number_of_plans_.try_emplace(std::move(plans), fresh);
  if (added) plan_lists_.push_back(&found->first);
  return found->second;
}

std::uint32_t GroupSet::number_of_weight(std::uint64_t weight) {
  const auto fresh = static_cast<std::uint32_t>(weights_.size());
  const auto [found, added] = number_of_weight_.try_emplace(weight, fresh);
  if (added) weights_.push_back(weight);
  return found->second;
}

GroupSet make_groups(const Plan& plan, const Cluster& cluster, const OperationTables& operations,
                     const LowerOptions& options, ProgramBuilder& program) {
  GroupPlanner planner(plan, cluster, options, program);
  Members members(plan.mesh);
  for (const auto& [kind, table] : operations.all()) {
    planner.begin(kind, table);
    members.for_each(kind, [&](std::span<const RankId> group) { planner.add(group); });
  }
  return std::move(planner).take();
}

}  // namespace orrery
