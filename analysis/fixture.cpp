// Writes the run that the tests of analysis/ read, and a trace of it: one optimizer step of 16
// GPUs, four pipeline stages of 2-way tensor and 2-way data parallelism, 1F1B over eight
// micro-batches.
//
//   analysis_fixture RUN.h5 TRACE.json.gz
#include "base/check.hpp"
#include "engine/engine.hpp"
#include "network/network.hpp"
#include "program/builder.hpp"
#include "program/verify.hpp"
#include "timeline/timeline_file.hpp"
#include "timeline/timeline_reader.hpp"
#include "timeline/trace_json.hpp"

#include <cstdio>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace orrery {
namespace {

using namespace orrery::literals;

constexpr std::uint16_t stages = 4;
constexpr std::uint16_t micro_batches = 8;
constexpr std::uint16_t layers = 3;  // of one stage
constexpr Multiplicity ranks_per_stage = 4;

constexpr Bytes hidden_state = 48_MiB;
constexpr Bytes stash = 900_MiB;
constexpr Bytes gradients = 400_MB;

Kind kernel(std::string name, Duration duration) {
  return {.name = std::move(name),
          .action = Compute{.duration = duration, .sm = 0.9F, .memory = 0.3F},
          .flops = 1e12};
}

Kind joining(std::string name, Component component, std::uint16_t slot) {
  return {.name = std::move(name), .component = component, .action = Communicate{.slot = slot}};
}

class Fixture {
 public:
  Program program() && {
    const ResourceId nvlink = builder_.add(Resource{
        .name = "node[0].gpu[0] → nvswitch", .kind = "nvlink", .capacity = 450_GBps, .count = 16});
    const ResourceId nic = builder_.add(Resource{
        .name = "node[0].nic[0] → leaf[0]", .kind = "nic", .capacity = 50_GBps, .count = 16});
    inside_ = builder_.intern(Pattern{{.resource = nvlink}});
    outside_ = builder_.intern(Pattern{{.resource = nic}});
    for (std::uint16_t stage = 0; stage < stages; ++stage) add_stage(stage);
    add_groups();
    IdVector<RankId, ClassId> class_of_rank;
    for (std::uint32_t rank = 0; rank < stages * ranks_per_stage; ++rank) {
      class_of_rank.push_back(id_at<ClassId>(rank / ranks_per_stage));
    }
    builder_.set_class_of_rank(std::move(class_of_rank));
    return std::move(builder_).finish();
  }

 private:
  /// One stage's script while it is written.
  struct Stage {
    std::uint16_t number;
    ScriptBuilder script;
    std::uint16_t compute;
    std::uint16_t tensor;
    std::uint16_t forward_in, forward_out, backward_in, backward_out;
  };

  void add_stage(std::uint16_t number) {
    ScriptBuilder script("stage " + std::to_string(number));
    script.set_memory_capacity(80_GiB);
    script.hold(MemoryCategory::parameters, 12_GB);
    script.hold(MemoryCategory::gradients, 12_GB);
    script.hold(MemoryCategory::optimizer, 36_GB);
    script.hold(MemoryCategory::overhead, 2_GB);
    Stage stage{.number = number,
                .script = std::move(script),
                .compute = 0,
                .tensor = 0,
                .forward_in = 0,
                .forward_out = 0,
                .backward_in = 0,
                .backward_out = 0};
    add_lanes(stage);
    add_steps(stage);
    const ScriptId id = builder_.add(std::move(stage.script).finish());
    builder_.add(RankClass{.script = id,
                           .count = ranks_per_stage,
                           .representative = id_at<RankId>(number * ranks_per_stage),
                           .slowdown = number == 2 ? 1.05 : 1.0});
  }

  static void add_lanes(Stage& stage) {
    stage.compute = stage.script.lane("compute");
    stage.tensor = stage.script.lane("tensor");
    stage.script.slot("tp");
    stage.script.slot("dp");
    if (stage.number > 0) {
      stage.forward_in = stage.script.lane("pipeline_forward_in");
      stage.backward_out = stage.script.lane("pipeline_backward_out");
      stage.script.slot("forward_in");
      stage.script.slot("backward_out");
    }
    if (stage.number + 1 < stages) {
      stage.forward_out = stage.script.lane("pipeline_forward_out");
      stage.backward_in = stage.script.lane("pipeline_backward_in");
      stage.script.slot("forward_out");
      stage.script.slot("backward_in");
    }
    stage.script.lane("data");
  }

  /// 1F1B: warm up with as many forwards as stages follow, then alternate, then drain.
  void add_steps(Stage& stage) {
    const auto ahead = static_cast<std::uint16_t>(stages - 1 - stage.number);
    std::uint16_t forwards = 0;
    for (std::uint16_t backwards = 0; backwards < micro_batches; ++backwards) {
      while (forwards < micro_batches && forwards <= backwards + ahead) forward(stage, forwards++);
      backward(stage, backwards);
    }
    const std::uint16_t data = stage.script.lane("data");
    const TaskPlace reduced =
        stage.script.append(data, builder_.intern(joining("gradients.reduce", Component::dp, 1)),
                            {.waits = {stage.script.last(stage.compute)}});
    Kind step = kernel("optimizer.step", 3_ms);
    step.component = Component::optimizer;
    stage.script.append(stage.compute, builder_.intern(step), {.waits = {reduced}});
  }

  void forward(Stage& stage, std::uint16_t micro_batch) {
    TaskPlace ready;
    if (stage.number > 0) {
      ready = exchange(stage, stage.forward_in, "forward_in", {.micro_batch = micro_batch});
    }
    const Kind take{.name = "activations.stash",
                    .action = Allocate{MemoryCategory::activations, stash}};
    stage.script.append(stage.compute, builder_.intern(take),
                        {.micro_batch = micro_batch, .waits = {ready}});
    for (std::uint16_t layer = 0; layer < layers; ++layer) {
      ready = add_layer(stage, {.micro_batch = micro_batch, .layer = layer, .waits = {ready}},
                        "forward", 1);
    }
    if (stage.number + 1 == stages) return;
    exchange(stage, stage.forward_out, "forward_out",
             {.micro_batch = micro_batch, .waits = {ready}});
  }

  void backward(Stage& stage, std::uint16_t micro_batch) {
    TaskPlace ready;
    if (stage.number + 1 < stages) {
      ready = exchange(stage, stage.backward_in, "backward_in", {.micro_batch = micro_batch});
    }
    for (std::uint16_t layer = layers; layer-- > 0;) {
      ready = add_layer(stage, {.micro_batch = micro_batch, .layer = layer, .waits = {ready}},
                        "backward", 2);
    }
    const Kind give{.name = "activations.drop",
                    .action = Release{MemoryCategory::activations, stash}};
    stage.script.append(stage.compute, builder_.intern(give),
                        {.micro_batch = micro_batch, .waits = {ready}});
    if (stage.number == 0) return;
    exchange(stage, stage.backward_out, "backward_out",
             {.micro_batch = micro_batch, .waits = {ready}});
  }

  TaskPlace add_layer(Stage& stage, TaskOptions options, const std::string& way, int times) {
    options.layer = static_cast<std::uint16_t>(options.layer + stage.number * layers);
    const KindId reduce = builder_.intern(joining("layer.all_reduce." + way, Component::tp, 0));
    for (const auto& [name, duration] : {std::pair{"attention.", 420_us}, {"mlp.", 640_us}}) {
      const TaskPlace done = stage.script.append(
          stage.compute, builder_.intern(kernel(name + way, duration * times)), options);
      options.waits = {stage.script.append(
          stage.tensor, reduce,
          {.micro_batch = options.micro_batch, .layer = options.layer, .waits = {done}})};
    }
    return options.waits.places().front();
  }

  TaskPlace exchange(Stage& stage, std::uint16_t lane, const std::string& slot,
                     const TaskOptions& options) {
    const Kind kind = joining("pipeline." + slot, Component::pp, stage.script.slot(slot));
    return stage.script.append(lane, builder_.intern(kind), options);
  }

  PlanId plan(const std::string& operation, Component component, Bytes size) {
    const auto bytes = static_cast<double>(size.value());
    return builder_.intern(
        TransferPlan{.name = operation + " ring/simple",
                     .component = component,
                     .operation = operation,
                     .size = size,
                     .bytes_sent_per_member = operation == "send_recv" ? bytes / 2 : bytes,
                     .phases = {{.bundles = {{.bytes = bytes, .latency = 9_us}}}}});
  }

  GroupId group(const std::string& name, std::vector<Member> members, PlanId plan) {
    const auto count = ranks_per_stage / members.front().count;
    const bool inside = name == "tp";
    return builder_.add(Group{.name = name,
                              .count = count,
                              .members = std::move(members),
                              .plans = {plan},
                              .patterns = {inside ? inside_ : outside_}});
  }

  void add_groups() {
    const PlanId reduce = plan("all_reduce", Component::tp, hidden_state);
    const PlanId reduce_gradients = plan("all_reduce", Component::dp, gradients);
    const PlanId send = plan("send_recv", Component::pp, hidden_state);
    for (std::uint16_t stage = 0; stage < stages; ++stage) {
      const auto id = id_at<ClassId>(stage);
      auto& groups = builder_.rank_class(id).groups;
      groups.insert(groups.begin(),
                    {group("tp", {{id, 2}}, reduce), group("dp", {{id, 2}}, reduce_gradients)});
      if (stage + 1 == stages) continue;
      const auto next = id_at<ClassId>(stage + 1U);
      auto& next_groups = builder_.rank_class(next).groups;
      const GroupId forward = group("pp forward", {{id, 1}, {next, 1}}, send);
      const GroupId backward = group("pp backward", {{id, 1}, {next, 1}}, send);
      groups.insert(groups.end(), {forward, backward});
      next_groups.insert(next_groups.end(), {forward, backward});
    }
  }

  ProgramBuilder builder_{"four stages"};
  PatternId inside_{};
  PatternId outside_{};
};

void write(const std::string& path, const std::string& trace) {
  const Program program = Fixture().program();
  const std::vector<std::string> wrong = verify(program);
  CHECK(wrong.empty(), wrong.empty() ? "" : wrong.front());
  const TimelineMeta meta{.name = "Four stages",
                          .scenario_given = "name = \"Four stages\"\n",
                          .scenario_normalised = "name = \"Four stages\"\nseed = 1\n",
                          .version = "0.1.0",
                          .seed = 1};
  TimelineFile file(path, meta, program);
  const auto network = make_fair_share_network(program.resources);
  const RunResult result = execute(program, *network, file);
  const double seconds = to_seconds(result.end.time_since_epoch()).value();
  file.close("{\"step_time_s\": " + std::to_string(seconds) + "}");

  write_trace(TimelineReader(path), trace, {.ranks = parse_ranks("1,9-10", 16)});
}

}  // namespace
}  // namespace orrery

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: analysis_fixture RUN.h5 TRACE.json.gz\n", stderr);
    return 2;
  }
  orrery::write(argv[1], argv[2]);
  return 0;
}
