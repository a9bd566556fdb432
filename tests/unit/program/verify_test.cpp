#include "program/verify.hpp"

#include "program/text.hpp"
#include "unit/program/example.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace orrery {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

/// What verify says about the example with one passage replaced.
std::vector<std::string> with(std::string_view passage, std::string_view replacement) {
  std::string text(two_stages);
  const std::size_t at = text.find(passage);
  EXPECT_NE(at, std::string::npos) << passage;
  text.replace(at, passage.size(), replacement);
  return verify(parse_program(text));
}

/// What verify says about one class of one rank with these lanes; k0 and k1 take 1 us each.
std::vector<std::string> lanes(const std::string& text) {
  return verify(
      parse_program("kind k0 \"a\" compute takes 1 us\n"
                    "kind k1 \"b\" compute takes 1 us\n"
                    "kind k2 \"take\" compute allocates workspace 5 B\n"
                    "kind k3 \"give\" compute releases workspace 5 B\n"
                    "script s0 \"s\"\n" +
                    text + "class c0 script s0\nranks c0\n"));
}

TEST(Verify, FindsNothingWrongWithASoundProgram) {
  EXPECT_THAT(verify(parse_program(two_stages)), IsEmpty());
}

TEST(Verify, FindsNothingWrongWithAnEmptyProgram) { EXPECT_THAT(verify(Program{}), IsEmpty()); }

TEST(Verify, FindsIdentitiesOutOfRange) {
  EXPECT_THAT(with("c0 script s0", "c0 script s7"), Contains(HasSubstr("the script")));
  EXPECT_THAT(with("pattern x0 r0", "pattern x0 r1"), Contains(HasSubstr("pattern x0")));
  EXPECT_THAT(with("groups g0 g2", "groups g0 g9"), Contains(HasSubstr("class c0: a group")));
  EXPECT_THAT(with("plans p1", "plans p2"), Contains(HasSubstr("'pp': a plan")));
  EXPECT_THAT(with("1: k0 mb", "1: k17 mb"), Contains(HasSubstr("kind 17 of 7")));
  EXPECT_THAT(with("representative 2", "representative 4"), Contains(HasSubstr("representative")));
}

TEST(Verify, FindsSlotsAndPlansThatDoNotExist) {
  EXPECT_THAT(with("joins slot 1", "joins slot 2"), Contains(HasSubstr("slot 2 of 2")));
  EXPECT_THAT(with("groups g0 g2", "groups g0"), Contains(HasSubstr("1 groups for 2 slots")));
  EXPECT_THAT(with("tp joins slot 0 plan 0", "tp joins slot 0 plan 3"),
              Contains(HasSubstr("has 1 plans, its members use 4")));
}

TEST(Verify, FindsABundleWhosePatternTheGroupLacks) {
  EXPECT_THAT(with("plans p0 patterns x0", "plans p0"),
              Contains(HasSubstr("has 0 patterns, its plan p0 needs 1")));
}

TEST(Verify, FindsWaitsOnTasksThatDoNotExist) {
  EXPECT_THAT(with("after 2:0  # layer.drop", "after 2:9"),
              Contains(HasSubstr("waits for 2:9, which does not exist")));
  EXPECT_THAT(with("after 2:0  # layer.drop", "after 3:0"), Contains(HasSubstr("does not exist")));
}

TEST(Verify, FindsATaskThatWaitsForALaterOneOfItsLane) {
  EXPECT_THAT(lanes("lane 0 \"x\"\n k0 after 0:1\n k1\n"),
              ElementsAre(HasSubstr("comes after it in its own lane")));
}

TEST(Verify, FindsAPatternThatNamesAResourceTwice) {
  EXPECT_THAT(with("pattern x0 r0*2", "pattern x0 r0*2 r0*1"), Contains(HasSubstr("twice")));
}

TEST(Verify, FindsNumbersWithoutMeaning) {
  EXPECT_THAT(with("450000000000 B/s", "0 B/s"), Contains(HasSubstr("capacity of 0")));
  EXPECT_THAT(with("slowdown 1.1", "slowdown 0"), Contains(HasSubstr("slowdown of 0")));
  EXPECT_THAT(with("sm 0.75", "sm 1.5"), Contains(HasSubstr("outside of 0 to 1")));
  EXPECT_THAT(with("flops 1500000000000 rec", "flops inf rec"), Contains(HasSubstr("inf flops")));
  EXPECT_THAT(with("repeat 2", "repeat 0"), Contains(HasSubstr("zero times")));
}

TEST(Verify, FindsClassesThatDoNotCountTheirRanks) {
  EXPECT_THAT(with("ranks c0*2", "ranks c0*3"),
              Contains(HasSubstr("class c0 stands for 2 ranks, 3 name it")));
  EXPECT_THAT(with("representative 2", "representative 1"), Contains(HasSubstr("another class")));
}

TEST(Verify, FindsGroupsWithMorePlacesThanRanks) {
  EXPECT_THAT(with("g2 \"pp\" count 2", "g2 \"pp\" count 3"),
              Contains(HasSubstr("has 3 places for class c0")));
}

TEST(Verify, AllowsAClassToUseAGroupInTwoSlots) {
  const std::string chain =
      "plan p0 \"send\" pp\n"
      "kind k0 \"send\" pp joins slot 0 plan 0\nkind k1 \"receive\" pp joins slot 1 plan 0\n"
      "script s0 \"s\"\nslot 0 \"next\"\nslot 1 \"previous\"\n"
      "lane 0 \"send\"\n k0\nlane 1 \"receive\"\n k1\n"
      "group g0 \"ring\" count 4 members c0*2 plans p0\n"
      "class c0 script s0 count 4 groups g0 g0\nranks c0*4\n";
  EXPECT_THAT(verify(parse_program(chain)), IsEmpty());
}

TEST(Verify, FindsAMemberThatTheGroupDoesNotCount) {
  EXPECT_THAT(with("count 2 members c0*1 c1*1", "count 2 members c0*1"),
              Contains(HasSubstr("does not count it as a member")));
}

TEST(Verify, FindsAGroupUsedFromTwoLanes) {
  EXPECT_THAT(with("lane 2 \"pipeline_send\"\n    0: k2 mb 0 chunk 1 after 1:0",
                   "lane 2 \"pipeline_send\"\n    0: k2\n  lane 3 \"more\"\n    0: k2"),
              Contains(HasSubstr("slot 'pp_next' from the lanes 'pipeline_send' and 'more'")));
}

TEST(Verify, FindsMembersThatJoinAnotherNumberOfOperations) {
  EXPECT_THAT(with("0: k3 mb 0", "0: k3\n    1: k3"),
              Contains(HasSubstr("class c1 joins 2 operations, the members before it 1")));
}

TEST(Verify, FindsMembersThatJoinAnotherOperation) {
  std::string text(two_stages);
  text.replace(text.find("plans p1"), 8, "plans p1 p1");
  const std::size_t kind = text.find("pp joins slot 1 plan 0", text.find("kind k3"));
  text.replace(kind, 22, "pp joins slot 1 plan 1");
  EXPECT_THAT(verify(parse_program(text)),
              Contains(HasSubstr("joins plan 1 as operation 0, the members before it plan 0")));
}

TEST(Verify, FindsMemoryThatIsNeverReleased) {
  EXPECT_THAT(lanes("lane 0 \"x\"\n k2\n k2\n k3\n"),
              ElementsAre("script 's' never releases 5 bytes of workspace"));
}

TEST(Verify, FindsMoreReleasedThanWasAllocated) {
  EXPECT_THAT(lanes("lane 0 \"x\"\n k2\n k3\n k3\n"),
              ElementsAre("script 's' releases 5 bytes more workspace than it allocates"));
}

TEST(Verify, FindsAReleaseBeforeItsAllocation) {
  EXPECT_THAT(lanes("lane 0 \"x\"\n k3\n k2\n"),
              ElementsAre(HasSubstr("releases more workspace than it holds")));
}

TEST(Verify, FindsTwoLanesThatWaitForEachOther) {
  EXPECT_THAT(lanes("lane 0 \"x\"\n k0 after 1:0\nlane 1 \"y\"\n k1 after 0:0\n"),
              ElementsAre(AllOf(HasSubstr("a deadlock"), HasSubstr("lane 'x', task 0 'a'"),
                                HasSubstr("lane 'y', task 0 'b'"))));
}

TEST(Verify, FindsTwoRanksThatJoinTheirGroupsInOppositeOrder) {
  const std::string crossed =
      "plan p0 \"p\" tp\n"
      "kind k0 \"a\" tp joins slot 0 plan 0\nkind k1 \"b\" tp joins slot 1 plan 0\n"
      "script s0 \"first\"\nslot 0 \"a\"\nslot 1 \"b\"\nlane 0 \"x\"\n k0\n k1\n"
      "script s1 \"second\"\nslot 0 \"a\"\nslot 1 \"b\"\nlane 0 \"x\"\n k1\n k0\n"
      "group g0 \"a\" members c0 c1 plans p0\ngroup g1 \"b\" members c0 c1 plans p0\n"
      "class c0 script s0 groups g0 g1\nclass c1 script s1 representative 1 groups g0 g1\n"
      "ranks c0 c1\n";
  EXPECT_THAT(
      verify(parse_program(crossed)),
      ElementsAre(AllOf(HasSubstr("a deadlock"), HasSubstr("('first')"), HasSubstr("('second')"))));
}

}  // namespace
}  // namespace orrery
