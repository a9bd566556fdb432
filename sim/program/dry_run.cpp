#include "program/dry_run.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <optional>
#include <variant>

namespace orrery {

namespace {

constexpr std::int64_t most_held = std::int64_t{1} << 60;

/// A lane of a class.
struct LanePlace {
  ClassId rank_class{};
  std::uint16_t lane = 0;

  bool operator==(const LanePlace&) const = default;
};

struct LaneState {
  std::uint32_t ended = 0;  ///< tasks that have ended; the next one is the current
  bool joined = false;      ///< the current task has joined its collective and waits for the others
};

struct ClassState {
  std::array<LaneState, max_lanes> lanes{};
  std::array<std::uint32_t, max_lanes> waiters{};  ///< by lane: bits of the lanes that wait for it
  std::array<std::int64_t, memory_category_count> held{};
  bool overdrawn = false;
};

/// Who takes part in a group, once per slot that names it, and who has joined its current
/// operation.
struct GroupState {
  std::size_t parts = 0;
  std::vector<LanePlace> joined{};
};

class DryRun {
 public:
  explicit DryRun(const Program& program)
      : program_(program), classes_(program.classes.size()), groups_(program.groups.size()) {
    for (std::size_t i = 0; i < classes_.size(); ++i) begin(id_at<ClassId>(i));
  }

  std::vector<std::string> findings() && {
    while (!ready_.empty()) {
      const LanePlace place = ready_.back();
      ready_.pop_back();
      run(place);
    }
    report_deadlock();
    return std::move(findings_);
  }

 private:
  const Script& script_of(ClassId id) const {
    return program_.scripts[program_.classes[id].script];
  }
  LaneState& state_of(LanePlace place) { return classes_[place.rank_class].lanes[place.lane]; }
  const std::vector<Task>& tasks_of(LanePlace place) const {
    return script_of(place.rank_class).lanes[place.lane].tasks;
  }
  const Task& current(LanePlace place) { return tasks_of(place)[state_of(place).ended]; }
  bool done(LanePlace place) { return state_of(place).ended == tasks_of(place).size(); }

  void begin(ClassId id) {
    const Script& script = script_of(id);
    for (std::size_t i = 0; i < memory_category_count; ++i) {
      classes_[id].held[i] = script.resident[i].value();
    }
    for (const GroupId group : program_.classes[id].groups) ++groups_[group].parts;
    for (std::size_t lane = script.lanes.size(); lane-- > 0;) {
      ready_.push_back({.rank_class = id, .lane = static_cast<std::uint16_t>(lane)});
    }
  }

  /// Goes through the lane until it is done or must wait; then looks who waited for it.
  void run(LanePlace place) {
    LaneState& state = state_of(place);
    if (state.joined) return;
    const std::uint32_t ended_before = state.ended;
    while (!done(place) && !hold_back(place)) {
      const Task& task = current(place);
      const Action& action = program_.kinds[task.kind].action;
      if (const auto* communicate = std::get_if<Communicate>(&action)) {
        state.joined = true;
        join(place, communicate->slot);
        break;
      }
      change_memory(place, action);
      ++state.ended;
    }
    if (state.ended != ended_before) wake_waiters(place);
  }

  /// Whether the current task must wait; notes whom the lane waits for.
  bool hold_back(LanePlace place) {
    ClassState& state = classes_[place.rank_class];
    const std::optional<Wait> wait = unmet_wait(place);
    if (!wait) return false;
    state.waiters[wait->lane] |= std::uint32_t{1} << place.lane;
    return true;
  }

  std::optional<Wait> unmet_wait(LanePlace place) {
    const ClassState& state = classes_[place.rank_class];
    const Script& script = script_of(place.rank_class);
    const Task& task = current(place);
    for (std::size_t i = 0; i < task.wait_count; ++i) {
      const Wait& wait = script.waits[task.first_wait + i];
      if (state.lanes[wait.lane].ended <= wait.position) return wait;
    }
    return std::nullopt;
  }

  void wake_waiters(LanePlace place) {
    std::uint32_t& waiters = classes_[place.rank_class].waiters[place.lane];
    for (std::uint32_t left = std::exchange(waiters, 0); left != 0; left &= left - 1) {
      const auto lane = static_cast<std::uint16_t>(std::countr_zero(left));
      ready_.push_back({.rank_class = place.rank_class, .lane = lane});
    }
  }

  void join(LanePlace place, std::uint16_t slot) {
    GroupState& group = groups_[program_.classes[place.rank_class].groups[slot]];
    group.joined.push_back(place);
    if (group.joined.size() < group.parts) return;
    for (const LanePlace& member : group.joined) {
      LaneState& state = state_of(member);
      state.joined = false;
      ++state.ended;
      wake_waiters(member);
      ready_.push_back(member);
    }
    group.joined.clear();
  }

  void change_memory(LanePlace place, const Action& action) {
    if (const auto* allocate = std::get_if<Allocate>(&action)) {
      hold(place, allocate->category, allocate->bytes);
    } else if (const auto* release = std::get_if<Release>(&action)) {
      hold(place, release->category, -release->bytes);
    }
  }

  /// Only the first finding of a class is reported, and its books are closed.
  void hold(LanePlace place, MemoryCategory category, Bytes change) {
    ClassState& state = classes_[place.rank_class];
    if (state.overdrawn) return;
    std::int64_t& held = state.held[static_cast<std::size_t>(category)];
    held += change.value();
    if (held >= 0 && held <= most_held) return;
    state.overdrawn = true;
    findings_.push_back(
        held < 0
            ? fmt::format("{} releases more {} than it holds", describe(place), to_string(category))
            : fmt::format("{} brings {} beyond 2^60 bytes", describe(place), to_string(category)));
  }

  std::string describe(LanePlace place) {
    const Script& script = script_of(place.rank_class);
    const Task& task = current(place);
    std::string text = fmt::format(
        "class c{} ('{}'), lane '{}', task {} '{}'", index_of(place.rank_class), script.name,
        script.lanes[place.lane].name, state_of(place).ended, program_.kinds[task.kind].name);
    if (task.micro_batch != none_16) text += fmt::format(" of micro-batch {}", task.micro_batch);
    if (task.layer != none_16) text += fmt::format(", layer {}", task.layer);
    return text;
  }

  /// Follows what stuck lanes wait for until a lane comes again: that is the cycle.
  void report_deadlock() {
    const std::optional<LanePlace> stuck = first_stuck();
    if (!stuck) return;
    std::vector<LanePlace> path;
    LanePlace at = *stuck;
    while (std::ranges::find(path, at) == path.end()) {
      path.push_back(at);
      const std::optional<LanePlace> next = waits_for(at);
      if (!next) return report_missing(at);
      at = *next;
    }
    std::string text = "a deadlock:";
    for (auto place = std::ranges::find(path, at); place != path.end(); ++place) {
      text += fmt::format(" {} waits for", describe(*place));
    }
    findings_.push_back(fmt::format("{} the first of these", text));
  }

  /// The other member has no more tasks, so the collective never begins.
  void report_missing(LanePlace place) {
    findings_.push_back(
        fmt::format("a deadlock: {} waits for a member that never joins", describe(place)));
  }

  std::optional<LanePlace> first_stuck() {
    for (std::size_t i = 0; i < classes_.size(); ++i) {
      for (std::uint16_t lane = 0; lane < script_of(id_at<ClassId>(i)).lanes.size(); ++lane) {
        const LanePlace place{.rank_class = id_at<ClassId>(i), .lane = lane};
        if (!done(place)) return place;
      }
    }
    return std::nullopt;
  }

  /// The lane that the stuck lane waits for, in its own class or in another member of its group.
  std::optional<LanePlace> waits_for(LanePlace place) {
    if (!state_of(place).joined) {
      const std::optional<Wait> wait = unmet_wait(place);
      CHECK(wait.has_value(), place.lane);
      return LanePlace{.rank_class = place.rank_class, .lane = wait->lane};
    }
    const auto& communicate = std::get<Communicate>(program_.kinds[current(place).kind].action);
    const GroupId group = program_.classes[place.rank_class].groups[communicate.slot];
    for (const Member& member : program_.groups[group].members) {
      for (const LanePlace& lane : lanes_of(member.rank_class, group)) {
        const bool has_joined = std::ranges::count(groups_[group].joined, lane) > 0;
        if (!has_joined && !done(lane)) return lane;
      }
    }
    return std::nullopt;
  }

  /// The lanes on which a class uses a group: those with an operation of it still to come.
  std::vector<LanePlace> lanes_of(ClassId id, GroupId group) {
    std::vector<LanePlace> places;
    const std::vector<Lane>& lanes = script_of(id).lanes;
    for (std::uint16_t lane = 0; lane < lanes.size(); ++lane) {
      const LanePlace place{.rank_class = id, .lane = lane};
      const auto& tasks = lanes[lane].tasks;
      const auto joins = [&](const Task& task) {
        const auto* action = std::get_if<Communicate>(&program_.kinds[task.kind].action);
        return action != nullptr && program_.classes[id].groups[action->slot] == group;
      };
      if (std::any_of(tasks.begin() + state_of(place).ended, tasks.end(), joins)) {
        places.push_back(place);
      }
    }
    return places;
  }

  const Program& program_;
  IdVector<ClassId, ClassState> classes_;
  IdVector<GroupId, GroupState> groups_;
  std::vector<LanePlace> ready_;
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> dry_run(const Program& program) { return DryRun(program).findings(); }

}  // namespace orrery
