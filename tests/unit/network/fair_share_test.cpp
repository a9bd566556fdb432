#include "network/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace orrery {
namespace {

using namespace orrery::literals;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;

/// Never early; what rounding leaves of a picosecond may cost the next one.
auto at_or_just_after(std::int64_t picoseconds) {
  return testing::AllOf(testing::Ge(picoseconds), testing::Le(picoseconds + 1));
}

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double byte_per_ps = 1e12;  // a rate at which times are whole picoseconds

const Pattern first{{.resource = ResourceId{0}}};
const Pattern second{{.resource = ResourceId{1}}};
const Pattern both{{.resource = ResourceId{0}}, {.resource = ResourceId{1}}};

class FairShare : public testing::Test {
 protected:
  void start(const Pattern& pattern, double bytes, std::uint32_t owner,
             Duration latency = Duration{0}) {
    network->start(now, {.crossings = pattern,
                         .bytes = bytes,
                         .rate_cap = infinity,
                         .latency = latency,
                         .owner = owner});
  }
  /// Goes on to the next completion and returns who completed; the clock is in `now`.
  std::vector<std::uint32_t> next(Instant limit = end_of_time) {
    std::vector<std::uint32_t> completed;
    now = network->advance(limit, completed);
    return completed;
  }
  std::int64_t clock() const { return now.time_since_epoch().count(); }

  IdVector<ResourceId, Resource> resources{2, {.capacity = BytesPerSecond(byte_per_ps)}};
  std::unique_ptr<Network> network = make_fair_share_network(resources);
  Instant now = simulation_start;
};

TEST_F(FairShare, TakesBytesOverCapacityAlone) {
  start(first, 1000.0, 7);

  EXPECT_THAT(next(), ElementsAre(7));
  EXPECT_THAT(clock(), at_or_just_after(1000));
}

TEST_F(FairShare, RoundsUpToTheNextPicosecond) {
  start(first, 1000.25, 7);

  next();
  EXPECT_THAT(clock(), at_or_just_after(1001));
}

TEST_F(FairShare, GivesTheWholeLinkToTheOneThatIsLeft) {
  start(first, 1000.0, 1);
  start(first, 3000.0, 2);

  EXPECT_THAT(next(), ElementsAre(1));
  EXPECT_THAT(clock(), at_or_just_after(2000));
  EXPECT_THAT(next(), ElementsAre(2));
  EXPECT_THAT(clock(), at_or_just_after(4000));
}

TEST_F(FairShare, TakesNoCapacityBeforeItsLatencyHasPassed) {
  start(first, 1000.0, 1);
  start(first, 1000.0, 2, 1500_ps);

  next();
  EXPECT_THAT(clock(), at_or_just_after(1000));
  next();
  EXPECT_THAT(clock(), at_or_just_after(2500));
}

TEST_F(FairShare, SlowsDownWhenAnotherJoinsLate) {
  start(first, 1000.0, 1);
  start(first, 1000.0, 2, 500_ps);

  next();
  EXPECT_THAT(clock(), at_or_just_after(1500));
  next();
  EXPECT_THAT(clock(), at_or_just_after(2000));
}

TEST_F(FairShare, StopsAtTheLimit) {
  start(first, 1000.0, 1);

  EXPECT_THAT(next(simulation_start + 400_ps), IsEmpty());
  EXPECT_THAT(clock(), at_or_just_after(400));
  EXPECT_THAT(next(simulation_start + 1001_ps), ElementsAre(1));
}

TEST_F(FairShare, CompletesInTheOrderOfStarting) {
  start(first, 1000.0, 3);
  start(second, 1000.0, 1);
  start(first, 1000.0, 2);
  start(second, 1000.0, 9);

  EXPECT_THAT(next(), ElementsAre(3, 1, 2, 9));
}

TEST_F(FairShare, NeedsNoTimeForNoBytes) {
  start(first, 0.0, 1, 10_ps);

  EXPECT_THAT(next(), ElementsAre(1));
  EXPECT_THAT(clock(), at_or_just_after(10));
}

TEST_F(FairShare, HonoursARateCap) {
  network->start(now, {.crossings = first, .bytes = 1000.0, .rate_cap = byte_per_ps / 4});

  next();
  EXPECT_THAT(clock(), at_or_just_after(4000));
}

TEST_F(FairShare, MovesABundleAtTheRateOfItsMostCrossedResource) {
  const Pattern bundle{{.resource = ResourceId{0}, .weight = 7 * one_transfer},
                       {.resource = ResourceId{1}, .weight = one_transfer / 2}};
  start(bundle, 1000.0, 1);

  next();
  EXPECT_THAT(clock(), at_or_just_after(7000));
  EXPECT_THAT(network->bytes_crossed(), ElementsAre(DoubleNear(7000, 1e-6), DoubleNear(500, 1e-6)));
}

TEST_F(FairShare, ReportsRatesWhenTheyChange) {
  start(first, 1000.0, 1);
  start(both, 1000.0, 2);

  next();
  const auto changes = network->take_rate_changes();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].bytes_per_second, byte_per_ps);
  EXPECT_EQ(changes[1].bytes_per_second, byte_per_ps / 2);
  EXPECT_THAT(network->take_rate_changes(), IsEmpty());
  next(now);
  EXPECT_EQ(network->take_rate_changes().size(), 2U);
}

TEST_F(FairShare, LooksOnlyAtWhatAChangeTouches) {
  start(first, 1000.0, 1);
  start(second, 4000.0, 2);
  next();
  network->take_rate_changes();

  start(first, 1000.0, 3);
  next();

  for (const RateChange& change : network->take_rate_changes()) {
    EXPECT_EQ(change.resource, ResourceId{0});
  }
}

TEST_F(FairShare, CountsBytesWithoutWhatRoundingAdds) {
  for (std::uint32_t i = 0; i < 1000; ++i) {
    start(first, 3.3, i);
    next();
  }

  EXPECT_THAT(network->bytes_crossed()[0], DoubleNear(3300.0, 1e-6));
}

}  // namespace
}  // namespace orrery
