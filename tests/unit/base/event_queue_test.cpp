#include "base/event_queue.hpp"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.hpp"

namespace orrery {
namespace {

using testing::ElementsAre;

using Queue = EventQueue<std::uint64_t>;

std::vector<std::uint64_t> drain(Queue queue) {
  std::vector<std::uint64_t> payloads;
  while (!queue.empty()) payloads.push_back(queue.pop().payload);
  return payloads;
}

Queue::Event event(std::int64_t at, std::uint64_t sequence, std::uint64_t payload) {
  return {.at = Instant{Duration{at}}, .sequence = sequence, .payload = payload};
}

TEST(EventQueue, GivesTheEarliestFirst) {
  Queue queue;
  queue.push(event(30, 1, 3));
  queue.push(event(10, 2, 1));
  queue.push(event(20, 3, 2));

  EXPECT_THAT(drain(queue), ElementsAre(1, 2, 3));
}

TEST(EventQueue, BreaksTiesBySequenceAndNotByOrderOfPushing) {
  Queue queue;
  queue.push(event(10, 3, 3));
  queue.push(event(10, 1, 1));
  queue.push(event(10, 2, 2));

  EXPECT_THAT(drain(queue), ElementsAre(1, 2, 3));
}

TEST(EventQueue, SortsManyEventsOfFewInstants) {
  Queue queue;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t at = draw({.seed = 7}, i) % 13;
    queue.push(event(static_cast<std::int64_t>(at), i, at * 1000 + i));
  }

  EXPECT_TRUE(std::ranges::is_sorted(drain(queue)));
}

TEST(EventQueue, KeepsItsOrderWhenEventsAreRemoved) {
  Queue queue;
  for (std::uint64_t i = 0; i < 100; ++i) queue.push(event(static_cast<std::int64_t>(i * 37 % 100), i, i));

  queue.remove_if([](const Queue::Event& e) { return e.at.time_since_epoch().count() % 2 == 1; });

  std::vector<std::int64_t> instants;
  while (!queue.empty()) instants.push_back(queue.pop().at.time_since_epoch().count());
  EXPECT_EQ(instants.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(instants));
}

}  // namespace
}  // namespace orrery
