// What follows from a GPU's SMs and memory when several use them at once, held against closed
// forms.
#include "engine/engine.hpp"
#include "program/text.hpp"
#include "program/verify.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace orrery {
namespace {

using namespace orrery::literals;

/// One rank with a GPU of 1000 B/us. `first` and `second` run beside each other, `plan` is what
/// its group of one does on a link of 100 B/us.
struct Case {
  std::string first;
  std::string second;
  std::string plan = "sm 0";
};

Program program_of(const Case& given) {
  const std::string text = fmt::format(
      "program \"shared\"\n"
      "resource r0 \"link\" kind \"nic\" capacity 100000000 B/s\n"
      "pattern x0 r0*1\n"
      "plan p0 \"all_reduce\" dp operation \"all_reduce\" size 1 B {}\n"
      "kind k0 \"kernel\" compute takes {}\n"
      "kind k1 \"beside it\" compute {}\n"
      "script s0 \"rank\" capacity 80 GB bandwidth 1000000000 B/s\n"
      "  slot 0 \"dp\"\n"
      "  lane 0 \"compute\"\n    k0\n"
      "  lane 1 \"beside\"\n    k1\n"
      "group g0 \"dp\" plans p0 patterns x0 members c0*1\n"
      "class c0 script s0 representative 0 groups g0\n"
      "ranks c0*1\n",
      given.plan, given.first, given.second);
  Program program = parse_program(text, "test");
  EXPECT_THAT(verify(program), testing::IsEmpty());
  return program;
}

/// Nanoseconds at which the kernel of lane 0 and what runs beside it have ended.
struct Ends {
  double first = 0.0;
  double second = 0.0;
};

Ends ends_of(const Case& given, Interference interference = Interference::on) {
  const Program program = program_of(given);
  const auto network = make_fair_share_network(program.resources);
  RecordingSink rows;
  execute(program, *network, rows, {.interference = interference});
  Ends ends;
  for (const Span& span : rows.spans) {
    const Duration end = (span.begin + span.duration).time_since_epoch();
    (span.lane == 0 ? ends.first : ends.second) = static_cast<double>(end.count()) * 1e-3;
  }
  return ends;
}

/// An all-reduce that holds a share of the SMs and moves `memory` bytes through HBM for each byte.
std::string all_reduce(double bytes, double sm, const std::string& memory) {
  return fmt::format("sm {}\n  phase\n    bundle pattern 0 bytes {} latency 0 us {}", sm, bytes,
                     memory.empty() ? "" : "memory " + memory);
}

TEST(SharedGpus, GiveAProductBesideAnAllReduceTheSmsThatAreLeft) {
  const Ends ends = ends_of({"10 us sm 1", "joins slot 0 plan 0", all_reduce(1e6, 16.0 / 132, "")});

  EXPECT_NEAR(ends.first, 10'000.0 * 132 / 116, 0.01);
}

TEST(SharedGpus, LeaveAKernelAloneThatNeedsLessThanIsLeft) {
  const Case given{"10 us sm 0.5 memory 0.25", "joins slot 0 plan 0", all_reduce(2000, 0.5, "2")};

  EXPECT_NEAR(ends_of(given).first, 10'000.0, 0.002);
}

TEST(SharedGpus, GiveAKernelThatWantsAllMemoryWhatACollectiveLeaves) {
  // The link lets 100 B/us pass, which takes 300 of the memory's 1000: the kernel gets 700.
  const Ends ends = ends_of({"7 us memory 1", "joins slot 0 plan 0", all_reduce(1000, 0.0, "3")});

  EXPECT_NEAR(ends.first, 10'000.0, 0.01);
  EXPECT_NEAR(ends.second, 10'000.0, 0.01);
}

TEST(SharedGpus, SlowACollectiveThatWantsMoreOfTheMemoryThanItsShare) {
  // Level x for the kernel and each byte of the bundle: x + 19 x = 1000, less than the link's 100.
  const Ends ends = ends_of({"5 us memory 1", "joins slot 0 plan 0", all_reduce(1000, 0.0, "19")});

  EXPECT_NEAR(ends.second, 20'000.0, 0.01);
  EXPECT_NEAR(ends.first, 20'000.0 + (5'000.0 - 20'000.0 / 20), 0.01);
}

TEST(SharedGpus, HalveTwoKernelsThatWantAllMemory) {
  const Ends ends = ends_of({"4 us memory 1", "takes 6 us memory 1"});

  EXPECT_NEAR(ends.first, 8'000.0, 0.01);
  EXPECT_NEAR(ends.second, 10'000.0, 0.01);
}

TEST(SharedGpus, LetAProductAndACopyRunBesideEachOther) {
  const Ends ends = ends_of({"4 us sm 0.9 memory 0.3", "takes 6 us memory 0.7"});

  EXPECT_NEAR(ends.first, 4'000.0, 0.002);
  EXPECT_NEAR(ends.second, 6'000.0, 0.002);
}

TEST(SharedGpus, AreNotAskedWithInterferenceOff) {
  const Case given{"4 us memory 1", "takes 6 us memory 1"};

  EXPECT_EQ(ends_of(given, Interference::off).first, 4'000.0);
  EXPECT_EQ(ends_of(given, Interference::off).second, 6'000.0);
}

TEST(SharedGpus, LeaveALittleHoweverManySmsAreClaimed) {
  const Ends ends = ends_of({"1 us sm 1", "joins slot 0 plan 0", all_reduce(1e6, 1.0, "")});

  EXPECT_NEAR(ends.first, 1'000.0 / least_share_left, 0.01);
}

TEST(SharedGpus, CountOnlyKernelsThatHadCompany) {
  const Program alone = program_of({"4 us memory 1", "takes 6 us"});
  const auto network = make_fair_share_network(alone.resources);
  NullSink rows;

  EXPECT_EQ(execute(alone, *network, rows).shared_kernels, 0U);
}

}  // namespace
}  // namespace orrery
