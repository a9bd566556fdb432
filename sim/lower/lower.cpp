#include "lower/lower.hpp"

#include "base/check.hpp"
#include "lower/groups.hpp"
#include "lower/likeness.hpp"
#include "lower/stage.hpp"
#include "program/builder.hpp"

#include <fmt/format.h>

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

/// Which script each rank runs, scripts by their needs in order.
class Scripts {
 public:
  Scripts(const Plan& plan, const Cluster& cluster) : places_(plan) {
    std::vector<ScriptNeed> need_of_rank;
    need_of_rank.reserve(plan.mesh.size());
    for (std::size_t i = 0; i < plan.mesh.size(); ++i) {
      const auto rank = id_at<RankId>(i);
      need_of_rank.push_back({places_.script_of(rank), cluster.gpu_type(plan.gpu_of_rank[i]),
                              plan.micro_batches_of(rank)});
    }
    std::map<ScriptNeed, std::uint32_t> numbers;
    for (const ScriptNeed& need : need_of_rank) numbers.try_emplace(need, 0);
    for (auto& [need, number] : numbers) {
      number = static_cast<std::uint32_t>(needs_.size());
      needs_.push_back(need);
    }
    for (const ScriptNeed& need : need_of_rank) of_rank_.push_back(numbers.at(need));
  }

  const std::vector<ScriptNeed>& needs() const { return needs_; }
  const ScriptPlace& place_of(const ScriptNeed& need) const { return places_.all()[need.place]; }
  const std::vector<std::uint32_t>& of_rank() const { return of_rank_; }

  /// "" where a place has one script, else what sets this one apart: " on h100-sxm, 12
  /// micro-batches".
  std::string apart(std::size_t script, const Cluster& cluster) const {
    const ScriptNeed& need = needs_[script];
    bool types = false;
    bool counts = false;
    for (const ScriptNeed& other : needs_) {
      if (other.place != need.place) continue;
      types = types || other.gpu_type != need.gpu_type;
      counts = counts || other.micro_batches != need.micro_batches;
    }
    const std::string on = types ? " on " + cluster.gpu_types()[need.gpu_type].name : "";
    return on + (counts ? fmt::format(", {} micro-batches", need.micro_batches) : "");
  }

 private:
  ScriptPlaces places_;
  std::vector<ScriptNeed> needs_;
  std::vector<std::uint32_t> of_rank_;
};

/// The plan for replicas with so many micro-batches.
Plan with_micro_batches(Plan plan, std::int64_t count) {
  plan.micro_batches = count;
  plan.pipeline.micro_batches = count;
  return plan;
}

/// Makes the scripts that ranks need, each with the kernel times of its GPU.
class ScriptLowering {
 public:
  ScriptLowering(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
                 ProgramBuilder& program, OperationTables& operations)
      : plan_(plan),
        cluster_(cluster),
        options_(options),
        program_(program),
        operations_(operations) {}

  /// What is asked of the kernels is noted in `evidence`, where there is one.
  void lower(const Scripts& scripts, EvidenceBook* evidence) {
    evidence_ = evidence;
    for (std::size_t i = 0; i < scripts.needs().size(); ++i) {
      const ScriptNeed& need = scripts.needs()[i];
      Script script = lower(need, scripts.place_of(need));
      script.name += scripts.apart(i, cluster_);
      const Gpu& gpu = cluster_.gpu_types()[need.gpu_type];
      script.memory_capacity = gpu.memory_capacity;
      script.memory_bandwidth = gpu.memory_bandwidth * gpu.kernels.memory.stream;
      program_.add(std::move(script));
    }
  }

 private:
  Script lower(const ScriptNeed& need, const ScriptPlace& place) {
    auto& times = times_[need.gpu_type];
    if (!times) {
      times = make_kernel_times(options_.kernel_times,
                                loaded(cluster_.gpu_types()[need.gpu_type], plan_));
    }
    const KernelLowering kernels(plan_, *times, evidence_);
    if (need.micro_batches == plan_.micro_batches) {
      return lower_stage(plan_, place, program_, operations_, kernels);
    }
    const Plan fewer = with_micro_batches(plan_, need.micro_batches);
    return lower_stage(fewer, place, program_, operations_, kernels);
  }

  const Plan& plan_;
  const Cluster& cluster_;
  const LowerOptions& options_;
  ProgramBuilder& program_;
  OperationTables& operations_;
  EvidenceBook* evidence_ = nullptr;
  std::map<std::size_t, std::unique_ptr<KernelTimes>> times_;  ///< by type of GPU
};

/// From a set of groups and their likeness to the classes of a Program.
class Quotient {
 public:
  Quotient(const Scripts& scripts, const Cluster& cluster, const GroupSet& set,
           const Likeness& alike, ProgramBuilder& program)
      : scripts_(scripts), cluster_(cluster), set_(set), alike_(alike), program_(program) {}

  void add_resources();
  void add_groups();
  void add_classes(const std::vector<SlowRank>& slow_ranks);

 private:
  std::vector<Pattern> patterns_of_class(std::size_t group_class) const;
  Role role_in(std::uint32_t group, RankId rank) const;
  RankClass make_class(RankId representative) const;

  const Scripts& scripts_;
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
  made.script = id_at<ScriptId>(scripts_.of_rank()[index_of(representative)]);
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

Program lower(const Plan& plan, const Cluster& cluster, const LowerOptions& options,
              EvidenceBook* evidence) {
  const Scripts scripts(plan, cluster);
  ProgramBuilder program(plan.model.name);
  OperationTables operations;
  ScriptLowering(plan, cluster, options, program, operations).lower(scripts, evidence);
  const GroupSet groups = make_groups(plan, cluster, operations, options, program);
  const Likeness alike = find_alike(scripts.of_rank(), cluster, groups, options);
  Quotient quotient(scripts, cluster, groups, alike, program);
  quotient.add_resources();
  quotient.add_groups();
  quotient.add_classes(options.slow_ranks);
  return std::move(program).finish();
}

}  // namespace orrery
