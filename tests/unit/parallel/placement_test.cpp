#include "parallel/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;

std::vector<std::int64_t> first_gpus(std::int64_t count, const Outage& outage) {
  std::vector<std::int64_t> gpus;
  for (std::int64_t i = 0; i < count; ++i) gpus.push_back(nth_gpu(i, outage));
  return gpus;
}

TEST(Placement, NumbersGpusAsTheyCome) {
  EXPECT_THAT(first_gpus(4, {.gpus_per_node = 2}), ElementsAre(0, 1, 2, 3));
}

TEST(Placement, SkipsNodesThatAreOutOfService) {
  EXPECT_THAT(first_gpus(6, {.gpus_per_node = 2, .nodes = {0, 2, 3}}),
              ElementsAre(2, 3, 8, 9, 10, 11));
}

TEST(Placement, OfAMeshPutsRanksSideBySide) {
  Strategy strategy;
  strategy.tp = 2;
  strategy.dp = 2;

  EXPECT_THAT(place(Mesh(strategy), {.gpus_per_node = 2, .nodes = {1}}),
              ElementsAre(VertexId{0}, VertexId{1}, VertexId{4}, VertexId{5}));
}

}  // namespace
}  // namespace orrery
