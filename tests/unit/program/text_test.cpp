#include "program/text.hpp"

#include "program/builder.hpp"
#include "program/verify.hpp"
#include "unit/program/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

namespace orrery {
namespace {

using namespace orrery::literals;
using testing::HasSubstr;

std::string error_of(std::string_view text) {
  try {
    parse_program(text, "p.txt");
  } catch (const InvalidScenario& invalid) {
    return invalid.what();
  }
  return "";
}

TEST(ProgramText, ReadsWhatItPrints) {
  const Program program = parse_program(two_stages);
  EXPECT_EQ(parse_program(print_program(program)), program);
}

TEST(ProgramText, PrintsWhatItReads) {
  EXPECT_EQ(print_program(parse_program(two_stages)), two_stages);
}

/// The chapter's example is a promise; tests run from the root of the checkout.
TEST(ProgramText, UnderstandsTheExampleOfTheReadme) {
  std::ifstream file("sim/program/README.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::size_t begin = page.find("```\nprogram") + 4;
  const std::string example = page.substr(begin, page.find("```", begin) - begin);

  EXPECT_THAT(verify(parse_program(example)), testing::IsEmpty());
}

TEST(ProgramText, ReadsWhatABuilderMade) {
  ProgramBuilder builder("built");
  ScriptBuilder script("s");
  const auto compute = script.lane("compute");
  const auto tensor = script.lane("tensor");
  const KindId kind = builder.intern({.name = "gemm", .action = Compute{.duration = 1500_ns}});
  const TaskPlace first = script.append(tensor, kind);
  const TaskPlace second = script.append(compute, kind, {.waits = {first}});
  script.append(tensor, kind, {.micro_batch = 3, .waits = {second}});
  builder.add(std::move(script).finish());

  const Program program = std::move(builder).finish();
  EXPECT_EQ(parse_program(print_program(program)), program);
}

TEST(ProgramText, KeepsEveryBitOfARealNumber) {
  ProgramBuilder builder("reals");
  builder.intern(
      {.name = "k", .action = Compute{.sm = 0.1F, .memory = 1.0F / 3}, .flops = 1e23 / 3});
  builder.intern(TransferPlan{.bytes_sent_per_member = 0.1 + 0.2});
  builder.add(Resource{.capacity = BytesPerSecond(4.5e11 / 7)});

  const Program program = std::move(builder).finish();
  EXPECT_EQ(parse_program(print_program(program)), program);
}

TEST(ProgramText, QuotesNamesThatLookLikeSyntax) {
  const std::string name = "a \"b\" \\ # \n c\x01 → é";
  const Program program = ProgramBuilder(name).finish();
  EXPECT_EQ(parse_program(print_program(program)).name, name);
}

TEST(ProgramText, WritesWeightsAsFractions) {
  ProgramBuilder builder("weights");
  const auto resource = id_at<ResourceId>(0);
  builder.intern(Pattern{{.resource = resource, .weight = one_transfer / 2 * 3}});
  EXPECT_THAT(print_program(std::move(builder).finish()), HasSubstr("pattern x0 r0*3/2\n"));
}

TEST(ProgramText, ReadsQuantitiesInAnyUnit) {
  const Program program = parse_program(
      "kind k0 \"a\" compute takes 3 ms\n"
      "kind k1 \"b\" compute allocates workspace 2 MiB\n");
  EXPECT_EQ(std::get<Compute>(program.kinds[id_at<KindId>(0)].action).duration, 3_ms);
  EXPECT_EQ(std::get<Allocate>(program.kinds[id_at<KindId>(1)].action).bytes, 2_MiB);
}

TEST(ProgramText, PointsAtTheUnitThatIsMissing) {
  EXPECT_THAT(error_of("kind k0 \"a\" compute takes 3\n"),
              HasSubstr("p.txt:1:28: error: expected a unit: s, ms, us, ns or ps"));
}

TEST(ProgramText, PointsAtAnIdentityOutOfOrder) {
  EXPECT_THAT(error_of("program \"p\"\nscript s1 \"a\"\n"),
              HasSubstr("p.txt:2:10: error: expected s0: identities count up"));
}

TEST(ProgramText, SuggestsTheStatementThatWasMeant) {
  EXPECT_THAT(error_of("scirpt s0 \"a\"\n"), HasSubstr("did you mean 'script'?"));
}

TEST(ProgramText, ReportsEveryWrongLine) {
  const std::string errors = error_of("lane 0 \"a\"\nranks x\nkind k0\n");
  EXPECT_THAT(errors, HasSubstr("p.txt:1:"));
  EXPECT_THAT(errors, HasSubstr("p.txt:2:"));
  EXPECT_THAT(errors, HasSubstr("p.txt:3:"));
}

TEST(ProgramText, RefusesATaskOutsideOfALane) {
  EXPECT_THAT(error_of("script s0 \"a\"\n  k0\n"), HasSubstr("a task outside of a lane"));
}

TEST(ProgramText, RefusesMoreRanksThanTheLimit) {
  EXPECT_THAT(error_of("ranks c0*4294967295\n"), HasSubstr("more than 1048576 ranks"));
}

TEST(ProgramText, RefusesNumbersThatDoNotFit) {
  EXPECT_THAT(error_of("kind k0 \"a\" compute takes 9999999999 s\n"), HasSubstr("63 bits"));
  EXPECT_THAT(error_of("kind k0 \"a\" compute joins slot 70000 plan 0\n"), HasSubstr("65535"));
}

}  // namespace
}  // namespace orrery
