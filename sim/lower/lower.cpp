#include "lower/lower.hpp"

#include "base/check.hpp"
#include "lower/groups.hpp"
#include "lower/likeness.hpp"
#include "lower/stage.hpp"
#include "program/builder.hpp"

#include <algorithm>
#include <map>
#include <memory>

namespace orrery {

namespace {

std::unique_ptr<KernelTimes> make_kernel_times(const std::string& name, const Gpu& gpu) {
  for (const KernelTimesModel* model : registered_kernel_times_models()) {
    if (model->name == name) return model->make(gpu);
  }
  CHECK(false, "no model of kernel times has this name:", name);
  return nullptr;
}

/// A job that trains keeps the GPU busy for hours: its clock is the sustained one, and exchanges
/// make all wait for the slowest card.
Gpu loaded(Gpu gpu, const Plan& plan) {
  gpu.kernels = with_kernels_of(gpu.kernels, plan.software.kernels);
  if (plan.training()) {
    gpu.kernels = under_load(gpu.kernels, static_cast<double>(plan.strategy.world_size()));
  }
  return gpu;
}

/// From a set of groups and their likeness to the classes of a Program.
class Quotient {
 public:
  Quotient(const Plan& plan, const Cluster& cluster, const GroupSet& set, const Likeness& alike,
           ProgramBuilder& program)
      : plan_(plan), cluster_(cluster), set_(set), alike_(alike), program_(program) {}

  void add_resources();
  void add_groups();
  void add_classes(const std::vector<SlowRank>& slow_ranks);

 private:
  std::vector<Pattern> patterns_of_class(std::size_t group_class) const;
  Role role_in(std::uint32_t group, RankId rank) const;
  RankClass make_class(RankId representative) const;

  const Plan& plan_;
  const Cluster& cluster_;
  const GroupSet& set_;
  const Likeness& alike_;
  ProgramBuilder& program_;
  std::vector<std::vector<std::uint32_t>> groups_of_class_;
  std::vector<std::uint32_t> links_in_class_;
  std::vector<std::uint32_t> class_of_link_;  ///< by LinkId
  std::vector<LinkId> first_link_;            ///< by class
  /// Groups of each class's representative rank, found in one pass.
  std::vector<std::vector<std::uint32_t>> groups_of_representative_;
};

void Quotient::add_resources() {
  links_in_class_.assign(alike_.link_classes, 0);
  class_of_link_.resize(cluster_.link_count());
  for (std::size_t i = 0; i < alike_.links.size(); ++i) {
    class_of_link_[index_of(alike_.links[i])] = alike_.link_class[i];
    ++links_in_class_[alike_.link_class[i]];
  }
  for (std::size_t i = 0; i < alike_.links.size(); ++i) {
    // Classes are numbered by their first link.
    if (alike_.link_class[i] != first_link_.size()) continue;
    first_link_.push_back(alike_.links[i]);
    const Link& link = cluster_.link(alike_.links[i]);
    program_.add(Resource{.name = cluster_.name(alike_.links[i]),
                          .kind = std::string(to_string(link.kind)),
                          .capacity = link.capacity,
                          .count = links_in_class_[alike_.link_class[i]]});
  }
}

/// What one link of each class, its first, sees of all groups of the class together. Every other
/// link of the class sees the same: that is what an equitable partition means. So what it sees
/// times the links of its class is what the groups put on all of them, in exact integers: no byte
/// is lost or found in folding.
std::vector<Pattern> Quotient::patterns_of_class(std::size_t group_class) const {
  const std::vector<std::uint32_t>& groups = groups_of_class_[group_class];
  const std::size_t count = set_.pattern_count(groups.front());
  std::vector<Pattern> patterns(count);
  for (std::size_t p = 0; p < count; ++p) {
    std::map<std::uint32_t, std::uint64_t> seen;
    std::uint64_t crossed_by_all = 0;
    for (const std::uint32_t g : groups) {
      for (const CrossedLink& crossed : set_.pattern(g, p)) {
        const std::uint32_t resource = class_of_link_[index_of(crossed.link)];
        const std::uint64_t weight = set_.weight(crossed);
        crossed_by_all += weight;
        if (first_link_[resource] == crossed.link) seen[resource] += weight;
      }
    }
    std::uint64_t seen_by_all = 0;
    for (const auto& [resource, weight] : seen) {
      patterns[p].push_back({id_at<ResourceId>(resource), weight});
      seen_by_all += weight * links_in_class_[resource];
    }
    CHECK(seen_by_all == crossed_by_all, group_class, p, seen_by_all, crossed_by_all);
  }
  return patterns;
}

void Quotient::add_groups() {
  groups_of_class_.resize(alike_.group_classes);
  for (std::size_t g = 0; g < set_.size(); ++g) {
    groups_of_class_[alike_.group_class[g]].push_back(static_cast<std::uint32_t>(g));
  }
  for (std::size_t c = 0; c < groups_of_class_.size(); ++c) {
    const std::uint32_t first = groups_of_class_[c].front();
    Group group{.name = group_name(set_.kinds()[set_.kind(first)]),
                .count = static_cast<Multiplicity>(groups_of_class_[c].size()),
                .members = {},
                .plans = set_.plans(first),
                .patterns = {}};
    std::map<std::uint32_t, Multiplicity> members;
    for (const RankId rank : set_.members(first)) ++members[alike_.rank_class[index_of(rank)]];
    for (const auto& [rank_class, count] : members) {
      group.members.push_back({id_at<ClassId>(rank_class), count});
    }
    for (Pattern& pattern : patterns_of_class(c)) {
      group.patterns.push_back(program_.intern(std::move(pattern)));
    }
    program_.add(std::move(group));
  }
}

Role Quotient::role_in(std::uint32_t group, RankId rank) const {
  if (set_.kinds()[set_.kind(group)].what != GroupKind::What::ring) return Role::member;
  return set_.members(group).front() == rank ? Role::sender : Role::receiver;
}

RankClass Quotient::make_class(RankId representative) const {
  RankClass made;
  made.script = id_at<ScriptId>(static_cast<std::size_t>(plan_.mesh.stage_of(representative)));
  made.count = 0;
  made.representative = representative;
  const Script& script = program_.script(made.script);
  made.groups.resize(script.slots.size());
  const std::uint32_t rank_class = alike_.rank_class[index_of(representative)];
  for (const std::uint32_t g : groups_of_representative_[rank_class]) {
    const std::string name = slot_name(set_.kinds()[set_.kind(g)], role_in(g, representative));
    const auto slot = std::ranges::find(script.slots, name);
    if (slot == script.slots.end()) continue;
    made.groups[static_cast<std::size_t>(slot - script.slots.begin())] =
        id_at<GroupId>(alike_.group_class[g]);
  }
  return made;
}

void Quotient::add_classes(const std::vector<SlowRank>& slow_ranks) {
  std::vector<RankId> representatives;
  for (std::size_t i = 0; i < alike_.rank_class.size(); ++i) {
    const bool first = alike_.rank_class[i] == representatives.size();
    if (first) representatives.push_back(id_at<RankId>(i));
  }
  groups_of_representative_.resize(representatives.size());
  for (std::size_t g = 0; g < set_.size(); ++g) {
    for (const RankId rank : set_.members(g)) {
      const std::uint32_t c = alike_.rank_class[index_of(rank)];
      if (representatives[c] != rank) continue;
      groups_of_representative_[c].push_back(static_cast<std::uint32_t>(g));
    }
  }
  for (const RankId rank : representatives) program_.add(make_class(rank));
  IdVector<RankId, ClassId> class_of_rank;
  for (const std::uint32_t c : alike_.rank_class) {
    class_of_rank.push_back(id_at<ClassId>(c));
    ++program_.rank_class(id_at<ClassId>(c)).count;
  }
  for (const SlowRank& slow : slow_ranks) {
    program_.rank_class(class_of_rank[slow.rank]).slowdown = slow.slowdown;
  }
  program_.set_class_of_rank(std::move(class_of_rank));
}

}  // namespace

Program lower(const Plan& plan, const Cluster& cluster, const LowerOptions& options) {
  const Gpu& gpu = cluster.gpu(plan.gpu_of_rank.front());
  const std::unique_ptr<KernelTimes> times =
      make_kernel_times(options.kernel_times, loaded(gpu, plan));
  const KernelLowering kernels(plan, *times);
  ProgramBuilder program(plan.model.name);
  OperationTables operations;
  for (std::int64_t stage = 0; stage < plan.strategy.pp; ++stage) {
    Script script = lower_stage(plan, stage, program, operations, kernels);
    script.memory_capacity = gpu.memory_capacity;
    script.memory_bandwidth = gpu.memory_bandwidth * gpu.kernels.memory.stream;
    program.add(std::move(script));
  }
  const GroupSet groups = make_groups(plan, cluster, operations, options, program);
  const Likeness alike = find_alike(plan, cluster, groups, options);
  Quotient quotient(plan, cluster, groups, alike, program);
  quotient.add_resources();
  quotient.add_groups();
  quotient.add_classes(options.slow_ranks);
  return std::move(program).finish();
}

}  // namespace orrery
