// A queue of events in the total order (instant, sequence): what makes two runs alike.
//
// A heap of four children per node: an event is 24 bytes, so the four that a pop compares share two
// cache lines, and they are compared without branches because the outcome is a coin toss. Where
// most events arrive in order (alike transfers start and end together) a sorted run beside the heap
// takes them and nothing is sifted; where they do not, that choice would be one more coin toss per
// event, a third of the engine's speed, so it is made at compile time. Whoever pushes gives out the
// sequence numbers; of events that stand no two are equal. Events are not removed when they become
// void; the owner recognises them when they surface.
#pragma once

#include "base/check.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace orrery {

/// How events arrive: a queue that expects order reads what came in order from a sorted run.
enum class Arrivals { scattered, mostly_in_order };

template <typename Payload, Arrivals arrivals = Arrivals::scattered>
class EventQueue {
 public:
  struct Event {
    Instant at{};
    std::uint64_t sequence = 0;
    Payload payload{};
  };
  static_assert(sizeof(Event) == 24);

  bool empty() const { return run_first_ == run_.size() && heap_.empty(); }
  std::size_t size() const { return run_.size() - run_first_ + heap_.size(); }
  const Event& top() const { return run_is_first() ? run_[run_first_] : heap_.front(); }

  void push(const Event& event) {
    if (extends_run(event)) {
      run_.push_back(event);
    } else {
      heap_.push_back(event);
      rise(heap_.size() - 1, event);
    }
  }

  Event pop() {
    DCHECK(!empty());
    return run_is_first() ? pop_run() : pop_heap();
  }

  /// Drops every event that `is_void` names, in linear time.
  template <typename Predicate>
  void remove_if(Predicate is_void) {
    forget_popped();
    std::erase_if(run_, is_void);
    std::erase_if(heap_, is_void);
    for (std::size_t i = heap_.size() / children + 1; i-- > 0;) {
      if (i < heap_.size()) sink(i, heap_[i]);
    }
  }

 private:
  static constexpr std::size_t children = 4;
  /// Popped events kept at the front of the run: seldom enough that moving the rest costs little.
  static constexpr std::size_t popped_at_most = std::size_t{1} << 16;

  static bool before(const Event& a, const Event& b) {
    return (a.at < b.at) | ((a.at == b.at) & (a.sequence < b.sequence));
  }

  bool extends_run(const Event& event) const {
    if constexpr (arrivals == Arrivals::scattered) return false;
    return run_first_ == run_.size() || before(run_.back(), event);
  }

  bool run_is_first() const {
    if constexpr (arrivals == Arrivals::scattered) return false;
    if (heap_.empty()) return true;
    return run_first_ < run_.size() && before(run_[run_first_], heap_.front());
  }

  Event pop_run() {
    const Event first = run_[run_first_++];
    if (run_first_ == run_.size() || run_first_ == popped_at_most) forget_popped();
    return first;
  }

  Event pop_heap() {
    const Event first = heap_.front();
    const Event last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink(0, last);
    return first;
  }

  void forget_popped() {
    run_.erase(run_.begin(), run_.begin() + static_cast<std::ptrdiff_t>(run_first_));
    run_first_ = 0;
  }

  void rise(std::size_t hole, const Event& event) {
    while (hole > 0) {
      const std::size_t parent = (hole - 1) / children;
      if (!before(event, heap_[parent])) break;
      heap_[hole] = heap_[parent];
      hole = parent;
    }
    heap_[hole] = event;
  }

  void sink(std::size_t hole, const Event event) {
    const std::size_t size = heap_.size();
    const Event* const events = heap_.data();
    while (true) {
      const std::size_t first = children * hole + 1;
      if (first >= size) break;
      const std::size_t least =
          first + children <= size ? least_of_four(events, first) : least_of(events, first, size);
      if (!before(events[least], event)) break;
      heap_[hole] = heap_[least];
      hole = least;
    }
    heap_[hole] = event;
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

  std::vector<Event> heap_;
  std::vector<Event> run_;  ///< ascending; those before run_first_ have been popped
  std::size_t run_first_ = 0;
};

}  // namespace orrery
