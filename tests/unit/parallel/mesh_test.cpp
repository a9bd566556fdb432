#include "parallel/mesh.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>

namespace orrery {
namespace {

Strategy strategy(std::int64_t tp, std::int64_t ep, std::int64_t dp, std::int64_t pp) {
  Strategy s;
  s.tp = tp;
  s.ep = ep;
  s.dp = dp;
  s.pp = pp;
  return s;
}

std::vector<std::size_t> numbers(const std::vector<RankId>& ranks) {
  std::vector<std::size_t> out;
  for (const RankId rank : ranks) out.push_back(index_of(rank));
  return out;
}

TEST(Mesh, TensorNeighboursAreNeighbouringRanks) {
  const Mesh mesh(strategy(2, 1, 4, 2));

  EXPECT_EQ(numbers(mesh.groups(GroupAxis::tp).front()), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(mesh.at(id_at<RankId>(3)).dp, 1);
  EXPECT_EQ(mesh.at(id_at<RankId>(8)).pp, 1);
}

TEST(Mesh, ReplicasOfBothCopiesOfTheWeightsStandTogether) {
  Strategy two = strategy(1, 2, 2, 4);
  two.schedule = "dualpipe";
  const Mesh mesh(two);

  // Ranks 2r and 2r+1 are stage r: stages 1 and 2 hold each other's weights.
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::dp)[1]), (std::vector<std::size_t>{2, 3, 4, 5}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::expert_dp)[1]), (std::vector<std::size_t>{1, 7}));
  EXPECT_EQ(mesh.group_size(GroupAxis::dp), 4);
  EXPECT_EQ(mesh.home_stage(GroupAxis::dp, 3), 0);
  EXPECT_EQ(mesh.home_stage(GroupAxis::ep, 3), 3);
}

TEST(Mesh, ExpertsAreFoldedIntoTheDataParallelRanks) {
  const Mesh mesh(strategy(1, 4, 8, 1));

  EXPECT_EQ(numbers(mesh.groups(GroupAxis::ep).back()), (std::vector<std::size_t>{4, 5, 6, 7}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::expert_dp).front()), (std::vector<std::size_t>{0, 4}));
  EXPECT_EQ(mesh.group_size(GroupAxis::dp), 8);
}

TEST(Mesh, SharesAreDividedOverNeighboursAndReplicatedAcrossThem) {
  Strategy s = strategy(1, 2, 8, 1);
  s.dp_replicate = 2;
  const Mesh mesh(s);
  using Ranks = std::vector<std::size_t>;

  EXPECT_EQ(numbers(mesh.groups(GroupAxis::dp_shard).front()), (Ranks{0, 1, 2, 3}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::dp_replicate).front()), (Ranks{0, 4}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::expert_dp_shard).front()), (Ranks{0, 2}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::expert_dp_replicate).front()), (Ranks{0, 4}));
}

TEST(Mesh, TheOrderSaysWhoIsNextToWhom) {
  Strategy s = strategy(2, 1, 2, 2);
  s.order = "dp-tp-cp-ep-pp";
  const Mesh mesh(s);

  EXPECT_EQ(numbers(mesh.groups(GroupAxis::dp).front()), (std::vector<std::size_t>{0, 1}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::tp).front()), (std::vector<std::size_t>{0, 2}));
}

/// All axes along which groups divide the ranks.
constexpr std::array axes = {GroupAxis::tp,
                             GroupAxis::cp,
                             GroupAxis::cp_a2a,
                             GroupAxis::cp_p2p,
                             GroupAxis::dp,
                             GroupAxis::ep,
                             GroupAxis::etp,
                             GroupAxis::expert_dp,
                             GroupAxis::model,
                             GroupAxis::dp_shard,
                             GroupAxis::dp_replicate,
                             GroupAxis::expert_dp_shard,
                             GroupAxis::expert_dp_replicate};

void expect_partition(const Mesh& mesh, GroupAxis axis) {
  std::set<std::size_t> seen;
  for (const auto& group : mesh.groups(axis)) {
    ASSERT_EQ(static_cast<std::int64_t>(group.size()), mesh.group_size(axis)) << to_string(axis);
    for (const RankId rank : group) {
      ASSERT_TRUE(seen.insert(index_of(rank)).second) << to_string(axis);
      const bool within = axis == GroupAxis::model;
      ASSERT_TRUE(within || mesh.stage_of(rank) == mesh.stage_of(group.front()));
    }
  }
  EXPECT_EQ(seen.size(), mesh.size()) << to_string(axis);
}

TEST(Mesh, EveryOrderDividesTheRanksIntoGroupsOfOneStage) {
  std::array<std::string, 5> order = {"cp", "dp", "ep", "pp", "tp"};
  do {
    Strategy s = strategy(2, 8, 4, 3);
    s.cp = 4;
    s.etp = 2;
    s.dp_replicate = 2;
    s.cp_comm_type = "a2a+p2p";
    s.hierarchical_context_parallel_sizes = {2, 2};
    s.order = fmt::format("{}", fmt::join(order, "-"));
    const Mesh mesh(s);
    for (const GroupAxis axis : axes) expect_partition(mesh, axis);
    ASSERT_FALSE(testing::Test::HasFailure()) << s.order;
  } while (std::ranges::next_permutation(order).found);
}

TEST(Mesh, CoordinatesFindTheirRankAgain) {
  const Mesh mesh(strategy(2, 2, 4, 3));
  for (std::size_t i = 0; i < mesh.size(); ++i) {
    EXPECT_EQ(index_of(mesh.rank_at(mesh.at(id_at<RankId>(i)))), i);
  }
}

TEST(Mesh, CountsExpertsOverTheRanksOfAStageWhereverItsDigitIs) {
  Strategy s = strategy(2, 4, 8, 3);
  s.order = "tp-pp-cp-ep-dp";
  const Mesh mesh(s);

  // Stage 1 holds ranks 2, 3, 8, 9, 14, …: its number 4, rank 14, begins the next four experts.
  EXPECT_EQ(mesh.at(id_at<RankId>(14)).pp, 1);
  EXPECT_EQ(mesh.at(id_at<RankId>(9)).ep, 3);
  EXPECT_EQ(mesh.at(id_at<RankId>(14)).ep, 0);
  EXPECT_EQ(mesh.at(id_at<RankId>(14)).expert_dp, 1);
}

TEST(Mesh, NeighboursInContextExchangeHeadsAndRingsCrossTheirGroups) {
  Strategy s = strategy(1, 1, 1, 1);
  s.cp = 8;
  s.cp_comm_type = "a2a+p2p";
  s.hierarchical_context_parallel_sizes = {4, 2};
  const Mesh mesh(s);

  EXPECT_EQ(numbers(mesh.groups(GroupAxis::cp_a2a).back()), (std::vector<std::size_t>{4, 5, 6, 7}));
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::cp_p2p).front()), (std::vector<std::size_t>{0, 4}));
}

TEST(Mesh, TheEmbeddingIsSharedByTheFirstAndTheLastStage) {
  const Mesh mesh(strategy(1, 1, 1, 4));

  ASSERT_EQ(mesh.groups(GroupAxis::embedding).size(), 1U);
  EXPECT_EQ(numbers(mesh.groups(GroupAxis::embedding).front()), (std::vector<std::size_t>{0, 3}));
}

}  // namespace
}  // namespace orrery
