#include "scenario/composition.hpp"

#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::int64_t integer_at(const SettingsNode& root, std::string_view table, std::string_view key) {
  return std::get<std::int64_t>(root.find(table)->find(key)->value);
}

class Composition : public ::testing::Test {
 protected:
  std::optional<SettingsNode> read(std::string_view name) {
    return composer_.read(folder_ / name, {}, Shelf::scenarios);
  }
  std::string finding() const {
    return diagnostics_.all().empty() ? "" : to_string(diagnostics_.all().front());
  }

  ScratchFolder folder_;
  Diagnostics diagnostics_;
  Composer composer_{{}, diagnostics_};
};

TEST_F(Composition, LaysAFileOverTheOneItExtends) {
  folder_.write("base.toml", "seed = 1\n[strategy]\ntp = 2\npp = 8\n");
  folder_.write("s.toml", "extends = \"base.toml\"\nseed = 2\n[strategy]\ntp = 4\n");

  const auto root = read("s.toml");

  EXPECT_EQ(integer_at(*root, "strategy", "tp"), 4);
  EXPECT_EQ(integer_at(*root, "strategy", "pp"), 8);
  EXPECT_EQ(std::get<std::int64_t>(root->find("seed")->value), 2);
  EXPECT_EQ(root->find("extends"), nullptr);
}

TEST_F(Composition, LetsEachValueKeepThePlaceWhereItWasWritten) {
  folder_.write("base.toml", "\n\na = 1\n");
  folder_.write("s.toml", "extends = \"base.toml\"\nb = 1\n");

  const auto root = read("s.toml");

  EXPECT_THAT(to_string(root->find("a")->position), HasSubstr("base.toml:3:5"));
  EXPECT_THAT(to_string(root->find("b")->position), HasSubstr("s.toml:2:5"));
}

TEST_F(Composition, FindsWhatIsExtendedFromTheFileThatSaysSo) {
  folder_.write("deep/base.toml", "extends = \"sibling.toml\"\n");
  folder_.write("deep/sibling.toml", "seed = 7\n");
  folder_.write("s.toml", "extends = \"deep/base.toml\"\n");

  EXPECT_EQ(std::get<std::int64_t>(read("s.toml")->find("seed")->value), 7);
}

TEST_F(Composition, PrintsTheChainOfACycle) {
  folder_.write("a.toml", "extends = \"b.toml\"\n");
  folder_.write("b.toml", "\nextends = \"a.toml\"\n");

  read("a.toml");

  EXPECT_THAT(finding(), HasSubstr("b.toml:2:11: error: a cycle:"));
  EXPECT_THAT(finding(), ::testing::ContainsRegex("a.toml extends .*b.toml extends .*a.toml"));
}

TEST_F(Composition, FindsAFileThatExtendsItself) {
  folder_.write("a.toml", "extends = \"./a.toml\"\n");

  read("a.toml");

  EXPECT_THAT(finding(), HasSubstr("a cycle"));
}

TEST_F(Composition, RefusesMoreFilesInAChainThanTheLimit) {
  for (int i = 0; i < 20; ++i) {
    folder_.write(std::to_string(i) + ".toml",
                  "extends = \"" + std::to_string(i + 1) + ".toml\"\n");
  }

  read("0.toml");

  EXPECT_THAT(finding(), HasSubstr("at most 16 may"));
}

TEST_F(Composition, SuggestsTheFileThatWasMeant) {
  folder_.write("quickstart.toml", "");

  read("quikstart.toml");

  EXPECT_THAT(finding(), HasSubstr("there is no such file; did you mean 'quickstart.toml'?"));
}

TEST_F(Composition, SaysThatAFolderIsNoFile) {
  std::filesystem::create_directory(folder_ / "d.toml");

  read("d.toml");

  EXPECT_THAT(finding(), HasSubstr("this is a folder"));
}

TEST_F(Composition, OpensAReferenceWhenOneOfItsKeysIsChanged) {
  folder_.write("models/m.toml", "name = \"M\"\nlayers = 8\n");
  folder_.write("s.toml", "model = \"m\"\n");
  auto root = read("s.toml");

  composer_.assign(*root, parse_override("model.layers=4"));
  const auto model = composer_.resolve(*root->find("model"), Shelf::models);

  EXPECT_EQ(std::get<std::int64_t>(model->find("layers")->value), 4);
  EXPECT_EQ(std::get<std::string>(model->find("name")->value), "M");
}

TEST_F(Composition, ReplacesAReferenceByATableWithANameOfItsOwn) {
  folder_.write("base.toml", "model = { name = \"A\", layers = 8, moe = { experts = 8 } }\n");
  folder_.write("s.toml", "extends = \"base.toml\"\nmodel = { name = \"B\", layers = 4 }\n");

  const auto root = read("s.toml");

  EXPECT_EQ(root->find("model")->find("moe"), nullptr);
}

TEST_F(Composition, SuggestsTheNameThatWasMeant) {
  folder_.write("models/mixtral-8x22b.toml", "");
  const SettingsNode reference{
      std::string("mixtral-8x22"), {(folder_ / "s.toml").string(), 1, 9}, {}};

  EXPECT_FALSE(composer_.resolve(reference, Shelf::models));

  EXPECT_THAT(finding(),
              HasSubstr("there is no model called 'mixtral-8x22'; did you mean 'mixtral-8x22b'?"));
}

TEST_F(Composition, DoesNotChangeSingleKeysOfAStrategyWrittenAsText) {
  folder_.write("s.toml", "strategy = \"EP16_TP1\"\n");
  auto root = read("s.toml");

  composer_.assign(*root, parse_override("strategy.ep=8"));

  EXPECT_THAT(finding(), HasSubstr("--set strategy.ep: error: this changes keys of strategy"));
}

TEST(Override, NeedsAKeyAndAValue) {
  EXPECT_EQ(parse_override("a.b=c=d").text, "c=d");
  EXPECT_THROW(parse_override("strategy.tp"), InvalidScenario);
  EXPECT_THROW(parse_override("=4"), InvalidScenario);
  EXPECT_THROW(parse_override("a..b=4"), InvalidScenario);
}

}  // namespace
}  // namespace orrery
