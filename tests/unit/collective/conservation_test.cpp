#include "collective/conservation.hpp"

#include "support/clusters.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::literals;
using namespace orrery::testing;

const CollectiveAlgorithm& algorithm(const char* name) { return *find_collective_algorithm(name); }

/// Sixteen GPUs on two nodes.
struct TwoNodes {
  Cluster cluster = make_cluster(switched_nodes(8, rails(32)), 16);
  std::vector<VertexId> members = first_gpus(16);

  Shape shape(CollectiveKind kind, const char* name) const {
    return algorithm(name).shape(kind, members, cluster, Steps::bundled);
  }
  void check(CollectiveKind kind, const Shape& shape) const {
    check_conservation(kind, shape, members, cluster);
  }
};

const auto fault = ::testing::ExitedWithCode(3);

TEST(Conservation, HoldsForEveryAlgorithmOnOneNodeAndOnSeveral) {
  SettingsNode file = switched_nodes(8, rails(2));
  file.set("scale_out.in_network_reduction", {true, {}, {}});
  const Cluster cluster = make_cluster(file, 40);
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    for (const std::size_t count : {2U, 8U, 16U, 32U, 37U}) {
      const std::vector<VertexId> members = first_gpus(count);
      for (std::size_t k = 0; k <= static_cast<std::size_t>(CollectiveKind::send_recv); ++k) {
        const auto kind = static_cast<CollectiveKind>(k);
        if (!algorithm->applicable(kind, members, cluster)) continue;
        for (const Steps steps : {Steps::bundled, Steps::explicit_steps}) {
          check_conservation(kind, algorithm->shape(kind, members, cluster, steps), members,
                             cluster);
        }
      }
    }
  }
}

TEST(Conservation, CountsWhatAGpuHandsOverOnce) {
  const TwoNodes nodes;  // with PXN, most of what leaves a node passes a second GPU
  const Shape all_to_all = nodes.shape(CollectiveKind::all_to_all, "direct");

  EXPECT_NEAR(port_bytes(all_to_all, nodes.cluster).sent, 15.0, 1e-9);
  EXPECT_NEAR(port_bytes(all_to_all, nodes.cluster).received, 15.0, 1e-9);
}

TEST(Conservation, FindsATransferThatIsMissing) {
  const TwoNodes nodes;
  Shape ring = nodes.shape(CollectiveKind::all_gather, "ring");
  --ring.phases[0].bundles[0].transfers;

  EXPECT_EXIT(nodes.check(CollectiveKind::all_gather, ring), fault, "all_gather");
}

TEST(Conservation, FindsALinkThatIsMissing) {
  const TwoNodes nodes;
  Shape pairs = nodes.shape(CollectiveKind::all_to_all, "direct");
  auto& crossings = pairs.phases[0].bundles[0].crossings;
  crossings.erase(crossings.begin());

  EXPECT_EXIT(nodes.check(CollectiveKind::all_to_all, pairs), fault, "all_to_all");
}

TEST(Conservation, FindsAFormulaThatSaysLessThanTheOperationNeeds) {
  const TwoNodes nodes;
  Shape ring = nodes.shape(CollectiveKind::all_reduce, "ring");
  ring.sent_per_member /= 2.0;
  ring.phases[0].bundles[0].volume /= 2.0;

  EXPECT_EXIT(nodes.check(CollectiveKind::all_reduce, ring), fault, "needed");
}

TEST(Conservation, FindsAPlanThatMovesAPhaseTwice) {
  const TwoNodes nodes;
  const Shape ring = nodes.shape(CollectiveKind::all_gather, "ring");
  const Choice choice;
  const TransferPlanRequest request{.shape = ring,
                                    .choice = choice,
                                    .kind = CollectiveKind::all_gather,
                                    .size = 4096_B,
                                    .members = 16};
  TransferPlan plan = make_transfer_plan(request);
  check_conservation(request, plan);
  plan.phases.push_back(plan.phases.front());

  EXPECT_EXIT(check_conservation(request, plan), fault, "moved");
}

}  // namespace
}  // namespace orrery
