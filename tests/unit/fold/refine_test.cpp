#include "fold/refine.hpp"

#include "base/random.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace orrery {
namespace {

using ::testing::ElementsAre;

using Colours = std::vector<std::uint64_t>;
using Edges = std::vector<RefineEdge>;

void join(Edges& edges, std::uint32_t a, std::uint32_t b, std::uint64_t label = 0) {
  edges.push_back({a, b, label});
  edges.push_back({b, a, label});
}

Edges ring(std::uint32_t nodes) {
  Edges edges;
  for (std::uint32_t i = 0; i < nodes; ++i) join(edges, i, (i + 1) % nodes);
  return edges;
}

/// Rounds of whole signatures until nothing changes.
std::vector<std::uint32_t> refine_naively(const Colours& colours, const Edges& edges) {
  using Signature = std::pair<std::uint64_t, std::vector<std::pair<std::uint64_t, std::uint64_t>>>;
  std::vector<std::uint64_t> classes(colours);
  for (std::size_t round = 0; round <= colours.size(); ++round) {
    std::vector<Signature> signatures(colours.size());
    for (std::size_t i = 0; i < colours.size(); ++i) signatures[i].first = classes[i];
    for (const RefineEdge& e : edges)
      signatures[e.from].second.emplace_back(e.label, classes[e.to]);
    std::map<Signature, std::uint64_t> numbers;
    for (std::size_t i = 0; i < colours.size(); ++i) {
      std::ranges::sort(signatures[i].second);
      classes[i] = numbers.try_emplace(signatures[i], numbers.size()).first->second;
    }
  }
  return {classes.begin(), classes.end()};
}

TEST(Refine, KeepsARingOfEqualsTogether) {
  EXPECT_THAT(refine(Colours(6, 7), ring(6)), ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(Refine, SplitsARingByTheDistanceFromADegradedNode) {
  Colours colours(7, 1);
  colours[2] = 9;

  EXPECT_THAT(refine(colours, ring(7)), ElementsAre(0, 1, 2, 1, 0, 3, 3));
}

TEST(Refine, TellsTheCentreOfAStarFromItsRays) {
  Edges star;
  for (std::uint32_t ray = 1; ray < 5; ++ray) join(star, 0, ray);

  EXPECT_THAT(refine(Colours(5, 0), star), ElementsAre(0, 1, 1, 1, 1));
}

TEST(Refine, CountsNeighboursRatherThanAskingWhetherThereAreAny) {
  const Edges edges{{0, 2, 0}, {1, 2, 0}, {1, 3, 0}};

  EXPECT_THAT(refine(Colours{0, 0, 1, 1}, edges), ElementsAre(0, 1, 2, 2));
}

TEST(Refine, TellsLabelsApart) {
  const Edges edges{{0, 2, 5}, {1, 2, 6}};

  EXPECT_THAT(refine(Colours(3, 0), edges), ElementsAre(0, 1, 2));
}

TEST(Refine, LooksAlongAnEdgeInItsDirectionOnly) {
  const Edges edges{{0, 1, 0}};

  EXPECT_THAT(refine(Colours{0, 1, 1}, edges), ElementsAre(0, 1, 1));
}

TEST(Refine, LeavesTheInitialColoursWhenThereAreNoEdges) {
  EXPECT_THAT(refine(Colours{4, 2, 4}, {}), ElementsAre(0, 1, 0));
  EXPECT_TRUE(refine({}, {}).empty());
}

TEST(Refine, DoesNotDependOnTheOrderOfEdges) {
  Colours colours(40, 1);
  colours[11] = 3;
  Edges edges = ring(40);
  const std::vector<std::uint32_t> expected = refine(colours, edges);

  std::ranges::reverse(edges);

  EXPECT_EQ(refine(colours, edges), expected);
}

TEST(Refine, AgreesWithWholeSignaturesOnRandomGraphs) {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Draw what{.seed = seed, .purpose = Purpose::property_test, .entity = 0};
    const auto nodes = static_cast<std::uint32_t>(1 + draw_below(what, 0, 24));
    Colours colours(nodes);
    for (std::uint32_t i = 0; i < nodes; ++i) colours[i] = draw_below(what, 100 + i, 2);
    Edges edges;
    for (std::uint64_t e = 0; e < draw_below(what, 1, 40); ++e) {
      edges.push_back({static_cast<std::uint32_t>(draw_below(what, 1000 + 3 * e, nodes)),
                       static_cast<std::uint32_t>(draw_below(what, 1001 + 3 * e, nodes)),
                       draw_below(what, 1002 + 3 * e, 2)});
    }

    EXPECT_EQ(refine(colours, edges), refine_naively(colours, edges)) << "seed " << seed;
  }
}

Edges both_ways(const Edges& once) {
  Edges twice = once;
  for (const RefineEdge& edge : once) twice.push_back({edge.to, edge.from, edge.label});
  return twice;
}

TEST(Refine, OfWholeViewsGivesTheNaivePartition) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const Draw what{seed, Purpose::property_test, 1};
    const auto nodes = static_cast<std::uint32_t>(1 + draw_below(what, 0, 24));
    Colours colours(nodes);
    for (std::uint32_t i = 0; i < nodes; ++i) colours[i] = draw_below(what, 100 + i, 2);
    Edges edges;
    for (std::uint64_t e = 0; e < draw_below(what, 1, 30); ++e) {
      edges.push_back({static_cast<std::uint32_t>(draw_below(what, 1000 + 3 * e, nodes)),
                       static_cast<std::uint32_t>(draw_below(what, 1001 + 3 * e, nodes)),
                       draw_below(what, 1002 + 3 * e, 2)});
    }

    EXPECT_EQ(refine(colours, edges, Ways::both), refine_naively(colours, both_ways(edges)))
        << "seed " << seed;
  }
}

TEST(Refine, CountsWhatAHubSeesOfThousands) {
  constexpr std::uint32_t leaves = 3000;
  Colours colours(2 + 2 * leaves, 0);
  Edges edges;
  for (std::uint32_t i = 0; i < 2 * leaves; ++i) {
    colours[2 + i] = 1 + i % 3;
    edges.push_back({i / leaves, 2 + i, 5});
  }
  EXPECT_EQ(refine(colours, edges, Ways::both)[1], 0) << "hubs that see a thousand of each colour";

  colours.back() = 1;
  EXPECT_EQ(refine(colours, edges, Ways::both)[1], 1);
}

TEST(Refine, TakesAnEdgeBothWaysForTwoEdges) {
  Colours colours(9, 1);
  colours[4] = 2;
  Edges once;
  for (std::uint32_t i = 0; i + 1 < 9; ++i) once.push_back({i, i + 1, i % 2});

  EXPECT_EQ(refine(colours, once, Ways::both), refine(colours, both_ways(once)));
  EXPECT_THAT(refine(Colours(2, 1), {{0, 1, 7}}, Ways::both), ElementsAre(0, 0));
  EXPECT_THAT(refine(Colours(2, 1), {{0, 1, 7}}, Ways::one), ElementsAre(0, 1));
}

}  // namespace
}  // namespace orrery
