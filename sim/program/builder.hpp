// Makes Programs: what front-ends write into. Kinds, plans and patterns are interned (the same
// value is the same identity, whoever asks first), scripts grow by appending tasks to named lanes.
//
//   ProgramBuilder builder("two stages");
//   const KindId forward = builder.intern({.name = "layer.forward", .action = Compute{...}});
//   ScriptBuilder script("stage 0");
//   const auto compute = script.lane("compute");
//   const TaskPlace done = script.append(compute, forward, {.micro_batch = 0, .layer = 3});
//   script.append(script.lane("tensor"), all_reduce, {.waits = {done}});
//   builder.add(std::move(script).finish());
//
// Waits are stored in their shortest form: the latest task of each lane only, none on the lane
// itself, and none that an earlier task of the same lane has waited for already.
#pragma once

#include "program/program.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace orrery {

/// Task number `position` of lane `lane` of a script. A default one is no task, and waits for
/// nothing.
struct TaskPlace {
  static constexpr std::uint16_t no_lane = 0xFFFF;

  std::uint16_t lane = no_lane;
  std::uint32_t position = 0;

  bool exists() const { return lane != no_lane; }
  bool operator==(const TaskPlace&) const = default;
};

/// What a task waits for: of each lane the latest task added, since lanes are in order. No
/// allocation.
class WaitSet {
 public:
  WaitSet() = default;
  WaitSet(std::initializer_list<TaskPlace> places) {
    for (const TaskPlace& place : places) add(place);
  }

  /// A place that does not exist is ignored.
  void add(TaskPlace place);
  void add(const WaitSet& others) {
    for (const TaskPlace& place : others.places()) add(place);
  }

  std::span<const TaskPlace> places() const { return {places_.data(), size_}; }

 private:
  std::array<TaskPlace, max_lanes> places_;
  std::size_t size_ = 0;
};

struct TaskOptions {
  std::uint16_t micro_batch = none_16;
  std::uint16_t layer = none_16;
  std::uint16_t chunk = 0;
  WaitSet waits{};
};

class ScriptBuilder {
 public:
  explicit ScriptBuilder(std::string name) { script_.name = std::move(name); }

  /// Index of the lane of that name, which is added when new. CHECKs that there are at most
  /// max_lanes.
  std::uint16_t lane(std::string_view name);
  /// Index of the slot of that name, which is added when new.
  std::uint16_t slot(std::string_view name);

  /// The waits must be on tasks that were appended before. Amortised constant time.
  TaskPlace append(std::uint16_t lane, KindId kind, const TaskOptions& options = {});

  /// The last task of a lane so far; no task when it is empty.
  TaskPlace last(std::uint16_t lane) const;

  void hold(MemoryCategory category, Bytes bytes);  ///< adds to what is resident
  void set_memory_capacity(Bytes capacity) { script_.memory_capacity = capacity; }
  std::size_t tasks() const { return task_count(script_); }

  /// The script, its waits laid out lane by lane, which is the order in which text has them.
  Script finish() &&;

 private:
  bool must_wait(std::uint16_t lane, TaskPlace place);

  Script script_;
  /// waited_[a][b]: how many tasks of lane b have ended before the next task of lane a can begin.
  std::array<std::array<std::uint32_t, max_lanes>, max_lanes> waited_{};
};

/// A dense array of distinct values, found by what they are.
template <typename Id, typename T>
class InternedValues {
 public:
  Id intern(T value) {
    const std::size_t hash = hash_of(value);
    const auto [first, last] = by_hash_.equal_range(hash);
    for (auto same = first; same != last; ++same) {
      if (values_[same->second] == value) return same->second;
    }
    const Id id = values_.push_back(std::move(value));
    by_hash_.emplace(hash, id);
    return id;
  }

  const IdVector<Id, T>& values() const { return values_; }
  IdVector<Id, T> take() && { return std::move(values_); }

 private:
  IdVector<Id, T> values_;
  std::unordered_multimap<std::size_t, Id> by_hash_;  // looked up only, never walked
};

std::size_t hash_of(const Kind& kind);
std::size_t hash_of(const TransferPlan& plan);
std::size_t hash_of(const Pattern& pattern);

class ProgramBuilder {
 public:
  explicit ProgramBuilder(std::string name) { program_.name = std::move(name); }

  KindId intern(Kind kind) { return kinds_.intern(std::move(kind)); }
  PlanId intern(TransferPlan plan) { return plans_.intern(std::move(plan)); }
  PatternId intern(Pattern pattern) { return patterns_.intern(std::move(pattern)); }

  ResourceId add(Resource resource) { return program_.resources.push_back(std::move(resource)); }
  ScriptId add(Script script) { return program_.scripts.push_back(std::move(script)); }
  GroupId add(Group group) { return program_.groups.push_back(std::move(group)); }
  ClassId add(RankClass rank_class) { return program_.classes.push_back(std::move(rank_class)); }

  /// For what is known late: a class may be added before the groups it takes part in.
  Group& group(GroupId id) { return program_.groups[id]; }
  RankClass& rank_class(ClassId id) { return program_.classes[id]; }

  const Script& script(ScriptId id) const { return program_.scripts[id]; }
  const Kind& kind(KindId id) const { return kinds_.values()[id]; }
  const TransferPlan& plan(PlanId id) const { return plans_.values()[id]; }
  const Pattern& pattern(PatternId id) const { return patterns_.values()[id]; }

  /// The class of each rank, by rank.
  void set_class_of_rank(IdVector<RankId, ClassId> classes) {
    program_.class_of_rank = std::move(classes);
  }

  /// The program as written; verify() says whether it is sound.
  Program finish() &&;

 private:
  Program program_;
  InternedValues<KindId, Kind> kinds_;
  InternedValues<PlanId, TransferPlan> plans_;
  InternedValues<PatternId, Pattern> patterns_;
};

}  // namespace orrery
