// Max-min rates of random systems: each carries its own proof, and symmetric systems equal their
// quotients.

#include "network/max_min.hpp"
#include "support/seeds.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <vector>

namespace orrery {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 1e-9;

double random_capacity(Dice& dice) { return dice.real(0.1, 10.0); }
double random_cap(Dice& dice) { return dice.chance(0.3) ? dice.real(0.01, 3.0) : infinity; }
/// From a fraction of a transfer to many.
std::uint64_t random_weight(Dice& dice) { return dice.between(1, 64) << dice.between(26, 32); }

MaxMinSystem random_system(std::uint64_t seed) {
  Dice dice(seed);
  MaxMinSystem system;
  const std::uint64_t resources = dice.between(1, 12);
  for (std::uint64_t r = 0; r < resources; ++r) system.add_resource(random_capacity(dice));
  for (std::uint64_t v = dice.between(1, 40); v > 0; --v) {
    system.add_variable(random_cap(dice));
    for (std::uint32_t r = 0; r < resources; ++r) {
      if (r == v % resources || dice.chance(0.2)) system.cross(r, random_weight(dice));
    }
  }
  return system;
}

/// By resource, the largest rate of those that cross it.
std::vector<double> largest_rates(const MaxMinSystem& system, const MaxMinRates& solution) {
  std::vector<double> largest(system.resource_count());
  for (std::size_t v = 0; v < system.variable_count(); ++v) {
    for (const auto& crossing : system.crossings(v)) {
      double& rate = largest[crossing.resource];
      rate = std::max(rate, solution.rates[v]);
    }
  }
  return largest;
}

// A feasible allocation is max-min fair if and only if every variable has a bottleneck: its cap, or
// a saturated resource where nobody gets more (Bertsekas and Gallager, Data Networks, 2nd ed.,
// 6.5.2).
TEST(MaxMinProperty, EveryVariableHasABottleneck) {
  for_each_seed(500, [](std::uint64_t seed) {
    const MaxMinSystem system = random_system(seed);
    MaxMinSolver solver;
    const MaxMinRates& solution = solver.solve(system);
    const auto largest = largest_rates(system, solution);
    for (std::size_t v = 0; v < system.variable_count(); ++v) {
      const double rate = solution.rates[v];
      EXPECT_LE(rate, system.rate_cap(v));
      const bool held_back = std::ranges::any_of(system.crossings(v), [&](const auto& crossing) {
        const std::uint32_t r = crossing.resource;
        const bool saturated = solution.loads[r] >= system.capacity(r) * (1.0 - rounding);
        return saturated && rate >= largest[r] * (1.0 - rounding);
      });
      EXPECT_TRUE(held_back || rate == system.rate_cap(v)) << "variable " << v;
    }
  });
}

TEST(MaxMinProperty, NoResourceCarriesMoreThanItsCapacity) {
  for_each_seed(500, [](std::uint64_t seed) {
    const MaxMinSystem system = random_system(seed);
    MaxMinSolver solver;
    const MaxMinRates& solution = solver.solve(system);
    std::vector<double> loads(system.resource_count());
    for (std::size_t v = 0; v < system.variable_count(); ++v) {
      for (const auto& crossing : system.crossings(v)) {
        loads[crossing.resource] +=
            solution.rates[v] * static_cast<double>(crossing.weight) * 0x1.0p-32;
      }
    }
    for (std::size_t r = 0; r < loads.size(); ++r) {
      EXPECT_LE(loads[r], system.capacity(r) * (1.0 + rounding));
      EXPECT_NEAR(loads[r], solution.loads[r], rounding * system.capacity(r));
    }
  });
}

/// A system on which a cyclic group of `order` acts. Orbit o has sizes[o] resources, a divisor of
/// the order; copy i of a variable crosses, for each of its steps, resource (i + shift) mod size of
/// the orbit.
struct Symmetric {
  struct Step {
    std::uint32_t orbit;
    std::uint32_t shift;
    std::uint64_t weight;
  };
  struct Variable {
    double cap;
    std::vector<Step> steps;
  };
  std::uint32_t order = 1;
  std::vector<std::uint32_t> sizes{};
  std::vector<double> capacities{};
  std::vector<Variable> variables{};
};

Symmetric random_symmetric(std::uint64_t seed) {
  Dice dice(seed);
  Symmetric symmetric{.order = static_cast<std::uint32_t>(dice.between(2, 12))};
  for (std::uint64_t o = dice.between(1, 6); o > 0; --o) {
    std::uint32_t size = 0;
    do size = static_cast<std::uint32_t>(dice.between(1, symmetric.order));
    while (symmetric.order % size != 0);
    symmetric.sizes.push_back(size);
    // Few distinct capacities, so that ties between orbits are common.
    symmetric.capacities.push_back(0.1 * static_cast<double>(dice.between(1, 5)));
  }
  for (std::uint64_t v = dice.between(1, 6); v > 0; --v) {
    auto& variable = symmetric.variables.emplace_back();
    variable.cap = random_cap(dice);
    for (std::uint64_t s = dice.between(1, 4); s > 0; --s) {
      variable.steps.push_back(
          {.orbit = static_cast<std::uint32_t>(dice.between(0, symmetric.sizes.size() - 1)),
           .shift = static_cast<std::uint32_t>(dice.between(0, symmetric.order - 1)),
           .weight = random_weight(dice)});
    }
  }
  return symmetric;
}

MaxMinSystem whole_of(const Symmetric& symmetric) {
  MaxMinSystem system;
  std::vector<std::uint32_t> first;
  for (std::size_t o = 0; o < symmetric.sizes.size(); ++o) {
    first.push_back(static_cast<std::uint32_t>(system.resource_count()));
    for (std::uint32_t i = 0; i < symmetric.sizes[o]; ++i) {
      system.add_resource(symmetric.capacities[o]);
    }
  }
  for (const auto& variable : symmetric.variables) {
    for (std::uint32_t copy = 0; copy < symmetric.order; ++copy) {
      system.add_variable(variable.cap);
      std::map<std::uint32_t, std::uint64_t> weights;
      for (const auto& step : variable.steps) {
        const std::uint32_t place = (copy + step.shift) % symmetric.sizes[step.orbit];
        weights[first[step.orbit] + place] += step.weight;
      }
      for (const auto& [resource, weight] : weights) system.cross(resource, weight);
    }
  }
  return system;
}

/// One variable for all copies; a resource of an orbit of size s is crossed by order / s of them
/// per step.
MaxMinSystem quotient_of(const Symmetric& symmetric) {
  MaxMinSystem system;
  for (const double capacity : symmetric.capacities) system.add_resource(capacity);
  for (const auto& variable : symmetric.variables) {
    system.add_variable(variable.cap);
    std::map<std::uint32_t, std::uint64_t> weights;
    for (const auto& step : variable.steps) {
      weights[step.orbit] += step.weight * (symmetric.order / symmetric.sizes[step.orbit]);
    }
    for (const auto& [resource, weight] : weights) system.cross(resource, weight);
  }
  return system;
}

TEST(MaxMinProperty, ASymmetricSystemEqualsItsQuotientBitForBit) {
  for_each_seed(1000, [](std::uint64_t seed) {
    const Symmetric symmetric = random_symmetric(seed);
    MaxMinSolver whole_solver;
    MaxMinSolver quotient_solver;
    const MaxMinRates& whole = whole_solver.solve(whole_of(symmetric));
    const MaxMinRates& quotient = quotient_solver.solve(quotient_of(symmetric));
    for (std::size_t v = 0; v < whole.rates.size(); ++v) {
      ASSERT_EQ(whole.rates[v], quotient.rates[v / symmetric.order]) << "variable " << v;
    }
    std::size_t r = 0;
    for (std::size_t o = 0; o < symmetric.sizes.size(); ++o) {
      for (std::uint32_t i = 0; i < symmetric.sizes[o]; ++i) {
        ASSERT_EQ(whole.loads[r++], quotient.loads[o]) << "orbit " << o;
      }
    }
  });
}

}  // namespace
}  // namespace orrery
