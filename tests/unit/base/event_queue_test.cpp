#include "base/event_queue.hpp"

#include "base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace orrery {
namespace {

using testing::ElementsAre;

template <typename Queue>
std::vector<std::uint64_t> drain(Queue queue) {
  std::vector<std::uint64_t> payloads;
  while (!queue.empty()) payloads.push_back(queue.pop().payload);
  return payloads;
}

template <typename Queue>
void push(Queue& queue, std::int64_t at, std::uint64_t sequence, std::uint64_t payload) {
  queue.push({.at = Instant{Duration{at}}, .sequence = sequence, .payload = payload});
}

template <typename Queue>
class EventQueueTest : public testing::Test {};
using Queues =
    testing::Types<EventQueue<std::uint64_t>, EventQueue<std::uint64_t, Arrivals::mostly_in_order>>;
TYPED_TEST_SUITE(EventQueueTest, Queues);

TYPED_TEST(EventQueueTest, GivesTheEarliestFirst) {
  TypeParam queue;
  push(queue, 30, 1, 3);
  push(queue, 10, 2, 1);
  push(queue, 20, 3, 2);

  EXPECT_THAT(drain(queue), ElementsAre(1, 2, 3));
}

TYPED_TEST(EventQueueTest, BreaksTiesBySequenceAndNotByOrderOfPushing) {
  TypeParam queue;
  push(queue, 10, 3, 3);
  push(queue, 10, 1, 1);
  push(queue, 10, 2, 2);

  EXPECT_THAT(drain(queue), ElementsAre(1, 2, 3));
}

TYPED_TEST(EventQueueTest, SortsManyEventsOfFewInstants) {
  TypeParam queue;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const std::uint64_t at = draw({.seed = 7}, i) % 13;
    push(queue, static_cast<std::int64_t>(at), i, at * 1000 + i);
  }

  EXPECT_TRUE(std::ranges::is_sorted(drain(queue)));
}

TYPED_TEST(EventQueueTest, KeepsItsOrderWhenEventsAreRemoved) {
  TypeParam queue;
  for (std::uint64_t i = 0; i < 100; ++i)
    push(queue, static_cast<std::int64_t>(i * 37 % 100), i, i);

  queue.remove_if([](const auto& e) { return e.at.time_since_epoch().count() % 2 == 1; });

  std::vector<std::int64_t> instants;
  while (!queue.empty()) instants.push_back(queue.pop().at.time_since_epoch().count());
  EXPECT_EQ(instants.size(), 50U);
  EXPECT_TRUE(std::ranges::is_sorted(instants));
}

}  // namespace
}  // namespace orrery
