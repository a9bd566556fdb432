#include "workload/routing_trace.hpp"

#include <gmock/gmock.h>

namespace orrery {
namespace {

using ::testing::HasSubstr;

/// Three layers of which the first is dense; four experts, of which a token picks two.
Model small() {
  Model model;
  model.name = "small";
  model.layers = 3;
  model.experts = Experts{.experts = 4, .top_k = 2, .dense_layers = 1};
  return model;
}

struct Read {
  Read(std::string_view text, std::optional<std::int64_t> step = {}) {
    trace = parse_routing_trace(text, "trace.csv", step, small(), findings);
  }
  std::string first() const {
    return findings.all().empty() ? "" : to_string(findings.all().front());
  }

  RoutingTrace trace;
  Diagnostics findings;
};

TEST(RoutingTrace, HoldsTheCountsOfEveryLayerWithExperts) {
  const Read read("layer,a,b,c,d\n1,4,3,2,1\n2,1,1,1,1\n");

  EXPECT_EQ(read.first(), "");
  EXPECT_EQ(read.trace.at(1), (std::vector<std::int64_t>{4, 3, 2, 1}));
  EXPECT_EQ(read.trace.size(), 2U);
}

TEST(RoutingTrace, ReadsTheStepThatIsAskedForAndElseTheFirst) {
  const std::string text =
      "step,layer,a,b,c,d\n10,1,4,3,2,1\n10,2,1,1,1,1\n20,1,0,1,1,2\n20,2,1,1,1,1\n";

  EXPECT_EQ(Read(text).trace.at(1).front(), 4);
  EXPECT_EQ(Read(text, 20).trace.at(1).front(), 0);
  EXPECT_THAT(Read(text, 15).first(), HasSubstr("there is no row for layer 1 of step 15"));
}

TEST(RoutingTrace, SaysWhereItIsWrongAndWhy) {
  EXPECT_THAT(Read("expert,a\n").first(), HasSubstr("trace.csv:1:1: error: a trace begins with"));
  EXPECT_THAT(Read("layer,a,b,c\n").first(), HasSubstr("columns for 3 experts; small has 4"));
  EXPECT_THAT(Read("layer,a,b,c,d\n0,1,1,1,1\n").first(),
              HasSubstr("trace.csv:2:1: error: layer 0 of small has no experts"));
  EXPECT_THAT(Read("layer,a,b,c,d\n1,1,x,1,1\n").first(),
              HasSubstr("trace.csv:2:5: error: 'x' is no whole number"));
  EXPECT_THAT(Read("layer,a,b,c,d\n1,1,1,-1,1\n").first(), HasSubstr("trace.csv:2:7: error: '-1'"));
  EXPECT_THAT(Read("layer,a,b,c,d\n1,0,0,0,0\n").first(), HasSubstr("layer 1 has no picks"));
  EXPECT_THAT(Read("layer,a,b,c,d\n1,1,1,1,1\n1,1,1,1,1\n").first(),
              HasSubstr("trace.csv:3:1: error: a second row for layer 1"));
  EXPECT_THAT(Read("layer,a,b,c,d\n1,1,1,1,1\n").first(),
              HasSubstr("there is no row for layer 2; wanted one for every layer with experts"));
}

TEST(RoutingTrace, RefusesAnExpertThatATokenWouldPickTwice) {
  EXPECT_THAT(Read("layer,a,b,c,d\n1,3,1,0,0\n").first(),
              HasSubstr("trace.csv:2:3: error: 3 of 4 picks are of one expert; a token picks 2"));
}

}  // namespace
}  // namespace orrery
