#include "cluster/names.hpp"

#include "support/clusters.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::gpu;

const std::vector<VertexRange> ranges{
    {0, 6, VertexKind::gpu, "node[#].gpu[#]", {3, 2}},
    {6, 1, VertexKind::network_switch, "spine", {}},
    {7, 8, VertexKind::network_switch, "pod[#].unit[#].leaf[#]", {2, 2, 2}},
};

TEST(Names, CountTheLastPlaceFastest) {
  EXPECT_EQ(name_of(ranges, gpu(3)), "node[1].gpu[1]");
  EXPECT_EQ(name_of(ranges, gpu(6)), "spine");
  EXPECT_EQ(name_of(ranges, gpu(7 + 5)), "pod[1].unit[0].leaf[1]");
}

TEST(Names, LeadBackToTheirVertices) {
  for (std::size_t v = 0; v < 15; ++v)
    EXPECT_EQ(find_vertex(ranges, name_of(ranges, gpu(v))), gpu(v));
}

TEST(Names, ThatAreNobodysLeadNowhere) {
  for (const char* name :
       {"node[3].gpu[0]", "node[0].gpu[2]", "node[0].gpu[0]x", "spines", "", "node[x].gpu[0]"}) {
    EXPECT_FALSE(find_vertex(ranges, name)) << name;
  }
}

TEST(Names, OfLinksSayBothEnds) {
  const Cluster cluster = testing::make_cluster(testing::switched_nodes(2, testing::rails(4)), 4);

  EXPECT_EQ(cluster.name(cluster.route(gpu(0), gpu(1)).crossings.front().link),
            "node[0].gpu[0] → node[0].nvswitch");
}

}  // namespace
}  // namespace orrery
