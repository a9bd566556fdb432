// Networks drawn link by link, by people who make mistakes.
#include "support/clusters.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

namespace orrery {
namespace {

using namespace orrery::testing;
using ::testing::AllOf;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

SettingsNode end(const std::string& name) { return {name, {"test.toml", 1, 1}, {}}; }

/// A drawing under construction: nodes of two GPUs.
class Drawing {
 public:
  explicit Drawing(std::int64_t nodes, std::initializer_list<Key> rules = {}) : nodes_(nodes) {
    file_ = table({{"name", text("drawn")},
                   {"gpus_per_node", whole(2)},
                   {"nodes", whole(nodes)},
                   {"scale_out", sub({{"fabric", text("custom")}})}});
    for (const Key& rule : rules) file_.set(rule.name, {rule.value, {}, {}});
  }

  Drawing& vertex(const std::string& name) {
    SettingsNode node = table({});
    node.set("name", end(name));
    vertices_.push_back(node);
    return *this;
  }
  Drawing& link(const std::string& source, const std::string& target, Value both_ways = true) {
    SettingsNode node = table({{"bandwidth", text("10 GB/s")}, {"both_ways", both_ways}});
    node.set("source", end(source));
    node.set("target", end(target));
    links_.push_back(node);
    return *this;
  }
  /// A link from every GPU to a vertex.
  Drawing& star(const std::string& hub, Value both_ways = true) {
    for (std::int64_t i = 0; i < 2 * nodes_; ++i) link(gpu_name(i), hub, both_ways);
    return *this;
  }
  static std::string gpu_name(std::int64_t i) {
    return "node[" + std::to_string(i / 2) + "].gpu[" + std::to_string(i % 2) + "]";
  }
  Built build(std::int64_t gpus = 0) const {
    SettingsNode file = file_;
    file.set("vertex", {vertices_, {}, {}});
    file.set("link", {links_, {}, {}});
    return try_cluster(file, gpus == 0 ? 2 * nodes_ : gpus);
  }

 private:
  std::int64_t nodes_;
  SettingsNode file_;
  SettingsArray vertices_;
  SettingsArray links_;
};

std::vector<std::string> said(const Drawing& drawing) {
  const Built built = drawing.build();
  std::vector<std::string> messages;
  for (const Diagnostic& finding : built.findings.all()) {
    messages.push_back(finding.message);
  }
  return messages;
}

const Key forwarding{"scale_out.gpus_forward", Value(true)};

TEST(Drawn, StarJoinsAll) {
  const Built built = Drawing(2).vertex("hub").star("hub").build();

  EXPECT_THAT(built.findings.all(), IsEmpty());
  EXPECT_THAT(built.cluster.route(gpu(0), gpu(3)).crossings, SizeIs(2));
}

TEST(Drawn, DoesNotGrow) {
  SettingsNode file = table({{"name", text("drawn")},
                             {"gpus_per_node", whole(1)},
                             {"scale_out", sub({{"fabric", text("custom")}})}});

  EXPECT_THAT(try_cluster(file, 1).findings.all().at(0).message, HasSubstr("wanted nodes = "));
}

TEST(Drawn, RefusesEndsThatAreNowhere) {
  EXPECT_THAT(said(Drawing(1).vertex("hub").star("hub").link("hub", "hubb")),
              ElementsAre("there is no vertex 'hubb'; did you mean 'hub'?"));
  EXPECT_THAT(said(Drawing(1).vertex("hub").star("hub").link("hub", "a completely different one")),
              ElementsAre(HasSubstr("or a GPU from node[0].gpu[0] to node[0].gpu[1]")));
}

TEST(Drawn, RefusesWhatIsThereAlready) {
  EXPECT_THAT(said(Drawing(1).vertex("hub").vertex("hub").star("hub")),
              ElementsAre(HasSubstr("there is a vertex 'hub' already")));
  EXPECT_THAT(said(Drawing(1).vertex("node[0].gpu[0]").vertex("hub").star("hub")),
              ElementsAre(HasSubstr("there is a vertex 'node[0].gpu[0]' already")));
  EXPECT_THAT(said(Drawing(1).vertex("hub").star("hub").link("hub", "node[0].gpu[1]")),
              Each(HasSubstr("there is a link this way already, at test.toml:1:1")));
}

TEST(Drawn, RefusesNamesThatSayNothingOrReadAsLinks) {
  EXPECT_THAT(said(Drawing(1).vertex("").vertex("hub").star("hub")),
              ElementsAre(HasSubstr("name is empty")));
  EXPECT_THAT(said(Drawing(1).vertex("a → b").vertex("hub").star("hub")),
              ElementsAre(HasSubstr("wanted one without an arrow")));
}

TEST(Drawn, RefusesALinkThatLeadsBack) {
  EXPECT_THAT(said(Drawing(1).vertex("hub").star("hub").link("hub", "hub")),
              ElementsAre(HasSubstr("this link leads back to where it begins")));
}

TEST(Drawn, SaysWhoDoesNotReachWhom) {
  EXPECT_THAT(said(Drawing(1)), ElementsAre(HasSubstr("no way leads from node[0].gpu[0] to "
                                                      "node[0].gpu[1]")));
  EXPECT_THAT(said(Drawing(1).vertex("hub").star("hub", false)),
              ElementsAre(HasSubstr("leads only the other way")));
}

TEST(Drawn, LeadsThroughGpusOnlyWhereTheyForward) {
  const auto chain = [](Drawing drawing) {
    return drawing.link("node[0].gpu[0]", "node[0].gpu[1]")
        .link("node[0].gpu[1]", "node[1].gpu[0]")
        .link("node[1].gpu[0]", "node[1].gpu[1]");
  };

  EXPECT_THAT(said(chain(Drawing(2))), ElementsAre(HasSubstr("gpus_forward = true")));
  EXPECT_THAT(said(chain(Drawing(2, {forwarding}))), IsEmpty());
}

const Key adapters{"nic", sub({{"per_node", whole(2)}, {"bandwidth", text("400 Gb/s")}})};

TEST(Drawn, TakesTheWaysThatThereAreWhenAdaptersAreNotJoined) {
  const Built built = Drawing(2, {adapters}).vertex("hub").star("hub").build();

  EXPECT_THAT(built.findings.all(), IsEmpty());
  EXPECT_THAT(built.cluster.route(gpu(0), gpu(2)).crossings, SizeIs(2));
  EXPECT_THAT(built.cluster.all_pairs(first_gpus(4)).between, SizeIs(8));
}

TEST(Drawn, RefusesAdaptersOfWhichSomeAreNotJoined) {
  Drawing drawing(2, {adapters});
  drawing.vertex("hub").link("node[0].nic[0]", "hub").link("node[1].nic[0]", "hub");

  EXPECT_THAT(said(drawing), ElementsAre(HasSubstr("no way leads from ")));
}

/// Two ways at each of 1,500 turns: more paths than a double counts.
TEST(Drawn, SharesEvenlyOverMorePathsThanCanBeCounted) {
  constexpr int turns = 1'500;
  Drawing drawing(1);
  drawing.vertex("j0");
  for (int i = 0; i < turns; ++i) {
    const std::string n = std::to_string(i);
    const std::string next = "j" + std::to_string(i + 1);
    drawing.vertex("a" + n).vertex("b" + n).vertex(next);
    drawing.link("j" + n, "a" + n).link("j" + n, "b" + n);
    drawing.link("a" + n, next).link("b" + n, next);
  }
  drawing.link("node[0].gpu[0]", "j0").link("node[0].gpu[1]", "j" + std::to_string(turns));
  const Built built = drawing.build();
  const Route route = built.cluster.route(gpu(0), gpu(1));

  ASSERT_THAT(route.crossings, SizeIs(2 + 4 * turns));
  for (std::size_t i = 1; i + 1 < route.crossings.size(); ++i) {
    ASSERT_EQ(route.crossings[i].weight, std::uint64_t{1} << 31) << i;
  }
}

TEST(Drawn, TakesThousandsOfMistakesInItsStride) {
  Drawing drawing(1);
  drawing.vertex("hub").star("hub");
  for (int i = 0; i < 3'000; ++i) {
    drawing.vertex("switch number " + std::to_string(i));
    drawing.link("swich nmber " + std::to_string(i), "hub");
  }
  const auto begin = std::chrono::steady_clock::now();
  const std::size_t found = drawing.build().findings.all().size();

  EXPECT_EQ(found, 3'000U);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

}  // namespace
}  // namespace orrery
