// Bad input of every kind: each is a finding with file, line, column and what would be right; all
// of a file come at once; nothing crashes or hangs.
#include "unit/scenario/scratch_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace orrery {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// A sound scenario whose lines can be replaced one by one.
struct Lines {
  std::string model = "model = \"mixtral-8x22b\"";
  std::string cluster = "cluster = \"dgx-h100\"";
  std::string gpus = "gpus = 16";
  std::string more{};
  std::string sequence = "sequence_length = 4096";
  std::string batch = "global_batch = 16";
  std::string strategy = "tp = 2";
  std::string tail{};

  std::string text() const {
    return model + "\n" + cluster + "\n" + gpus + "\n" + more + "\n[workload]\n" + sequence + "\n" +
           batch + "\n[strategy]\n" + strategy + "\n" + tail + "\n";
  }
};

std::string complaints_of(const Lines& lines) { return orrery::complaints_of(lines.text()); }

TEST(BadInput, SoundLinesLoad) { EXPECT_EQ(complaints_of(Lines{}), ""); }

struct BadLine {
  Lines lines;
  std::string place;  ///< "line:column"
  std::string right;  ///< what the finding must say
};

void PrintTo(const BadLine& line, std::ostream* out) { *out << line.place << ' ' << line.right; }

class BadInputLine : public ::testing::TestWithParam<BadLine> {};

TEST_P(BadInputLine, IsPointedAt) {
  const std::string said = complaints_of(GetParam().lines);

  EXPECT_THAT(said, AllOf(HasSubstr("s.toml:" + GetParam().place + ": error: "),
                          HasSubstr(GetParam().right)));
}

INSTANTIATE_TEST_SUITE_P(
    Suite, BadInputLine,
    ::testing::Values(
        BadLine{{.gpus = "gpus = \"many\""}, "3:8", "wanted a whole number"},
        BadLine{{.gpus = "gpus = 1000000000000"}, "3:8", "from 1 to 1048576"},
        BadLine{{.gpus = "gpus = 99999999999999999999"}, "3:28", "not representable in 64 bits"},
        BadLine{{.gpus = "gpus = 0"}, "3:8", "from 1 to 1048576"},
        BadLine{{.gpus = "gpus = 16.0"}, "3:8", "wanted a whole number"},
        BadLine{{.gpus = "gpus = 2024-05-01"}, "3:8", "a date or a time"},
        BadLine{{.more = "sed = 3"}, "4:1", "did you mean 'seed'?"},
        BadLine{{.more = "sofware = \"vllm\""}, "4:1", "did you mean 'software'?"},
        BadLine{{.model = "model = \"mixtral\""}, "1:9", "there is no model called 'mixtral'"},
        BadLine{{.model = "model = 8"}, "1:9", "wanted the name of a model"},
        BadLine{{.model = "model = \"a/b.toml\""}, "1:9", "there is no such file"},
        BadLine{{.cluster = "cluster = \"dgx-h10\""}, "2:11", "did you mean 'dgx-h100'?"},
        BadLine{{.sequence = "sequence_length = -1"}, "6:19", "from 1 to"},
        BadLine{{.batch = "global_batch = nan"}, "7:16", "wanted a whole number"},
        BadLine{{.strategy = "tp = true"}, "9:6", "wanted a whole number"},
        BadLine{{.strategy = "tp = 0"}, "9:6", "from 1 to"},
        BadLine{{.strategy = "tp = 7"}, "9:6", "wanted 6 or 8"},
        BadLine{{.strategy = "ep = 3"}, "9:6", "does not divide model.moe.experts = 8"},
        BadLine{{.strategy = "pp = 8 GB"}, "9:8", "stands in quotes"},
        BadLine{{.strategy = "zero = 4"}, "9:8", "from 0 to 3"},
        BadLine{{.strategy = "schedule = \"1f1c\""}, "9:12", "did you mean '1f1b'?"},
        BadLine{{.strategy = "scedule = \"1f1b\""}, "9:1", "did you mean 'schedule'?"},
        BadLine{{.tail = "[workload.routing]\ncapacity_factor = nan"}, "11:19", "a finite number"},
        BadLine{{.tail = "[fidelity]\nfold = true"}, "11:8", "wanted a text"},
        BadLine{{.tail = "[[fault]]\nkind = \"straggler\"\nrank = 99\nslowdown = 2"},
                "12:8",
                "ranks count from 0 to 15"},
        BadLine{{.tail = "[[fault]]\nkind = \"straggler\"\nrank = 1\nslowdown = 2\n"
                         "[[fault]]\nkind = \"straggler\"\nrank = 1\nslowdown = 3"},
                "16:8",
                "rank 1 is a straggler already"},
        BadLine{{.tail = "[[expect]]\nmetric = \"step_tim\"\nvalue = \"1 s\""},
                "11:10",
                "did you mean 'step_time'?"},
        BadLine{{.tail = "[[expect]]\nmetric = \"step_time\"\nvalue = \"1 GB\""},
                "12:9",
                "has the unit 'GB'"},
        BadLine{{.tail = "[[expect]]\nmetric = \"step_time\"\nvalue = 3"}, "12:9", "\"401.94 ms\""},
        BadLine{{.tail = "[[variant]]\nstrategy.tp = 4"}, "10:1", "this variant has no name"}));

TEST(BadInput, ComesAllAtOnce) {
  const std::string said = complaints_of(Lines{.model = "model = \"mixtral-8x22\"",
                                               .gpus = "gpus = -4",
                                               .more = "sead = 1",
                                               .strategy = "tp = \"two\"\nschedule = \"nosuch\""});

  for (const char* place : {"1:9", "3:8", "4:1", "9:6", "10:12"}) {
    EXPECT_THAT(said, HasSubstr(std::string("s.toml:") + place + ": error: "));
  }
}

TEST(BadInput, JudgesWhatWasReadThoughOtherKeysAreAtFault) {
  const std::string said =
      complaints_of(Lines{.more = "seed = \"x\"", .strategy = "tp = 7\nep = 3"});

  EXPECT_THAT(said, AllOf(HasSubstr("strategy.tp = 7 does not divide"),
                          HasSubstr("strategy.ep = 3 does not divide"), HasSubstr("seed is")));
}

TEST(BadInput, DoesNotJudgeByValuesThatCouldNotBeRead) {
  const std::string said = complaints_of(Lines{.gpus = "gpus = \"16\"", .strategy = "dp = 8"});

  EXPECT_THAT(said, Not(HasSubstr("missing")));
}

TEST(BadInput, PointsIntoTheFileThatIsAtFault) {
  const ScratchFolder folder;
  folder.write("m.toml", "name = \"M\"\nsource = \"none\"\nlayers = 0\n");
  const auto path = folder.write("s.toml", Lines{.model = "model = \"m.toml\""}.text());

  EXPECT_THAT(complaints(path), AllOf(HasSubstr("m.toml:3:10: error: layers = 0 is out of range"),
                                      HasSubstr("m.toml:1:1: error: hidden is missing")));
}

TEST(BadInput, MayBeAMissingFileAFolderOrNoText) {
  const ScratchFolder folder;

  EXPECT_THAT(complaints(folder / "none.toml"), HasSubstr("there is no such file"));
  EXPECT_THAT(complaints("tests"), HasSubstr("tests: error: this is a folder"));
  EXPECT_THAT(complaints(folder.write("b.toml", "a = \"\xC3\x28\"")), HasSubstr("b.toml:1:6"));
  EXPECT_THAT(complaints(folder.write("u.toml", std::string("\xFF\xFEn\0a\0", 6))),
              HasSubstr("0xFF is not UTF-8"));
  EXPECT_THAT(complaints(folder.write("e.toml", "")),
              HasSubstr("e.toml:1:1: error: model is missing"));
}

TEST(BadInput, HasAFileNameThoughWhatIsMissingStandsNowhere) {
  const ScratchFolder folder;
  const std::string said = complaints(folder.write("s.toml", "gpus = 8\n"));

  EXPECT_THAT(said, AllOf(HasSubstr("s.toml:1:1: error: workload is missing"),
                          HasSubstr("s.toml:1:1: error: workload.global_batch is missing")));
  EXPECT_THAT(said, Not(HasSubstr("\nerror:")));
}

TEST(BadInput, MayHoldControlCharactersAndOldLineEnds) {
  const ScratchFolder folder;

  EXPECT_THAT(complaints(folder.write("n.toml", std::string("a = \"x\0\"", 8))),
              HasSubstr("n.toml:1:7: error: the byte 0x00 is a control character"));
  EXPECT_THAT(complaints(folder.write("m.toml", "a = 1\rb = 2\r")),
              HasSubstr("m.toml:1:6: error: the byte 0x0D"));
}

TEST(BadInput, MayBeALinkToItself) {
  const ScratchFolder folder;
  std::filesystem::create_symlink(folder / "l.toml", folder / "l.toml");

  EXPECT_THAT(complaints(folder / "l.toml"), HasSubstr("this cannot be opened: "));
}

TEST(BadInput, MayHideInTablesThatLieOverFiles) {
  EXPECT_THAT(complaints_of(Lines{.model = "model = { extends = \"mixtral-8x22b\", layerz = 4 }"}),
              HasSubstr("s.toml:1:38: error: unknown key 'layerz'; did you mean 'layers'?"));
  EXPECT_THAT(complaints_of(Lines{.cluster = "cluster.extends = \"dgx-h100\"\ncluster.nodez = 4"}),
              HasSubstr("unknown key 'nodez'; did you mean 'nodes'?"));
}

TEST(BadInput, MayNameALinkThatDoesNotExistBesideOtherFaults) {
  const std::string said = complaints_of(
      Lines{.more = "sead = 1",
            .tail = "[[fault]]\nkind = \"failed_link\"\nlink = \"node[0].gpu[0] → nowhere\""});

  EXPECT_THAT(said, AllOf(HasSubstr("s.toml:4:1: error: unknown key 'sead'"),
                          HasSubstr("s.toml:12:8: error: the cluster has no link")));
}

TEST(BadInput, MayCallTwoVariantsAlikeAndOneNothing) {
  const std::string said = complaints_of(Lines{.tail = "[[variant]]\nname = \"a\"\n"
                                                       "[[variant]]\nname = \"a\"\n"
                                                       "[[variant]]\nname = \"\""});

  EXPECT_THAT(said, AllOf(HasSubstr("s.toml:13:8: error: a variant is called 'a' already, at "),
                          HasSubstr("s.toml:15:8: error: name is empty")));
}

TEST(BadInput, IsShownByItsBeginningWhenLong) {
  const std::string said = complaints_of(Lines{.more = std::string(100'000, 'k') + " = 1"});

  EXPECT_LT(said.size(), 300U);
}

TEST(BadInput, MayBeATableOfMoreKeysThanAnybodyReads) {
  std::string keys = "[x]\n";
  for (int i = 0; i < 5'000; ++i) keys += "k" + std::to_string(i) + " = 1\n";

  EXPECT_THAT(complaints_of(Lines{.tail = keys}), HasSubstr("a table of 5000 keys"));
}

TEST(BadInput, MayBeAnOverrideInAnotherEncoding) {
  LoadOptions options = from_checkout();
  options.overrides = {parse_override("name=caf\xE9")};
  const ScratchFolder folder;

  EXPECT_THAT(complaints(folder.write("s.toml", Lines{}.text()), options),
              HasSubstr("--set name: error: the byte 0xE9 is not UTF-8"));
}

TEST(BadInput, PointsIntoAConfigOfHuggingFace) {
  const ScratchFolder folder;
  folder.write("config.json",
               "{\"model_type\": \"llama\",\n \"num_hidden_layers\": -4,\n"
               " \"hidden_size\": \"x\"}");
  const std::string text = Lines{.model = "model = \"config.json\""}.text();

  EXPECT_THAT(complaints(folder.write("s.toml", text)),
              AllOf(HasSubstr("config.json:2:2: error: layers = -4 is out of range"),
                    HasSubstr("config.json:3:2: error: 'hidden_size' is \"x\"; wanted"),
                    HasSubstr("config.json:1:1: error: 'vocab_size' is missing")));
}

/// A file on a shelf that is broken, and the line of a scenario that names it.
struct BadFile {
  std::string line;
  std::string text;
  std::vector<std::string> missing;  ///< what the findings say is missing
};

void PrintTo(const BadFile& file, std::ostream* out) { *out << file.line; }

class BadInputFile : public ::testing::TestWithParam<BadFile> {};

TEST_P(BadInputFile, IsTheOneThatWhatItLacksIsReportedIn) {
  const ScratchFolder folder;
  folder.write("f.toml", GetParam().text);
  Lines lines;
  (GetParam().line.starts_with("model")     ? lines.model
   : GetParam().line.starts_with("cluster") ? lines.cluster
                                            : lines.more) = GetParam().line;
  const std::string said = complaints(folder.write("s.toml", lines.text()));

  for (const std::string& key : GetParam().missing) {
    EXPECT_THAT(said, HasSubstr("f.toml:1:1: error: " + key + " is missing"));
  }
  EXPECT_THAT(said, Not(AnyOf(StartsWith("error:"), HasSubstr("\nerror:"))));
}

INSTANTIATE_TEST_SUITE_P(
    Suite, BadInputFile,
    ::testing::Values(BadFile{"model = \"f.toml\"", "", {"name", "attention", "attention.heads"}},
                      BadFile{"model = \"f.toml\"", "name = \"M\"\n", {"layers", "attention"}},
                      BadFile{"software = \"f.toml\"", "", {"types", "host", "memory"}},
                      BadFile{"cluster = \"f.toml\"", "", {"cluster.gpu", "gpus_per_node"}},
                      BadFile{"cluster = { extends = \"dgx-h100\", gpu = \"f.toml\" }",
                              "",
                              {"memory", "memory.capacity", "peak", "kernel"}}));

TEST(BadInput, MayBeLongerThanAnyInput) {
  const ScratchFolder folder;
  const auto path = folder.write("long.toml", "");
  std::filesystem::resize_file(path, (64 << 20) + 1);

  EXPECT_THAT(complaints(path), HasSubstr("longer than 67108864 bytes"));
}

TEST(BadInput, MayBeACycleOfIncludes) {
  const ScratchFolder folder;
  folder.write("b.toml", "extends = \"a.toml\"\n");

  EXPECT_THAT(complaints(folder.write("a.toml", "extends = \"b.toml\"\n")),
              AllOf(HasSubstr("b.toml:1:11: error: a cycle"), HasSubstr("must stand alone")));
}

TEST(BadInput, MayMultiplyToMoreRanksThanThereCanBe) {
  const std::string said =
      complaints_of(Lines{.strategy = "tp = 1000000\npp = 1000000\nep = 1000000\netp = 1000000"});

  EXPECT_THAT(said, HasSubstr("more than 1048576"));
}

}  // namespace
}  // namespace orrery
