#include "report/interval.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace orrery {
namespace {

constexpr double second = 1e12;

/// One rank that does kernels in a row, and what is known of them.
class Row {
 public:
  Row() {
    program_.scripts.push_back({.name = "stage 0", .lanes = {{"compute", {}}}});
    program_.classes.push_back({.script = ScriptId{0}, .count = 1});
    program_.class_of_rank.resize(1);
    result_.time.push_back({});
  }

  /// `times` executions of a kernel that lasts `seconds`, of which `alone` is the kernel.
  Row& add(const std::string& name, int times, double seconds, KernelEvidence evidence) {
    const Duration duration{std::llround(seconds * second)};
    const KindId kind = program_.kinds.push_back({.name = name, .action = Compute{duration}});
    for (int i = 0; i < times; ++i) {
      program_.scripts[ScriptId{0}].lanes[0].tasks.push_back({.kind = kind});
    }
    result_.time[ClassId{0}].by_component[0] += duration * times;
    evidence_.note(name, 0.0, evidence);
    return *this;
  }
  Row& wait(double seconds) {
    result_.time[ClassId{0}].bubble += Duration{std::llround(seconds * second)};
    return *this;
  }

  StepInterval interval() const { return step_interval(program_, result_, evidence_, {}); }

 private:
  Program program_;
  RunResult result_;
  EvidenceBook evidence_;
};

KernelEvidence product(double alone, bool extrapolated = false) {
  return {.sort = KernelSort::product,
          .alone = Seconds(alone),
          .spread = {0.8, 1.3},
          .extrapolated = extrapolated};
}

TEST(StepInterval, OfOneShapeIsAtLeastTheSpreadOfItsKernel) {
  const StepInterval one = Row().add("a", 100, 1.0, product(1.0)).interval();

  EXPECT_LT(one.low, 0.8);
  EXPECT_GT(one.high, 1.3);
  EXPECT_NEAR(one.low, 0.8, 0.02);
  EXPECT_NEAR(one.high, 1.3, 0.02);
}

TEST(StepInterval, IsNotNarrowerForAShapeThatRepeats) {
  const StepInterval once = Row().add("a", 1, 1.0, product(1.0)).interval();
  const StepInterval often = Row().add("a", 1000, 1.0, product(1.0)).interval();

  EXPECT_DOUBLE_EQ(once.low, often.low);
  EXPECT_DOUBLE_EQ(once.high, often.high);
}

TEST(StepInterval, TakesEqualKernelsOfTwoNamesForOneShape) {
  const StepInterval one = Row().add("a", 2, 1.0, product(1.0)).interval();
  const StepInterval two =
      Row().add("a", 1, 1.0, product(1.0)).add("b", 1, 1.0, product(1.0)).interval();

  EXPECT_DOUBLE_EQ(one.low, two.low);
}

TEST(StepInterval, IsNarrowerWhereShapesDrawResidualsOfTheirOwn) {
  const StepInterval one = Row().add("a", 2, 1.0, product(1.0)).interval();
  const StepInterval two =
      Row().add("a", 1, 1.0, product(1.0)).add("b", 1, 1.1, product(1.1)).interval();

  EXPECT_GT(two.low, one.low);
  EXPECT_LT(two.high, one.high);
  // Two halves: the root of a half of it, and what they share on top.
  EXPECT_NEAR(1.0 - two.low, 0.2 / std::sqrt(2.0), 0.01);
}

TEST(StepInterval, TakesWaitingForLaunchesAsKnown) {
  const StepInterval kernels = Row().add("a", 1, 1.0, product(1.0)).interval();
  const StepInterval launches = Row().add("a", 1, 2.0, product(1.0)).interval();

  EXPECT_NEAR(1.0 - launches.low, (1.0 - kernels.low) / 2.0, 1e-12);
}

TEST(StepInterval, StretchesBubblesAsTheWorkThatIsWaitedFor) {
  const StepInterval busy = Row().add("a", 1, 1.0, product(1.0)).interval();
  const StepInterval idle = Row().add("a", 1, 1.0, product(1.0)).wait(3.0).interval();

  EXPECT_DOUBLE_EQ(busy.low, idle.low);
}

TEST(StepInterval, NamesWhatNobodyMeasuredTheLargestFirst) {
  const StepInterval out = Row()
                               .add("small", 1, 1.0, product(1.0, true))
                               .add("large", 2, 1.5, product(1.5, true))
                               .add("known", 1, 6.0, product(6.0))
                               .interval();

  ASSERT_EQ(out.extrapolated.size(), 2U);
  EXPECT_EQ(out.extrapolated[0].name, "large");
  EXPECT_NEAR(out.extrapolated[0].share, 0.3, 1e-12);
  EXPECT_EQ(out.extrapolated[1].name, "small");
}

TEST(StepInterval, OfNothingIsThePoint) {
  const StepInterval nothing = Row().interval();

  EXPECT_EQ(nothing.low, 1.0);
  EXPECT_EQ(nothing.high, 1.0);
}

}  // namespace
}  // namespace orrery
