#include "base/check.hpp"
#include "fuzz/mutate.hpp"
#include "fuzz/program_property.hpp"
#include "unit/program/example.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace orrery {
namespace {

constexpr std::uint64_t mutations = 20'000;

TEST(ProgramSmoke, SurvivesDamagedTexts) {
  for (std::uint64_t seed = 0; seed < mutations; ++seed) {
    const std::string text = fuzz::mutate(std::string(two_stages), seed);
    ASSERT_EQ(fuzz::broken_promise(text), "") << "seed " << seed << "\n" << text;
  }
}

TEST(ProgramSmoke, ReachesBothSidesOfTheParserAndOfVerify) {
  std::array<int, 3> outcomes{};  // refused, read but unsound, sound
  for (std::uint64_t seed = 0; seed < 1'000; ++seed) {
    try {
      const Program program = parse_program(fuzz::mutate(std::string(two_stages), seed));
      ++outcomes[verify(program).empty() ? 2 : 1];
    } catch (const InvalidScenario&) {
      ++outcomes[0];
    }
  }
  EXPECT_GT(*std::ranges::min_element(outcomes), 20);
}

/// The canary: a fault that is certainly there must be found, or the search finds nothing.
TEST(ProgramSmokeDeath, FindsAFaultThatWasPlanted) {
  const auto search = [] {
    for (std::uint64_t seed = 0; seed < mutations; ++seed) {
      try {
        const Program program = parse_program(fuzz::mutate(std::string(two_stages), seed));
        for (const Resource& r : program.resources) CHECK(r.count < 1'000'000'000, seed);
      } catch (const InvalidScenario&) {
      }
    }
  };
  EXPECT_EXIT(search(), testing::ExitedWithCode(3), "r.count");
}

}  // namespace
}  // namespace orrery
