#include "workload/routing.hpp"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

namespace orrery {
namespace {

using ::testing::HasSubstr;

using Value = decltype(SettingsNode::value);
using Keys = std::vector<std::pair<std::string, Value>>;

struct Read {
  explicit Read(const Keys& keys) {
    tree.value = SettingsTable{};
    tree.set("routing", {SettingsTable{}, {}, {}});
    for (const auto& [key, value] : keys) tree.set("routing." + key, {value, {}, {}});
    routing = read_routing(Settings(tree, findings, "workload"));
  }
  std::string first() const { return findings.all().empty() ? "" : findings.all().front().message; }

  SettingsNode tree;
  Diagnostics findings;
  Routing routing;
};

TEST(Routing, IsUniformUnlessItSaysOtherwise) {
  EXPECT_EQ(Read({}).routing.kind, RoutingKind::uniform);
  EXPECT_FALSE(Read({}).routing.even());
}

TEST(Routing, ReadsTheParametersOfItsLaw) {
  const Read zipf({{"kind", "zipf"}, {"exponent", 1.5}, {"seed", std::int64_t{7}}});
  EXPECT_EQ(zipf.first(), "");
  EXPECT_EQ(zipf.routing.exponent, 1.5);
  EXPECT_EQ(zipf.routing.seed, 7U);

  const Read dirichlet({{"kind", "dirichlet"}, {"concentration", 0.25}});
  EXPECT_EQ(dirichlet.routing.concentration, 0.25);
}

TEST(Routing, RefusesWhatItsLawDoesNotKnow) {
  EXPECT_THAT(Read(Keys{{"kind", "uniform"}, {"exponent", 1.0}}).first(),
              HasSubstr("workload.routing.exponent is of kind = \"zipf\""));
  EXPECT_THAT(Read(Keys{{"kind", "zipf"}, {"trace", "x.csv"}}).first(),
              HasSubstr("workload.routing.trace is of kind = \"trace\""));
  EXPECT_THAT(Read(Keys{{"kind", "trace"}}).first(),
              HasSubstr("workload.routing.trace is missing"));
}

TEST(Routing, SaysOfAnUnknownKindNothingElse) {
  const Read read({{"kind", "zipff"}, {"exponent", 1.5}});

  ASSERT_EQ(read.findings.all().size(), 1U);
  EXPECT_THAT(read.first(), HasSubstr("did you mean 'zipf'?"));
}

TEST(Routing, RefusesParametersOutOfRange) {
  EXPECT_THAT(Read(Keys{{"kind", "zipf"}, {"exponent", 5.0}}).first(),
              HasSubstr("exponent = 5 is not between 0"));
  EXPECT_THAT(Read(Keys{{"kind", "dirichlet"}, {"concentration", 0.0}}).first(),
              HasSubstr("concentration = 0 is not between 0.001"));
  EXPECT_THAT(Read(Keys{{"capacity_factor", -1.0}}).first(), HasSubstr("at least 0"));
  EXPECT_THAT(Read(Keys{{"pad_to_capacity", true}}).first(), HasSubstr("needs a capacity"));
}

TEST(Routing, IsEvenWhenForcedAndNothingIsDroppedOrPadded) {
  EXPECT_TRUE(Read(Keys{{"kind", "forced"}}).routing.even());
  EXPECT_TRUE(Read(Keys{{"kind", "forced"}, {"capacity_factor", 1.0}}).routing.even());
  EXPECT_FALSE(Read(Keys{{"kind", "forced"}, {"capacity_factor", 0.5}}).routing.even());
  EXPECT_FALSE(Read(Keys{{"kind", "forced"}, {"capacity_factor", 2.0}, {"pad_to_capacity", true}})
                   .routing.even());
}

}  // namespace
}  // namespace orrery
