#include "validation/layer_times.hpp"

#include <gtest/gtest.h>

namespace orrery {
namespace {

Duration ms(std::int64_t n) { return Duration{n * 1'000'000'000}; }

/// A rank that runs two layers forward and backward, each pass a kernel of attention and one of
/// experts.
struct Passes {
  Program program;
  LayerTimes times{program};
  Instant now = simulation_start;

  Passes() {
    program.scripts.push_back({.name = "stage 0", .lanes = {{"compute", {}}}});
    program.classes.push_back({.script = ScriptId{0}, .count = 1});
  }

  void run(const char* name, std::uint16_t layer, std::int64_t length, std::uint16_t batch = 0) {
    const KindId kind = program.kinds.push_back({.name = name, .action = Compute{ms(length)}});
    auto& tasks = program.scripts[ScriptId{0}].lanes[0].tasks;
    tasks.push_back({.kind = kind, .micro_batch = batch, .layer = layer});
    times.add(Span{.begin = now,
                   .duration = ms(length),
                   .position = static_cast<std::uint32_t>(tasks.size() - 1)});
    now += ms(length);
  }
  void run_both() {
    for (const std::uint16_t layer : {std::uint16_t{0}, std::uint16_t{1}}) {
      run("attention_core.forward", layer, 2);
      run("router.forward", layer, 1);
      run("expert_up.forward", layer, 4);
    }
    for (const std::uint16_t layer : {std::uint16_t{1}, std::uint16_t{0}}) {
      run("expert_up.input_gradient", layer, 9);
      run("router.input_gradient", layer, 2);
      run("attention_core.backward", layer, 5);
    }
  }
};

TEST(LayerTimes, OfAPassAreTheTimeFromOneLayerToTheNext) {
  Passes passes;
  passes.run_both();
  const auto seconds = passes.times.seconds();

  EXPECT_NEAR(seconds.at("layer_forward_s"), 7e-3, 1e-12);
  EXPECT_NEAR(seconds.at("layer_backward_s"), 16e-3, 1e-12);
}

TEST(LayerTimes, TellPartsOfALayerApart) {
  Passes passes;
  passes.run_both();
  const auto seconds = passes.times.seconds();

  EXPECT_NEAR(seconds.at("attention_forward_s"), 2e-3, 1e-12);
  EXPECT_NEAR(seconds.at("attention_backward_s"), 5e-3, 1e-12);
  EXPECT_NEAR(seconds.at("experts_forward_s"), 5e-3, 1e-12);
  EXPECT_NEAR(seconds.at("experts_backward_s"), 11e-3, 1e-12);
  EXPECT_EQ(seconds.count("dispatch_s"), 0U);
}

TEST(LayerTimes, ListenToTheFirstMicroBatchAlone) {
  Passes passes;
  passes.run_both();
  const auto before = passes.times.seconds();
  passes.run("attention_core.forward", 0, 100, 1);

  EXPECT_EQ(passes.times.seconds(), before);
}

TEST(LayerTimes, AreNoneOfASingleLayer) {
  Passes passes;
  passes.run("attention_core.forward", 0, 2);

  EXPECT_TRUE(passes.times.seconds().empty());
}

}  // namespace
}  // namespace orrery
