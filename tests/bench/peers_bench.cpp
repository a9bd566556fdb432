// The work that was given to ASTRA-sim's analytical back-ends, as they define it, on our clusters
// and collectives.
//
// NET-1D(N): one switch of N GPUs, 50 GB/s each, 2,000 ns a link. NET-2D(N): nodes of 8 with a link
// of 400 GB/s and 936.25 ns for every pair, and NET-1D between nodes, an adapter per GPU. A GB/s is
// 2^30 bytes per second. Collectives move in 4 chunks, one at a time in each dimension. MOE(N): 16
// layers of compute, all-to-all, compute, all-to-all over all N.
#include "base/check.hpp"
#include "bench/bench_answer.hpp"
#include "collective/transfer_plan.hpp"
#include "engine/engine.hpp"
#include "fold/refine.hpp"
#include "program/builder.hpp"
#include "support/clusters.hpp"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace orrery {
namespace {

using namespace orrery::literals;
using orrery::testing::first_gpus;
using orrery::testing::sub;
using orrery::testing::text;
using orrery::testing::whole;

constexpr std::int64_t chunks = 4;
constexpr double switch_rate = 50.0 * 1024 * 1024 * 1024;  ///< bytes per second
constexpr double pair_rate = 400.0 * 1024 * 1024 * 1024;
constexpr double switch_latency = 4e-6;  ///< two links
constexpr double pair_latency = 936.25e-9;
constexpr std::int64_t node = 8;

enum class Net { one_dimension, two_dimensions };
enum class Fold { on, off };

Cluster make_net(Net net, std::int64_t gpus) {
  const bool flat = net == Net::one_dimension;
  const auto nic = sub({{"per_node", whole(flat ? 1 : node)},
                        {"bandwidth", text("53.6870912 GB/s")},
                        {"latency", text("2 us")}});
  const auto mesh = sub({{"fabric", text("nvlink_mesh")},
                         {"bandwidth", text("3006.4771072 GB/s")},
                         {"latency", text("936.25 ns")}});
  return orrery::testing::make_cluster(
      orrery::testing::table(
          {{"name", text("net")},
           {"gpus_per_node", whole(flat ? 1 : node)},
           {"intra_node", flat ? sub({{"fabric", text("none")}}) : mesh},
           {"nic", nic},
           {"scale_out", sub({{"fabric", text("flat")}, {"hop_latency", text("0 us")}})}}),
      gpus);
}

struct Work {
  Net net = Net::one_dimension;
  std::int64_t gpus = 64;
  Fold fold = Fold::on;
  std::string_view algorithm = "direct";
  CollectiveKind kind = CollectiveKind::all_to_all;
  Bytes size;
  Steps steps = Steps::bundled;

  double members() const { return static_cast<double>(gpus); }
  double chunk() const { return static_cast<double>(size.value()) / chunks; }
  /// ASTRA's switch passes a message on when all of it has arrived: once more for each chunk.
  double forwarding() const {
    return kind == CollectiveKind::all_to_all && net == Net::one_dimension
               ? chunk() / members() / switch_rate
               : 0.0;
  }
};

/// What crosses which link, and which ranks, links and groups are alike.
class World {
 public:
  World(const Cluster& cluster, Fold fold) : cluster_(cluster), fold_(fold) {}

  void add(PhaseShape phase) { phases_.push_back(std::move(phase)); }
  void divide();

  Program program(const Script& script, const std::vector<TransferPlan>& plans,
                  ProgramBuilder builder);

 private:
  std::size_t gpus() const { return cluster_.gpu_count(); }
  std::vector<RefineEdge> edges() const;
  Pattern pattern(const BundleShape& bundle) const;
  std::vector<Resource> resources() const;

  const Cluster& cluster_;
  Fold fold_;
  std::vector<PhaseShape> phases_;    ///< a group of all ranks for each
  std::vector<std::uint32_t> class_;  ///< of ranks, then phases, then links
  std::uint32_t rank_classes_ = 0;
  std::map<std::uint32_t, std::uint32_t> resource_;  ///< of a class of links
  std::vector<LinkId> first_link_;                   ///< of a resource
};

std::vector<RefineEdge> World::edges() const {
  std::vector<RefineEdge> edges;
  std::map<std::uint64_t, std::uint64_t> label_of_weight;
  for (std::size_t p = 0; p < phases_.size(); ++p) {
    const auto group = static_cast<std::uint32_t>(gpus() + p);
    for (std::uint32_t rank = 0; rank < gpus(); ++rank) edges.push_back({rank, group, 0});
    for (const BundleShape& bundle : phases_[p].bundles) {
      for (const LinkCrossing& crossing : bundle.crossings) {
        const auto label = label_of_weight.try_emplace(crossing.weight, label_of_weight.size());
        const auto link = gpus() + phases_.size() + index_of(crossing.link);
        edges.push_back({group, static_cast<std::uint32_t>(link), 1 + label.first->second});
      }
    }
  }
  return edges;
}

/// Fills in the classes; with folding off every node is its own.
void World::divide() {
  std::vector<std::uint64_t> colours(gpus() + phases_.size() + cluster_.link_count(), 0);
  for (std::size_t p = 0; p < phases_.size(); ++p) colours[gpus() + p] = 1 + p;
  for (std::size_t i = 0; i < cluster_.link_count(); ++i) {
    const LinkKind kind = cluster_.link(id_at<LinkId>(i)).kind;
    colours[gpus() + phases_.size() + i] = 100 + static_cast<std::uint64_t>(kind);
  }
  if (fold_ == Fold::on) {
    class_ = refine(colours, edges(), Ways::both);
  } else {
    for (std::uint32_t i = 0; i < colours.size(); ++i) class_.push_back(i);
  }
  rank_classes_ = *std::max_element(class_.begin(), class_.begin() + static_cast<long>(gpus())) + 1;
  for (std::size_t i = 0; i < cluster_.link_count(); ++i) {
    const std::uint32_t c = class_[gpus() + phases_.size() + i];
    const auto number = static_cast<std::uint32_t>(resource_.size());
    if (resource_.try_emplace(c, number).second) first_link_.push_back(id_at<LinkId>(i));
  }
}

Pattern World::pattern(const BundleShape& bundle) const {
  Pattern pattern;
  for (const LinkCrossing& crossing : bundle.crossings) {
    const std::size_t place = gpus() + phases_.size() + index_of(crossing.link);
    const std::uint32_t resource = resource_.at(class_[place]);
    if (first_link_[resource] != crossing.link) continue;
    pattern.push_back({id_at<ResourceId>(resource), crossing.weight});
  }
  return pattern;
}

Program World::program(const Script& script, const std::vector<TransferPlan>& plans,
                       ProgramBuilder builder) {
  for (const LinkId link : first_link_) {
    builder.add(Resource{.name = cluster_.name(link),
                         .kind = std::string(to_string(cluster_.link(link).kind)),
                         .capacity = cluster_.link(link).capacity});
  }
  const ScriptId id = builder.add(script);
  IdVector<RankId, ClassId> class_of_rank;
  std::vector<Member> members;
  for (std::uint32_t c = 0; c < rank_classes_; ++c) members.push_back({id_at<ClassId>(c), 0});
  for (std::size_t rank = 0; rank < gpus(); ++rank) {
    class_of_rank.push_back(id_at<ClassId>(class_[rank]));
    ++members[class_[rank]].count;
  }
  std::vector<GroupId> groups;
  for (std::size_t p = 0; p < phases_.size(); ++p) {
    Group group{.name = script.slots[p], .members = members};
    group.plans = {builder.intern(plans[p])};
    for (const BundleShape& bundle : phases_[p].bundles) {
      group.patterns.push_back(builder.intern(pattern(bundle)));
    }
    groups.push_back(builder.add(std::move(group)));
  }
  for (const Member& member : members) {
    builder.add(RankClass{.script = id, .count = member.count, .groups = groups});
  }
  builder.set_class_of_rank(std::move(class_of_rank));
  return std::move(builder).finish();
}

/// The plan of one phase of a chunk, alone.
TransferPlan plan_of(const PhaseShape& phase, const Work& work, const CollectiveAlgorithm& by) {
  double sent = 0.0;
  for (const BundleShape& b : phase.bundles) sent += b.volume * b.transfers * phase.repeat;
  Choice choice;
  choice.algorithm = &by;
  choice.inter_hop = quantize(Seconds(work.forwarding()));
  const Shape shape{{phase}, sent / work.members()};
  return make_transfer_plan({.shape = shape,
                             .choice = choice,
                             .kind = work.kind,
                             .size = Bytes(static_cast<std::int64_t>(work.chunk())),
                             .members = static_cast<std::size_t>(work.gpus)});
}

/// A script that queues the chunks of an operation, phase after phase, whenever it is asked to.
class ChunkedScript {
 public:
  ChunkedScript(ProgramBuilder& program, std::size_t phases) : script_("rank") {
    compute_ = script_.lane("compute");
    for (std::size_t p = 0; p < phases; ++p) {
      const std::string name = "dimension " + std::to_string(p);
      lanes_.push_back(script_.lane(name));
      kinds_.push_back(program.intern(Kind{
          .name = name, .component = Component::ep, .action = Communicate{script_.slot(name)}}));
    }
  }

  TaskPlace compute(KindId kind, TaskPlace after) {
    return script_.append(compute_, kind, {.waits = {after}});
  }
  TaskPlace exchange(TaskPlace after) {
    for (std::int64_t c = 0; c < chunks; ++c) {
      TaskPlace done = after;
      for (std::size_t p = 0; p < lanes_.size(); ++p) {
        done = script_.append(lanes_[p], kinds_[p], {.waits = {done}});
      }
    }
    return script_.last(lanes_.back());
  }
  Script finish() && { return std::move(script_).finish(); }

 private:
  ScriptBuilder script_;
  std::uint16_t compute_ = 0;
  std::vector<std::uint16_t> lanes_;
  std::vector<KindId> kinds_;
};

KindId computation(ProgramBuilder& program, double flops) {
  constexpr double peak = 989e12;
  return program.intern(
      Kind{.name = "compute", .action = Compute{quantize(Seconds(flops / peak))}, .flops = flops});
}

/// One operation, or `layers` of two computations, an operation after each.
Program make_program(const Work& work, std::int64_t layers) {
  const Cluster cluster = make_net(work.net, work.gpus);
  const CollectiveAlgorithm& by = *find_collective_algorithm(work.algorithm);
  const std::vector<VertexId> members = first_gpus(cluster.gpu_count());
  Shape shape = by.shape(work.kind, members, cluster, work.steps);
  World world(cluster, work.fold);
  std::vector<TransferPlan> plans;
  for (PhaseShape& phase : shape.phases) {
    plans.push_back(plan_of(phase, work, by));
    world.add(std::move(phase));
  }
  world.divide();
  ProgramBuilder program("all GPUs");
  ChunkedScript script(program, plans.size());
  TaskPlace done;
  if (layers == 0) script.exchange(done);
  for (std::int64_t layer = 0; layer < layers; ++layer) {
    done = script.exchange(script.compute(computation(program, 1.530e12), done));
    done = script.exchange(script.compute(computation(program, 2.886e12), done));
  }
  return world.program(std::move(script).finish(), plans, std::move(program));
}

RunResult run(const Program& program) {
  const auto network = make_fair_share_network(program.resources);
  NullSink sink;
  return execute(program, *network, sink);
}

void report(benchmark::State& state, const Program& program, const RunResult& result) {
  state.counters["classes"] = static_cast<double>(program.classes.size());
  state.counters["simulated_us"] = 1e6 * to_seconds(result.end).value();
}

/// Closed forms of one operation, chunk after chunk.
double expected_seconds(const Work& work) {
  const double n = work.members();
  const double rest = work.kind == CollectiveKind::all_reduce ? 2.0 * (n - 1.0) : n - 1.0;
  if (work.net == Net::two_dimensions) {
    const double nodes = n / node;
    const double inside = work.chunk() / node / pair_rate + pair_latency;
    const double between = (nodes - 1.0) / nodes * work.chunk() / switch_rate + switch_latency;
    return inside + chunks * between;
  }
  const double hops = work.algorithm == "ring" ? rest : 1.0;
  const double bytes = rest / n * work.chunk();
  return chunks * (bytes / switch_rate + hops * switch_latency + work.forwarding());
}

void run_operation(benchmark::State& state, Work work) {
  work.gpus = state.range(0);
  for (auto _ : state) {
    const Program program = make_program(work, 0);
    const RunResult result = run(program);
    expect_answer(to_seconds(result.end).value(), expected_seconds(work), 1e-6);
    report(state, program, result);
  }
}

constexpr Bytes buffer{64 << 20};

void all_to_all(benchmark::State& state, Net net, Steps steps) {
  const bool flat = net == Net::one_dimension;
  run_operation(state, {.net = net,
                        .fold = steps == Steps::bundled ? Fold::on : Fold::off,
                        .algorithm = flat ? "direct" : "hierarchical",
                        .size = buffer,
                        .steps = steps});
}
BENCHMARK_CAPTURE(all_to_all, net_1d, Net::one_dimension, Steps::bundled)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(all_to_all, net_1d_explicit, Net::one_dimension, Steps::explicit_steps)
    ->Arg(64)
    ->Arg(256)
    ->Arg(512)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(all_to_all, net_2d, Net::two_dimensions, Steps::bundled)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);

/// `size` is what the algorithm counts: a gathering counts what all contribute together.
void ring(benchmark::State& state, CollectiveKind kind, Steps steps) {
  const bool gather = kind == CollectiveKind::all_gather;
  run_operation(state, {.fold = steps == Steps::bundled ? Fold::on : Fold::off,
                        .algorithm = "ring",
                        .kind = kind,
                        .size = gather ? buffer * state.range(0) : buffer,
                        .steps = steps});
}
BENCHMARK_CAPTURE(ring, all_reduce, CollectiveKind::all_reduce, Steps::bundled)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, all_reduce_explicit, CollectiveKind::all_reduce, Steps::explicit_steps)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, all_gather, CollectiveKind::all_gather, Steps::bundled)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(ring, all_gather_explicit, CollectiveKind::all_gather, Steps::explicit_steps)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);

void experts(benchmark::State& state, Net net, Fold fold) {
  constexpr std::int64_t layers = 16;
  constexpr double computing = 71.44e-3;
  const bool flat = net == Net::one_dimension;
  const Work work{.net = net,
                  .gpus = state.range(0),
                  .fold = fold,
                  .algorithm = flat ? "direct" : "hierarchical",
                  .size = Bytes(469'762'048)};
  for (auto _ : state) {
    const Program program = make_program(work, layers);
    const RunResult result = run(program);
    expect_answer(to_seconds(result.time.begin()->busy).value(), computing, 1e-4);
    expect_answer(to_seconds(result.end).value(), computing + 2 * layers * expected_seconds(work),
                  1e-4);
    CHECK(program.classes.size() == (fold == Fold::on ? 1 : program.class_of_rank.size()));
    report(state, program, result);
  }
}
BENCHMARK_CAPTURE(experts, net_1d, Net::one_dimension, Fold::on)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(experts, net_1d_one_by_one, Net::one_dimension, Fold::off)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(experts, net_2d, Net::two_dimensions, Fold::on)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(experts, net_2d_one_by_one, Net::two_dimensions, Fold::off)
    ->Arg(64)
    ->Arg(512)
    ->Arg(1'024)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace orrery
