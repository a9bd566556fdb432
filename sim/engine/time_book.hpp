// Where the time of one rank of a class goes, booked as it passes; every picosecond exactly once.
//
// The compute lane (lane 0) sets the clock: while it works, the time belongs to the component of
// its task. When it idled and then begins a task, the gap is explained backwards along what held
// that task up: the collective whose end released it, while its bytes moved, is exposed time of its
// component; what released *that* one comes next (the task before it in its lane, or one that it
// waited for in turn); the rest, waiting for other ranks included, is bubble. So is what follows
// the last task.
#pragma once

#include "base/time.hpp"
#include "engine/time_use.hpp"
#include "program/program.hpp"

#include <cstdint>
#include <span>
#include <vector>

namespace orrery {

/// What let a task begin when it did: the end of task `position` of lane `lane` of the same rank.
struct Cause {
  std::uint32_t position = 0;
  std::uint16_t lane = 0;
};

/// A task of a lane other than the compute lane: `begin` when it joined or started, `since` when it
/// got going (bytes moved, the kernel ran), `until` its end.
struct Activity {
  Instant begin{};
  Instant since{};
  Instant until{};
  Cause cause{};
  std::uint32_t position = 0;
  Component component = Component::other;
};

class TimeBook {
 public:
  TimeBook() = default;
  explicit TimeBook(std::size_t lanes) : activities_(lanes) {}

  /// Everything before is booked.
  Instant booked() const { return booked_; }

  /// The compute lane idled until `now` and was let go by `cause`.
  void add_idle(Instant now, Cause cause);
  /// A collective in the compute lane waited for its members until `until`.
  void add_waiting(Instant until);
  /// The compute lane did work of `component` until `now`.
  void add_work(Instant now, Component component);
  /// The compute lane computed (and not communicated) for that long, by the way.
  void add_busy(Duration duration) { use_.busy += duration; }

  /// Remembers what another lane did, as long as it can still explain a gap.
  void remember(std::size_t lane, const Activity& activity);
  /// The first of `waits` that came true at `now`: what let a task with those waits begin.
  Cause released_by(std::span<const Wait> waits, Instant now) const;

  /// The compute lane has ended its last task; what follows is bubble.
  void retire() { retired_ = true; }
  /// The whole run is over. CHECKs that the parts sum to `end`.
  TimeUse close(Instant end);

 private:
  const Activity* ended_at(Instant when, Cause cause) const;
  Duration& component(Component c) { return use_.by_component[static_cast<std::size_t>(c)]; }

  TimeUse use_;
  Instant booked_ = simulation_start;
  bool retired_ = false;
  std::vector<std::vector<Activity>> activities_;  ///< by lane, in order
};

}  // namespace orrery
