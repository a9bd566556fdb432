#include "scenario/load.hpp"

#include "scenario/files.hpp"
#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view mixtral = R"(
name    = "Mixtral"
model   = "mixtral-8x22b"
cluster = "dgx-h100"
gpus    = 128
[workload]
sequence_length = 4096
global_batch    = 1024
[strategy]
tp = 2
pp = 8
ep = 8
)";

Scenario load(std::string_view text, std::vector<std::string> overrides = {}) {
  const ScratchFolder folder;
  LoadOptions options = from_checkout();
  for (const std::string& one : overrides) options.overrides.push_back(parse_override(one));
  return load_scenario(folder.write("s.toml", text), options);
}

std::string with(std::string_view more) { return std::string(mixtral) + std::string(more); }

TEST(LoadScenario, FollowsReferencesByName) {
  const Scenario scenario = load(mixtral);

  EXPECT_EQ(scenario.model.name, "Mixtral 8x22B");
  EXPECT_EQ(scenario.cluster.name, "DGX H100");
  EXPECT_EQ(scenario.cluster.gpu.name, "NVIDIA H100 SXM 80 GB");
  EXPECT_EQ(scenario.strategy.dp, 8);
  EXPECT_EQ(scenario.text, mixtral);
}

TEST(LoadScenario, LeavesOverlapToTheSoftware) {
  EXPECT_THAT(load(mixtral).strategy.overlap, ElementsAre("gradients", "parameters", "pipeline"));
  EXPECT_THAT(load(with("overlap = []")).strategy.overlap, ElementsAre());
}

TEST(LoadScenario, ReadsAConfigOfHuggingFace) {
  const ScratchFolder folder;
  folder.write("config.json",
               R"({"model_type": "llama", "hidden_size": 4096, "intermediate_size": 14336,
                   "num_attention_heads": 32, "num_key_value_heads": 8, "num_hidden_layers": 32,
                   "vocab_size": 128256, "tie_word_embeddings": false})");
  LoadOptions options = from_checkout();
  options.overrides = {parse_override("strategy.ep=1"), parse_override("model.layers=16")};
  const auto path = folder.write("s.toml", with("\n[[variant]]\nname = \"x\"\n"));
  options.overrides.push_back({"model", (folder / "config.json").string(), {}});
  options.overrides.push_back(parse_override("model.layers=16"));

  const Scenario scenario = load_scenario(path, options);

  EXPECT_EQ(scenario.model.hidden, 4096);
  EXPECT_EQ(scenario.model.layers, 16);
}

TEST(LoadScenario, AppliesOverrides) {
  const Scenario scenario =
      load(mixtral, {"strategy.ep=4", "workload.precision=fp8", "model.layers=16", "gpus=64"});

  EXPECT_EQ(scenario.strategy.ep, 4);
  EXPECT_EQ(scenario.job.precision, NumberType::fp8);
  EXPECT_EQ(scenario.model.layers, 16);
  EXPECT_EQ(scenario.strategy.dp, 4);
}

TEST(LoadScenario, PointsAtTheOverrideThatIsWrong) {
  const ScratchFolder folder;
  LoadOptions options = from_checkout();
  options.overrides = {parse_override("strategy.tp=7")};

  EXPECT_THAT(complaints(folder.write("s.toml", mixtral), options),
              HasSubstr("--set strategy.tp: error: strategy.tp = 7 does not divide"));
}

TEST(LoadScenario, BuildsAScenarioFromAssignmentsAlone) {
  LoadOptions options = from_checkout();
  const SourcePosition row{"table.csv", 3, 1};
  options.overrides = {{"model", "llama3-8b", row},
                       {"cluster", "dgx-h100", row},
                       {"gpus", "8", row},
                       {"workload.sequence_length", "8192", row},
                       {"workload.global_batch", "8", row},
                       {"strategy.tp", "2", row}};

  EXPECT_EQ(load_scenario({}, options).strategy.dp, 4);
}

TEST(LoadScenario, ReadsADeploymentStrategyAndKeepsWhatIsMissingAsAFinding) {
  const Scenario scenario = load(mixtral, {"strategy=EP8_TP1_PP1_DP4", "gpus=16"});

  EXPECT_EQ(scenario.strategy.world_size(), 32);
  ASSERT_EQ(scenario.findings.size(), 1U);
  EXPECT_EQ(scenario.findings[0].code, "gpus_missing");
  EXPECT_EQ(to_string(scenario.findings[0].position), "--set gpus");
}

TEST(LoadScenario, TakesWhatFollowsFromMissingGpusAsPartOfTheVerdict) {
  const Scenario scenario =
      load(mixtral, {"strategy=EP8_DP4", "gpus=16", "workload.global_batch=8"});

  EXPECT_EQ(scenario.findings.size(), 2U);
}

TEST(LoadScenario, ReportsAnIllegalStrategyWhenAsked) {
  const ScratchFolder folder;
  LoadOptions options = from_checkout();
  options.illegal = Illegal::report;
  options.overrides = {parse_override("strategy.tp=7"), parse_override("gpus=112")};

  const Scenario scenario = load_scenario(folder.write("s.toml", mixtral), options);

  EXPECT_EQ(scenario.findings.at(1).code, "heads_not_divisible");
}

TEST(LoadScenario, ReadsFaults) {
  const Scenario scenario = load(
      with("[[fault]]\nkind = \"straggler\"\nrank = 3\nslowdown = 1.5\n"
           "[[fault]]\nkind = \"degraded_link\"\nlink = \"node[0].gpu[0]\"\ncapacity_factor = 0.5\n"
           "[[fault]]\nkind = \"failed_link\"\nlink = \"node[1].gpu[0]\"\n"));

  EXPECT_EQ(scenario.stragglers.at(0).rank, 3);
  EXPECT_EQ(scenario.link_faults.at(0).capacity_factor, 0.5);
  EXPECT_EQ(scenario.link_faults.at(1).capacity_factor, 0.0);
}

TEST(LoadScenario, ReadsFidelity) {
  const Scenario scenario = load(with("[fidelity]\nnetwork = \"alpha_beta\"\nfold = \"off\"\n"));

  EXPECT_EQ(scenario.fidelity.network, NetworkKind::alpha_beta);
  EXPECT_FALSE(scenario.fidelity.fold);
  EXPECT_TRUE(scenario.fidelity.interference);
}

TEST(LoadVariants, LaysEachVariantOverTheFile) {
  const ScratchFolder folder;
  const auto path = folder.write("s.toml", with("[[variant]]\nname = \"EP4\"\nstrategy.ep = 4\n"
                                                "[[variant]]\nname = \"PP4\"\nstrategy.pp = 4\n"));

  const std::vector<Scenario> variants = load_variants(path, from_checkout());

  ASSERT_EQ(variants.size(), 2U);
  EXPECT_EQ(variants[0].name, "EP4");
  EXPECT_EQ(variants[0].strategy.ep, 4);
  EXPECT_EQ(variants[0].strategy.pp, 8);
  EXPECT_EQ(variants[1].strategy.dp, 16);
}

TEST(LoadVariants, GivesTheFileItselfWhenThereAreNone) {
  const ScratchFolder folder;

  const auto variants = load_variants(folder.write("s.toml", mixtral), from_checkout());

  ASSERT_EQ(variants.size(), 1U);
  EXPECT_EQ(variants[0].name, "Mixtral");
}

TEST(LoadVariants, FindsUnknownKeysInVariants) {
  const ScratchFolder folder;
  const auto path = folder.write("s.toml", with("[[variant]]\nname = \"x\"\nstrategy.epp = 4\n"));

  try {
    load_variants(path, from_checkout());
    FAIL() << "loaded";
  } catch (const InvalidScenario& invalid) {
    EXPECT_THAT(invalid.what(), HasSubstr("s.toml:15:10: error: unknown key 'strategy.epp'"));
  }
}

TEST(LoadScenario, LoadsEveryShippedModelClusterAndProfile) {
  for (const Shelf shelf : {Shelf::models, Shelf::clusters, Shelf::software}) {
    const std::vector<std::filesystem::path> folders = {"."};
    const std::vector<std::string> names = names_on(shelf, folders);
    EXPECT_FALSE(names.empty());
    for (const std::string& name : names) {
      const std::string key = shelf == Shelf::models     ? "model"
                              : shelf == Shelf::clusters ? "cluster"
                                                         : "software";
      EXPECT_NO_THROW(
          load("cluster = \"dgx-h100\"\nmodel = \"llama3-8b\"\ngpus = 1\n[workload]\n"
               "sequence_length = 1\nglobal_batch = 1\nprecision = \"fp32\"\n",
               {key + "=" + name}))
          << key << " " << name;
    }
  }
}

}  // namespace
}  // namespace orrery
