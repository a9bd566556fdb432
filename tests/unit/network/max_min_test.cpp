#include "network/max_min.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace orrery {
namespace {

using testing::DoubleEq;
using testing::Each;
using testing::ElementsAre;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::uint64_t once = std::uint64_t{1} << 32;

/// Adds a variable that crosses each of the resources once.
void add(MaxMinSystem& system, std::initializer_list<std::uint32_t> resources,
         double cap = infinity) {
  system.add_variable(cap);
  for (const std::uint32_t resource : resources) system.cross(resource, once);
}

TEST(MaxMin, GivesTwoTransfersHalfOfASharedLink) {
  MaxMinSystem system;
  const auto link = system.add_resource(10.0);
  add(system, {link});
  add(system, {link});

  EXPECT_THAT(MaxMinSolver().solve(system).rates, ElementsAre(5.0, 5.0));
}

// Bertsekas and Gallager, Data Networks, 2nd ed., example 6.4: links of capacity 1, where three
// share one, and one of them shares the next with a fourth, which takes what is left there.
TEST(MaxMin, GivesWhatABottleneckLeavesToTheOthers) {
  MaxMinSystem system;
  const auto crowded = system.add_resource(1.0);
  const auto next = system.add_resource(1.0);
  add(system, {crowded});
  add(system, {crowded});
  add(system, {crowded, next});
  add(system, {next});

  const double third = 1.0 / 3.0;
  EXPECT_THAT(MaxMinSolver().solve(system).rates,
              ElementsAre(third, third, third, DoubleEq(2.0 / 3.0)));
}

TEST(MaxMin, LetsACappedVariableLeaveItsShareToTheOthers) {
  MaxMinSystem system;
  const auto link = system.add_resource(10.0);
  add(system, {link}, 1.0);
  add(system, {link});

  EXPECT_THAT(MaxMinSolver().solve(system).rates, ElementsAre(1.0, 9.0));
}

TEST(MaxMin, ChargesAVariableForEachOfItsTransfers) {
  MaxMinSystem system;
  const auto link = system.add_resource(12.0);
  system.add_variable(infinity);
  system.cross(link, 3 * once);
  add(system, {link});

  EXPECT_THAT(MaxMinSolver().solve(system).rates, ElementsAre(3.0, 3.0));
}

TEST(MaxMin, ChargesFractionsOfATransfer) {
  MaxMinSystem system;
  const auto link = system.add_resource(10.0);
  system.add_variable(infinity);
  system.cross(link, once / 4);

  EXPECT_THAT(MaxMinSolver().solve(system).rates, ElementsAre(40.0));
}

TEST(MaxMin, ReportsTheLoadOfEachResource) {
  MaxMinSystem system;
  const auto narrow = system.add_resource(2.0);
  const auto wide = system.add_resource(100.0);
  const auto unused = system.add_resource(7.0);
  add(system, {narrow, wide});
  add(system, {wide}, 30.0);

  MaxMinSolver solver;
  const auto& loads = solver.solve(system).loads;
  EXPECT_THAT(loads[wide], DoubleEq(32.0));
  EXPECT_THAT(loads[unused], DoubleEq(0.0));
}

TEST(MaxMin, LeavesAVariableThatCrossesNothingAtItsCap) {
  MaxMinSystem system;
  add(system, {}, 5.0);
  add(system, {});

  EXPECT_THAT(MaxMinSolver().solve(system).rates, ElementsAre(5.0, infinity));
}

TEST(MaxMin, SolvesAnotherSystemAfterALargerOne) {
  MaxMinSolver solver;
  MaxMinSystem system;
  const auto link = system.add_resource(8.0);
  for (int i = 0; i < 8; ++i) add(system, {link});
  EXPECT_THAT(solver.solve(system).rates, Each(1.0));

  system.clear();
  add(system, {system.add_resource(3.0)});
  EXPECT_THAT(solver.solve(system).rates, ElementsAre(3.0));
}

// Three equal shares of an inexact third, subtracted one by one, would not add up to what the other
// order gives; in rounds, equal resources stay equal to the last bit.
TEST(MaxMin, GivesEqualResourcesEqualBits) {
  MaxMinSystem system;
  const auto a = system.add_resource(0.1);
  const auto b = system.add_resource(0.1);
  const auto narrow = system.add_resource(0.05);
  add(system, {a, narrow});
  for (int i = 0; i < 2; ++i) add(system, {a});
  for (int i = 0; i < 2; ++i) add(system, {b});
  add(system, {b, narrow});

  MaxMinSolver solver;
  const auto& rates = solver.solve(system).rates;
  EXPECT_EQ(rates[0], rates[5]);
  EXPECT_EQ(rates[1], rates[3]);
}

}  // namespace
}  // namespace orrery
