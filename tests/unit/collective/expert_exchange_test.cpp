// Against single kernels of DeepEP and Hybrid-EP (tests/measured/collectives.csv holds more of
// them).
#include "collective/expert_exchange.hpp"

#include "collective/transfer_plan.hpp"
#include "support/alone.hpp"
#include "support/clusters.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

using namespace orrery::testing;

struct Measured {
  const char* algorithm;
  CollectiveKind kind;
  std::size_t members;
  double tokens;
  std::int64_t sms;
  double microseconds;
};

/// Nodes with what DGX H100 nodes carry: 370.8 GB/s and 48.5 GB/s a GPU.
Cluster dgx_h100() {
  SettingsNode file = switched_nodes(8, rails(32));
  file.set("intra_node.bandwidth", {text("370.8 GB/s"), {}, {}});
  file.set("nic.bandwidth", {text("388 Gb/s"), {}, {}});
  return make_cluster(file, 32);
}

double predicted(const Measured& row, const Cluster& cluster) {
  const double width = row.kind == CollectiveKind::dispatch ? 7168 * (1.0 + 4.0 / 128.0) : 14336.0;
  const Bytes size(static_cast<std::int64_t>(row.tokens * 8 * width));
  TokenExchange tokens{.algorithm = row.algorithm,
                       .spread = {.top_k = 8, .experts = 256},
                       .part = TokenExchange::Part::transmission,
                       .sms = row.sms};
  const std::vector<VertexId> members = first_gpus(row.members);
  const Choice choice = choose_expert_exchange(row.kind, tokens, members, cluster);
  const Shape shape = choice.algorithm->shape(row.kind, members, cluster,
                                              ShapeOptions(Steps::bundled, tokens.spread));
  return 1e6 *
         alone(make_transfer_plan({shape, choice, row.kind, size, row.members}), shape, cluster);
}

TEST(ExpertExchange, IsWithinAQuarterOfDeepepOnH100) {
  using enum CollectiveKind;
  const Cluster cluster = dgx_h100();
  const std::vector<Measured> rows{{"deepep", dispatch, 8, 4096, 24, 498.4},
                                   {"deepep", combine, 8, 4096, 24, 960.6},
                                   {"deepep", dispatch, 8, 4096, 12, 754.0},
                                   {"deepep", dispatch, 32, 4096, 24, 1791.0},
                                   {"deepep", combine, 32, 4096, 24, 3522.0},
                                   {"deepep", combine, 16, 4096, 12, 3323.0},
                                   {"deepep", dispatch, 8, 1, 24, 26.2},
                                   {"deepep_low_latency", dispatch, 8, 128, 0, 36.7},
                                   {"deepep_low_latency", combine, 16, 128, 0, 186.2},
                                   {"deepep_low_latency", dispatch, 32, 128, 0, 143.0}};

  for (const Measured& row : rows) {
    EXPECT_NEAR(predicted(row, cluster), row.microseconds, 0.25 * row.microseconds)
        << row.algorithm << " " << to_string(row.kind) << " " << row.members << " " << row.tokens;
  }
}

TEST(ExpertExchange, TakesTheMultiprocessorsItIsGiven) {
  const Cluster cluster = dgx_h100();
  const TokenExchange usual{.algorithm = "deepep", .spread = {.top_k = 8, .experts = 256}};
  TokenExchange few = usual;
  few.sms = 6;
  const auto choose = [&](const TokenExchange& tokens) {
    return choose_expert_exchange(CollectiveKind::dispatch, tokens, first_gpus(32), cluster);
  };

  EXPECT_FLOAT_EQ(choose(usual).sm_share, 20.0F / 132.0F);
  EXPECT_FLOAT_EQ(choose(few).sm_share, 6.0F / 132.0F);
  EXPECT_NEAR(choose(few).rate_cap, choose(usual).rate_cap * 6.0 / 20.0, 1.0);
}

TEST(ExpertExchange, AgreesOnWhoGetsHowManyUnlessOnlyTransmissionCounts) {
  const Cluster cluster = dgx_h100();
  TokenExchange tokens{.algorithm = "hybridep", .spread = {.top_k = 8, .experts = 256}};
  const auto base = [&] {
    return choose_expert_exchange(CollectiveKind::dispatch, tokens, first_gpus(8), cluster)
        .base_latency;
  };
  const Duration whole = base();
  tokens.part = TokenExchange::Part::transmission;

  EXPECT_EQ(whole - base(), quantize(Seconds(55e-6)));
}

}  // namespace
}  // namespace orrery
