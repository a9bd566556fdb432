#include "engine/time_book.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <numeric>

namespace orrery {

void TimeBook::add_idle(Instant now, Cause cause) {
  Instant unexplained = now;
  const Activity* activity = ended_at(now, cause);
  while (activity != nullptr && unexplained > booked_) {
    const Instant since = std::max(activity->since, booked_);
    component(activity->component) += unexplained - since;
    const Instant begin = std::max(activity->begin, booked_);
    use_.bubble += since - begin;
    unexplained = begin;
    activity = ended_at(activity->begin, activity->cause);
  }
  use_.bubble += unexplained - booked_;
  booked_ = now;
}

void TimeBook::add_waiting(Instant until) {
  use_.bubble += until - booked_;
  booked_ = until;
}

void TimeBook::add_work(Instant now, Component c) {
  component(c) += now - booked_;
  booked_ = now;
}

void TimeBook::remember(std::size_t lane, const Activity& activity) {
  if (retired_) return;
  auto& past = activities_[lane];
  if (!past.empty() && past.back().until <= booked_) past.clear();
  past.push_back(activity);
}

Cause TimeBook::released_by(std::span<const Wait> waits, Instant now) const {
  for (const Wait& wait : waits) {
    const Cause candidate{.position = wait.position, .lane = wait.lane};
    if (ended_at(now, candidate) != nullptr) return candidate;
  }
  return {};
}

/// The last thing that a lane did up to the task of that cause, if it ended at `when`. (Tasks that
/// take no time and were not held up are not remembered, so it may be an earlier task.)
const Activity* TimeBook::ended_at(Instant when, Cause cause) const {
  const auto& past = activities_[cause.lane];
  const auto after = std::ranges::upper_bound(past, cause.position, {}, &Activity::position);
  if (after == past.begin()) return nullptr;
  const Activity& last = *std::prev(after);
  return last.until == when ? &last : nullptr;
}

TimeUse TimeBook::close(Instant end) {
  CHECK(end >= booked_);
  use_.bubble += end - booked_;
  booked_ = end;
  const Duration sum =
      std::accumulate(use_.by_component.begin(), use_.by_component.end(), use_.bubble);
  CHECK(sum == end.time_since_epoch(), sum.count(), end.time_since_epoch().count());
  return use_;
}

}  // namespace orrery
