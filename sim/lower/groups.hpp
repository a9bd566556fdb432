// Groups of ranks with everything their operations need: how each runs and which links it crosses.
//
// There may be millions (most of them pairs of neighbouring stages), so they lie in a few long
// arrays. A group that is another one moved along a cluster that repeats itself
// (cluster/repetition.hpp) takes over that one's plans, and its links moved as far.
#pragma once

#include "cluster/cluster.hpp"
#include "collective/collective.hpp"
#include "lower/lower.hpp"
#include "lower/operations.hpp"
#include "parallel/plan.hpp"
#include "program/builder.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace orrery {

/// A link that a group crosses, and which weight of the set's it does with.
struct CrossedLink {
  LinkId link{};
  std::uint32_t weight = 0;

  bool operator==(const CrossedLink&) const = default;
};

/// What a group does: how each operation of its kind's table runs, and what its bundles cross.
struct GroupWork {
  std::uint32_t plans = 0;  ///< into the set's lists
  std::vector<std::vector<CrossedLink>> patterns;
};

class GroupSet {
 public:
  std::size_t size() const { return groups_.size(); }
  const std::vector<GroupKind>& kinds() const { return kinds_; }

  std::uint32_t kind(std::size_t group) const { return groups_[group].kind; }
  std::span<const RankId> members(std::size_t group) const {
    return slice(members_, groups_[group].members_begin, groups_[group].members_end);
  }
  /// The number of its list of plans: equal lists have equal numbers.
  std::uint32_t plan_list(std::size_t group) const { return groups_[group].plans; }
  const std::vector<PlanId>& plans(std::size_t group) const {
    return *plan_lists_[groups_[group].plans];
  }
  std::size_t pattern_count(std::size_t group) const {
    return groups_[group].patterns_end - groups_[group].patterns_begin;
  }
  /// What bundles of that number cross.
  std::span<const CrossedLink> pattern(std::size_t group, std::size_t number) const {
    const std::size_t p = groups_[group].patterns_begin + number;
    return slice(crossings_, p == 0 ? 0 : pattern_end_[p - 1], pattern_end_[p]);
  }
  std::uint64_t weight(CrossedLink crossed) const { return weights_[crossed.weight]; }
  std::size_t weight_count() const { return weights_.size(); }
  std::size_t crossing_count() const { return crossings_.size(); }

  std::uint32_t add_kind(const GroupKind& kind);
  std::uint32_t number_of_plans(std::vector<PlanId> plans);
  std::uint32_t number_of_weight(std::uint64_t weight);
  /// `moved` says where a link of the work is for this group.
  template <typename Moved>
  void add(std::uint32_t kind, std::span<const RankId> members, const GroupWork& work,
           const Moved& moved) {
    Place place{kind, work.plans, members_.size(), 0, pattern_end_.size(), 0};
    members_.insert(members_.end(), members.begin(), members.end());
    for (const std::vector<CrossedLink>& pattern : work.patterns) {
      for (const CrossedLink& crossed : pattern) {
        crossings_.push_back({moved(crossed.link), crossed.weight});
      }
      pattern_end_.push_back(crossings_.size());
    }
    place.members_end = members_.size();
    place.patterns_end = pattern_end_.size();
    groups_.push_back(place);
  }

 private:
  struct Place {
    std::uint32_t kind = 0;
    std::uint32_t plans = 0;
    std::size_t members_begin = 0;
    std::size_t members_end = 0;
    std::size_t patterns_begin = 0;
    std::size_t patterns_end = 0;
  };

  template <typename T>
  static std::span<const T> slice(const std::vector<T>& all, std::size_t begin, std::size_t end) {
    return std::span(all).subspan(begin, end - begin);
  }

  std::vector<GroupKind> kinds_;
  std::vector<Place> groups_;
  std::vector<RankId> members_;
  std::map<std::vector<PlanId>, std::uint32_t> number_of_plans_;
  std::vector<const std::vector<PlanId>*> plan_lists_;  ///< keys of that map, by number
  std::vector<std::size_t> pattern_end_;                ///< in crossings_
  std::vector<CrossedLink> crossings_;
  std::map<std::uint64_t, std::uint32_t> number_of_weight_;
  std::vector<std::uint64_t> weights_;
};

/// All groups of a plan that do any of `operations`.
GroupSet make_groups(const Plan& plan, const Cluster& cluster, const OperationTables& operations,
                     const LowerOptions& options, ProgramBuilder& program);

}  // namespace orrery
