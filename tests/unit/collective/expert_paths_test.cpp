// What dispatches cross, against the counting of distinct nodes and ranks.
#include "collective/collective.hpp"
#include "support/clusters.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace orrery {
namespace {

using namespace orrery::testing;

constexpr double one = 4294967296.0;
/// Weights of unequal transfers are whole units of 2^-32 of an average one.
constexpr double weight_rounding = 1e-8;

Shape shape_of(const char* algorithm, CollectiveKind kind, std::size_t members,
               const TokenSpread& spread) {
  static const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);
  return find_collective_algorithm(algorithm)->shape(kind, first_gpus(members), cluster,
                                                     ShapeOptions(Steps::bundled, spread));
}

/// Per byte of size, over the links of one kind that lead away from a GPU, or to it.
double crossing(const Shape& shape, std::size_t index, LinkKind kind, bool away = true) {
  static const Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 32);
  double bytes = 0.0;
  for (const BundleShape& bundle : shape.phases.front().bundles) {
    for (const LinkCrossing& c : bundle.crossings) {
      const Link& link = cluster.link(c.link);
      if (link.kind != kind || (away ? link.source : link.target) != gpu(index)) continue;
      bytes += bundle.volume * static_cast<double>(c.weight) / one;
    }
  }
  return bytes;
}

double sent(const Shape& shape, std::size_t members) {
  double bytes = 0.0;
  for (const BundleShape& b : shape.phases.front().bundles) bytes += b.volume * b.transfers;
  return bytes / static_cast<double>(members);
}

const TokenSpread deepseek{.top_k = 8, .experts = 256};

TEST(Deepep, CrossesTheNetworkOncePerDistinctNode) {
  const Shape shape = shape_of("deepep", CollectiveKind::dispatch, 32, deepseek);

  // Of 4 (1 - C(192,8)/C(256,8)) nodes that a token meets three in four are others, of 8 copies.
  const double nodes = deepseek.members_met(4);
  EXPECT_NEAR(nodes, 4.0 * (1.0 - std::pow(0.75, 8)), 0.02);
  EXPECT_NEAR(crossing(shape, 5, LinkKind::pcie), nodes * 0.75 / 8.0, 1e-12);
}

TEST(Deepep, FansOutOncePerDistinctMember) {
  const Shape shape = shape_of("deepep", CollectiveKind::dispatch, 32, deepseek);

  // What arrives from four senders goes to each of seven others with the chance of one in 32.
  const double copies = 4.0 * 7.0 * deepseek.chance(1.0 / 32.0) / 8.0;
  EXPECT_NEAR(crossing(shape, 5, LinkKind::nvlink), copies, 1e-12);
}

TEST(Deepep, BringsResultsBackTheSameWay) {
  const Shape to = shape_of("deepep", CollectiveKind::dispatch, 32, deepseek);
  const Shape back = shape_of("deepep", CollectiveKind::combine, 32, deepseek);

  for (const LinkKind kind : {LinkKind::nvlink, LinkKind::pcie}) {
    EXPECT_DOUBLE_EQ(crossing(to, 3, kind), crossing(back, 3, kind, false));
  }
  EXPECT_DOUBLE_EQ(to.sent_per_member, back.sent_per_member);
}

TEST(Deepep, SendsLessThanEveryCopyAndSaysHowMuch) {
  for (const std::size_t members : {8, 12, 32}) {
    const Shape shape = shape_of("deepep", CollectiveKind::dispatch, members, deepseek);

    EXPECT_NEAR(shape.sent_per_member, sent(shape, members), 1e-12) << members;
  }
  const Shape node = shape_of("deepep", CollectiveKind::dispatch, 8, deepseek);
  EXPECT_NEAR(node.sent_per_member, 7.0 / 8.0 * deepseek.members_met(8) / 8.0, 1e-12);
}

TEST(DeepepLowLatency, SendsEveryCopyByItself) {
  const Shape shape = shape_of("deepep_low_latency", CollectiveKind::dispatch, 32, deepseek);

  EXPECT_NEAR(crossing(shape, 5, LinkKind::pcie), 24.0 / 32.0, 1e-12);
  EXPECT_NEAR(shape.sent_per_member, 31.0 / 32.0, 1e-12);
}

TEST(Direct, SendsEachMemberTheShareThatItsExpertsArePickedFor) {
  TokenSpread skewed{.top_k = 2, .experts = 8, .shares = {0.4, 0.2, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0}};
  const Shape to = shape_of("direct", CollectiveKind::dispatch, 8, skewed);
  const Shape back = shape_of("direct", CollectiveKind::combine, 8, skewed);

  // The hottest takes 0.4 from each of seven; of 0.4 + 0.2 + … the rest leaves its own GPU.
  EXPECT_NEAR(crossing(to, 0, LinkKind::nvlink, false), 7.0 * 0.4, weight_rounding);
  EXPECT_NEAR(crossing(to, 0, LinkKind::nvlink), 0.6, weight_rounding);
  EXPECT_NEAR(crossing(back, 0, LinkKind::nvlink), 7.0 * 0.4, weight_rounding);
  EXPECT_NEAR(to.sent_per_member, sent(to, 8), 1e-12);
}

TEST(Direct, MovesUnequalPartsTogetherInProportion) {
  TokenSpread skewed{.top_k = 2, .experts = 8, .shares = {0.4, 0.2, 0.2, 0.1, 0.1, 0.0, 0.0, 0.0}};
  const Shape node = shape_of("direct", CollectiveKind::dispatch, 8, skewed);

  ASSERT_EQ(node.phases.front().bundles.size(), 1U);
  // Of every member all but its own part leaves: 8 − 1 parts of the whole on average.
  EXPECT_NEAR(node.sent_per_member, 7.0 / 8.0, 1e-12);
}

TEST(Deepep, OfEqualSharesIsAsWithoutThem) {
  TokenSpread equal = deepseek;
  equal.shares.assign(32, 1.0 / 32.0);
  const Shape with = shape_of("deepep", CollectiveKind::dispatch, 32, equal);
  const Shape without = shape_of("deepep", CollectiveKind::dispatch, 32, deepseek);

  EXPECT_NEAR(with.sent_per_member, without.sent_per_member, 1e-12);
  EXPECT_NEAR(crossing(with, 7, LinkKind::pcie), crossing(without, 7, LinkKind::pcie),
              weight_rounding);
}

}  // namespace
}  // namespace orrery
