#include "parallel/expert_load.hpp"

#include "parallel/shard.hpp"
#include "support/seeds.hpp"
#include "unit/workload/examples.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace orrery {
namespace {

using ::testing::DoubleEq;
using ::testing::ElementsAre;

/// One layer of four experts on two ranks, of which each token picks two, as recorded.
struct Given {
  Given() {
    model.name = "small";
    model.layers = 1;
    model.hidden = 64;
    model.experts = Experts{.experts = 4, .top_k = 2, .expert_ffn = 128};
    job.routing.kind = RoutingKind::trace;
    job.routing.trace[0] = {40, 30, 20, 10};
    strategy.ep = 2;
    strategy.dp = 2;
  }
  LayerLoad load(double copies = 50.0) const {
    return expert_loads({model, strategy, job, {}}, copies).at(0);
  }

  Model model;
  Job job;
  Strategy strategy;
};

std::vector<std::int64_t> rank_rows(const LayerLoad& load) {
  std::vector<std::int64_t> rows;
  for (std::int64_t rank = 0; rank < load.ranks; ++rank) rows.push_back(load.rank_rows(rank));
  return rows;
}

TEST(ExpertLoad, OfARankIsThatOfItsExperts) {
  const LayerLoad load = Given().load();

  EXPECT_EQ(load.picked, 100);
  EXPECT_THAT(rank_rows(load), ElementsAre(70, 30));
  EXPECT_THAT(load.shares(), ElementsAre(DoubleEq(0.7), DoubleEq(0.3)));
  EXPECT_DOUBLE_EQ(load.imbalance(), 1.4);
  EXPECT_DOUBLE_EQ(load.over_even(1), 0.6);
  EXPECT_EQ(load.fullest_expert, 40);
}

TEST(ExpertLoad, DropsWhatIsAboveCapacityAndCountsIt) {
  Given given;
  // The mean is 25; each of two senders may send an expert 13.
  given.job.routing.capacity_factor = 1.0;
  const LayerLoad load = given.load();

  EXPECT_EQ(load.dropped, (40 - 26) + (30 - 26));
  EXPECT_EQ(load.padded, 0);
  EXPECT_THAT(rank_rows(load), ElementsAre(52, 30));
  EXPECT_DOUBLE_EQ(load.sent(), 0.82);
}

TEST(ExpertLoad, PadsEveryExpertToItsCapacity) {
  Given given;
  given.job.routing.capacity_factor = 1.0;
  given.job.routing.pad_to_capacity = true;
  const LayerLoad load = given.load();

  EXPECT_THAT(load.slot_rows, ElementsAre(26, 26, 26, 26));
  EXPECT_EQ(load.picked + load.padded, load.dropped + load.all_rows());
  EXPECT_DOUBLE_EQ(load.imbalance(), 1.0);
}

TEST(ExpertLoad, OfReplicasIsShared) {
  Given given;
  given.strategy.redundant_experts = 2;
  given.strategy.expert_placement = ExpertPlacement::balanced;
  const LayerLoad load = given.load();

  // 40, 30, 20, 10 with a second slot for the first two: 20, 20, 15, 15, 20, 10.
  EXPECT_EQ(std::ssize(load.slot_expert), 6);
  EXPECT_THAT(rank_rows(load), ElementsAre(50, 50));
}

TEST(ExpertLoad, IsNoneWhereRoutingIsEven) {
  Given given;
  given.job.routing.kind = RoutingKind::forced;

  EXPECT_TRUE(expert_loads({given.model, given.strategy, given.job, {}}, 50.0).empty());
}

TEST(ExpertLoad, LosesNoRow) {
  for_each_seed(100, [](std::uint64_t seed) {
    Dice dice(seed);
    Given given;
    given.model.layers = 3;
    given.model.experts->experts = 24;
    given.model.experts->top_k = static_cast<std::int64_t>(dice.between(1, 6));
    given.job.routing = {.kind = static_cast<RoutingKind>(dice.between(0, 3)), .seed = seed};
    given.job.routing.capacity_factor = dice.chance(0.5) ? dice.real(0.5, 2.0) : 0.0;
    given.job.routing.pad_to_capacity = given.job.routing.capacity_factor > 0.0 && dice.chance(0.5);
    given.strategy.ep = static_cast<std::int64_t>(1) << dice.between(0, 3);
    given.strategy.redundant_experts = dice.chance(0.5) ? 8 : 0;
    given.strategy.expert_placement = given.strategy.redundant_experts > 0
                                          ? ExpertPlacement::balanced
                                          : ExpertPlacement::in_order;
    for (const LayerLoad& load :
         expert_loads({given.model, given.strategy, given.job, {}}, dice.real(1.0, 1e5))) {
      const auto rows =
          std::accumulate(load.slot_rows.begin(), load.slot_rows.end(), std::int64_t{0});
      EXPECT_EQ(load.picked + load.padded, load.dropped + rows);
      EXPECT_EQ(rows, load.all_rows());
      const std::vector<double> shares = load.shares();
      EXPECT_NEAR(std::accumulate(shares.begin(), shares.end(), 0.0), 1.0, 1e-12);
      EXPECT_GE(load.imbalance(), 1.0);
    }
  });
}

/// What a rank has of a layer follows from its rows: activations of the fullest are the largest.
TEST(Shard, GivesTheFullestRankTheMostToKeep) {
  Given given;
  given.model = deepseek();
  given.job = training(4096);
  given.job.routing.kind = RoutingKind::zipf;
  given.strategy.ep = 8;
  given.strategy.dp = 8;
  const Software software = fused_software();
  const PlanInput input{given.model, software, given.job, given.strategy};
  const auto loads =
      expert_loads({given.model, given.strategy, given.job, {}}, expert_copies(input));
  const LayerLoad& load = loads.at(10);
  const auto ops = layer_ops({given.model, software, 10, given.job, {"alltoall", 8}});
  const LayerPlan even = plan_layer("layer", ops, Recomputable::yes, input);
  Bytes least = even.saved;
  Bytes most = even.saved;
  for (std::int64_t rank = 0; rank < 8; ++rank) {
    const LayerPlan plan = plan_layer("layer", ops, Recomputable::yes, input, {&load, rank});
    least = std::min(least, plan.saved);
    most = std::max(most, plan.saved);
    EXPECT_EQ(plan.saved > even.saved, load.over_even(rank) > 1.0);
    EXPECT_EQ(plan.expert_parameters, even.expert_parameters);
  }
  EXPECT_LT(least, even.saved);
  EXPECT_GT(most, even.saved);
}

TEST(Shard, HoldsReplicasOfExperts) {
  Given given;
  given.model = deepseek();
  given.strategy.ep = 32;
  given.strategy.dp = 32;
  const Software software = fused_software();
  given.job = training(4096);
  const auto ops = layer_ops({given.model, software, 10, given.job, {"alltoall", 32}});
  const LayerPlan without = plan_layer("layer", ops, Recomputable::yes,
                                       {given.model, software, given.job, given.strategy});
  given.strategy.redundant_experts = 32;
  const LayerPlan with = plan_layer("layer", ops, Recomputable::yes,
                                    {given.model, software, given.job, given.strategy});

  EXPECT_DOUBLE_EQ(with.expert_parameters, without.expert_parameters * 288.0 / 256.0);
  EXPECT_EQ(with.dense_parameters, without.dense_parameters);
}

}  // namespace
}  // namespace orrery
