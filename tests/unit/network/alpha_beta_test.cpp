#include "network/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace orrery {
namespace {

using namespace orrery::literals;
using testing::ElementsAre;

/// Never early; what rounding leaves of a picosecond may cost the next one.
auto at_or_just_after(std::int64_t picoseconds) {
  return testing::AllOf(testing::Ge(picoseconds), testing::Le(picoseconds + 1));
}

constexpr double infinity = std::numeric_limits<double>::infinity();

class AlphaBeta : public testing::Test {
 protected:
  std::vector<std::uint32_t> next() {
    std::vector<std::uint32_t> completed;
    now = network->advance(end_of_time, completed);
    return completed;
  }
  std::int64_t clock() const { return now.time_since_epoch().count(); }

  IdVector<ResourceId, Resource> resources{2, {.capacity = BytesPerSecond(1e12)}};
  std::unique_ptr<Network> network = make_alpha_beta_network(resources);
  Instant now = simulation_start;
  const Pattern link{{.resource = ResourceId{0}}};
};

// Hockney, The communication challenge for MPP, Parallel Computing 20 (1994): t = latency + bytes /
// rate.
TEST_F(AlphaBeta, TakesLatencyAndBytesOverRate) {
  network->start(now, {.crossings = link, .bytes = 1000.0, .rate_cap = infinity, .latency = 50_ps});

  next();
  EXPECT_THAT(clock(), at_or_just_after(1050));
}

TEST_F(AlphaBeta, KnowsNoContention) {
  const Transfer transfer{.crossings = link, .bytes = 1000.0, .rate_cap = infinity, .owner = 4};
  network->start(now, transfer);
  network->start(now, transfer);

  EXPECT_THAT(next(), ElementsAre(4, 4));
  EXPECT_THAT(clock(), at_or_just_after(1000));
}

TEST_F(AlphaBeta, MovesABundleAtTheRateOfItsMostCrossedResource) {
  const Pattern bundle{{.resource = ResourceId{0}, .weight = 3 * one_transfer},
                       {.resource = ResourceId{1}}};
  network->start(now, {.crossings = bundle, .bytes = 1000.0, .rate_cap = infinity});

  next();
  EXPECT_THAT(clock(), at_or_just_after(3000));
  EXPECT_THAT(network->bytes_crossed(), ElementsAre(3000.0, 1000.0));
}

TEST_F(AlphaBeta, HonoursARateCap) {
  network->start(now, {.crossings = link, .bytes = 1000.0, .rate_cap = 0.25e12});

  next();
  EXPECT_THAT(clock(), at_or_just_after(4000));
}

TEST_F(AlphaBeta, ReportsRatesThatBeginAfterTheLatencyAndEnd) {
  network->start(now, {.crossings = link, .bytes = 1000.0, .rate_cap = infinity, .latency = 50_ps});
  next();
  std::vector<std::uint32_t> completed;
  network->advance(now, completed);

  const auto changes = network->take_rate_changes();
  ASSERT_EQ(changes.size(), 2U);
  EXPECT_EQ(changes[0].at, simulation_start + 50_ps);
  EXPECT_EQ(changes[0].bytes_per_second, 1e12);
  EXPECT_EQ(changes[1].bytes_per_second, 0.0);
}

}  // namespace
}  // namespace orrery
