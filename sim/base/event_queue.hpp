// A queue of events in the total order (instant, sequence): what makes two runs alike.
//
// A heap of four children per node in one array; an event is 24 bytes, so the four children that a
// pop compares share two cache lines, and the comparisons are written without branches because
// their outcome is a coin toss. Whoever pushes gives out the sequence numbers, and never the same
// one twice in a queue. Events are not removed when they become void; the owner recognises them
// when they surface.
#pragma once

#include "base/check.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace orrery {

template <typename Payload>
class EventQueue {
 public:
  struct Event {
    Instant at{};
    std::uint64_t sequence = 0;
    Payload payload{};
  };
  static_assert(sizeof(Event) == 24);

  bool empty() const { return events_.empty(); }
  std::size_t size() const { return events_.size(); }
  const Event& top() const { return events_.front(); }

  void push(const Event& event) {
    events_.push_back(event);
    rise(events_.size() - 1, event);
  }

  Event pop() {
    DCHECK(!events_.empty());
    const Event first = events_.front();
    const Event last = events_.back();
    events_.pop_back();
    if (!events_.empty()) sink(0, last);
    return first;
  }

  /// Drops every event that `is_void` names, in linear time.
  template <typename Predicate>
  void remove_if(Predicate is_void) {
    std::erase_if(events_, is_void);
    for (std::size_t i = events_.size() / children + 1; i-- > 0;) {
      if (i < events_.size()) sink(i, events_[i]);
    }
  }

 private:
  static constexpr std::size_t children = 4;

  static bool before(const Event& a, const Event& b) {
    return (a.at < b.at) | ((a.at == b.at) & (a.sequence < b.sequence));
  }

  void rise(std::size_t hole, const Event& event) {
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / children;
      if (!before(event, events_[parent])) break;
      events_[hole] = events_[parent];
      hole = parent;
    }
    events_[hole] = event;
  }

  void sink(std::size_t hole, const Event event) {
    const std::size_t size = events_.size();
    const Event* const events = events_.data();
    while (true) {
      const std::size_t first = children * hole + 1;
      if (first >= size) break;
      const std::size_t least =
          first + children <= size ? least_of_four(events, first) : least_of(events, first, size);
      if (!before(events[least], event)) break;
      events_[hole] = events_[least];
      hole = least;
    }
    events_[hole] = event;
  }

  static std::size_t least_of_four(const Event* events, std::size_t first) {
    const std::size_t left = first + (before(events[first + 1], events[first]) ? 1U : 0U);
    const std::size_t right = first + 2 + (before(events[first + 3], events[first + 2]) ? 1U : 0U);
    return before(events[right], events[left]) ? right : left;
  }

  static std::size_t least_of(const Event* events, std::size_t first, std::size_t last) {
    std::size_t least = first;
    for (std::size_t i = first + 1; i < last; ++i) {
      if (before(events[i], events[least])) least = i;
    }
    return least;
  }

  std::vector<Event> events_;
};

}  // namespace orrery
