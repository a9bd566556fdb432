#include "base/settings.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace orrery {
namespace {

using namespace literals;

SettingsNode at_line(std::size_t line, decltype(SettingsNode::value) value) {
  return {std::move(value), {"x.toml", line, 1}, {}};
}

/// A table whose keys stand on lines 1, 2, …
SettingsNode table(std::vector<std::pair<std::string, decltype(SettingsNode::value)>> entries) {
  SettingsTable rows;
  for (auto& [key, value] : entries) {
    const std::size_t line = rows.size() + 1;
    rows.push_back({key, {"x.toml", line, 1}, {at_line(line, std::move(value))}});
  }
  return at_line(1, std::move(rows));
}

std::string findings(const Diagnostics& diagnostics) {
  std::string text;
  for (const Diagnostic& d : diagnostics.all()) text += to_string(d) + "\n";
  return text;
}

TEST(Settings, GivesWhatWasWritten) {
  const SettingsNode node = table({{"tp", std::int64_t{8}}, {"size", std::string("80 GB")}});
  Diagnostics diagnostics;
  const Settings settings(node, diagnostics);

  EXPECT_EQ(settings.integer("tp"), 8);
  EXPECT_EQ(settings.bytes("size"), 80_GB);
  EXPECT_EQ(settings.text("absent"), std::nullopt);
  EXPECT_EQ(findings(diagnostics), "");
}

TEST(Settings, AWrongTypeSaysWhatWasFoundAndWhatIsWanted) {
  const SettingsNode node = table({{"tp", std::string("eight")}});
  Diagnostics diagnostics;

  EXPECT_EQ(Settings(node, diagnostics, "strategy").integer("tp"), std::nullopt);
  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: strategy.tp is the text 'eight'; wanted a whole number\n");
}

TEST(Settings, AValueOutOfRangeIsRefused) {
  const SettingsNode node = table({{"layers", std::int64_t{0}}});
  Diagnostics diagnostics;

  EXPECT_EQ(Settings(node, diagnostics).integer("layers", {1, 4096}), std::nullopt);
  EXPECT_EQ(
      findings(diagnostics),
      "x.toml:1:1: error: layers = 0 is out of range; wanted a whole number from 1 to 4096\n");
}

TEST(Settings, NotANumberIsNoNumber) {
  const SettingsNode node = table({{"factor", std::nan("")}});
  Diagnostics diagnostics;

  EXPECT_EQ(Settings(node, diagnostics).number("factor"), std::nullopt);
  EXPECT_TRUE(diagnostics.has_errors());
}

TEST(Settings, ABareNumberWhereAUnitIsNeededIsAnError) {
  const SettingsNode node = table({{"size", std::int64_t{80}}});
  Diagnostics diagnostics;

  EXPECT_EQ(Settings(node, diagnostics).bytes("size"), std::nullopt);
  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: size is the whole number 80; wanted a text with its unit, such as "
            "\"80 GB\"\n");
}

TEST(Settings, AMissingRequiredKeyIsReportedAtItsTable) {
  const SettingsNode node = table({});
  Diagnostics diagnostics;

  Settings(node, diagnostics, "workload").required_integer("global_batch");

  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: workload.global_batch is missing; wanted a whole number\n");
}

TEST(Settings, WhatAMissingTableLacksIsReportedWhereTheTableIsMissing) {
  const SettingsNode node = table({});
  Diagnostics diagnostics;

  Settings(node, diagnostics).required_table("memory").required_table("host").required_text("kind");

  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: memory is missing; wanted a table [memory]\n"
            "x.toml:1:1: error: memory.host is missing; wanted a table [memory.host]\n"
            "x.toml:1:1: error: memory.host.kind is missing; wanted a text in quotes\n");
}

TEST(Settings, WhatATableLacksThatIsNoneIsReportedAtItsValue) {
  const SettingsNode node = table({{"name", std::string("x")}, {"memory", std::string("80 GB")}});
  Diagnostics diagnostics;

  Settings(node, diagnostics).required_table("memory").required_text("kind");

  EXPECT_EQ(findings(diagnostics),
            "x.toml:2:1: error: memory is the text '80 GB'; wanted a table\n"
            "x.toml:2:1: error: memory.kind is missing; wanted a text in quotes\n");
}

TEST(Settings, AKeyThatNobodyReadIsUnknownAndTheNearestIsSuggested) {
  const SettingsNode node = table({{"hiden", std::int64_t{1}}});
  Diagnostics diagnostics;
  const Settings settings(node, diagnostics);
  settings.integer("hidden");

  report_unread(node, diagnostics);

  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: unknown key 'hiden'; did you mean 'hidden'?\n");
}

TEST(Settings, AnUnknownChoiceNamesAllOfThem) {
  const SettingsNode node = table({{"kind", std::string("trainning")}});
  const std::array<std::string, 2> kinds = {"training", "forward"};
  Diagnostics diagnostics;

  Settings(node, diagnostics).choice("kind", kinds);

  EXPECT_EQ(findings(diagnostics),
            "x.toml:1:1: error: kind = 'trainning' is unknown; wanted one of training and forward; "
            "did you mean 'training'?\n");
}

TEST(SettingsNode, SetMakesTheTablesThatAreMissing) {
  SettingsNode node = table({});

  EXPECT_TRUE(node.set("strategy.tp", at_line(0, std::int64_t{4})));

  EXPECT_EQ(std::get<std::int64_t>(node.find("strategy")->find("tp")->value), 4);
  EXPECT_FALSE(node.set("strategy.tp.deeper", at_line(0, true)));
}

}  // namespace
}  // namespace orrery
