// Rail-optimised networks with and without PXN: what is bound for another rail either goes over
// NVLink to the GPU beside that rail's adapter, or over the spines.
#include "support/alone.hpp"
#include "support/clusters.hpp"
#include "support/shapes.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;
using namespace orrery::literals;

Cluster railed(bool pxn, double oversubscription = 1.0) {
  SettingsNode file = switched_nodes(8, rails(4));
  file.set("scale_out.pxn", {pxn, {}, {}});
  file.set("scale_out.oversubscription", {oversubscription, {}, {}});
  return make_cluster(file, 64);  // two units of four nodes
}

TEST(Pxn, KeepsAnAllToAllOfOneUnitOffTheSpines) {
  for (const bool pxn : {true, false}) {
    const Cluster cluster = railed(pxn);
    const Shape shape = shape_of("direct", CollectiveKind::all_to_all, first_gpus(32), cluster);

    // Seven of eight targets are on another rail: of 24 / 32 of the size, over 4 trunks' worth.
    const double expected = pxn ? 0.0 : 4.0 * 24 / 32 * 7 / 8;
    EXPECT_NEAR(most_crossing(shape, LinkKind::leaf_spine, cluster), expected, 1e-9) << pxn;
  }
}

TEST(Pxn, AddsAHopOverNvlink) {
  const Cluster with = railed(true);
  const Cluster without = railed(false);
  const std::vector<VertexId> pair{gpu(1), gpu(8 + 5)};
  const Shape over_nvlink = shape_of("send", CollectiveKind::send_recv, pair, with);
  const Shape over_spine = shape_of("send", CollectiveKind::send_recv, pair, without);

  EXPECT_DOUBLE_EQ(most_crossing(over_nvlink, LinkKind::nvlink, with), 1.0);
  EXPECT_DOUBLE_EQ(most_crossing(over_nvlink, LinkKind::leaf_spine, with), 0.0);
  EXPECT_DOUBLE_EQ(most_crossing(over_spine, LinkKind::nvlink, without), 0.0);
  EXPECT_DOUBLE_EQ(most_crossing(over_spine, LinkKind::leaf_spine, without), 1.0);
}

TEST(Pxn, SparesOversubscribedSpines) {
  const auto seconds = [](bool pxn, std::size_t members) {
    return alone({CollectiveKind::all_to_all, 256_MiB, first_gpus(members)}, railed(pxn, 4.0));
  };
  const double size = 268435456.0;

  // In one unit adapters decide with it, trunks of a quarter of their rate without it.
  EXPECT_NEAR(seconds(true, 32), 24.0 / 32 * size / 50e9, 1e-5);
  EXPECT_NEAR(seconds(false, 32), 24.0 / 32 * 7 / 8 * size / (50e9 / 4), 1e-5);
  // Between units every byte passes the spines in any case.
  EXPECT_NEAR(seconds(true, 64), 0.5 * size / (50e9 / 4), 1e-5);
}

}  // namespace
}  // namespace orrery
