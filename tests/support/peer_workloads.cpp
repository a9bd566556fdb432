#include "support/peer_workloads.hpp"

#include "engine/engine.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace orrery::peers {
namespace {

using namespace orrery::literals;

constexpr std::size_t node = 8;
constexpr std::size_t directions =
    4;  // of a host: up and down inside its node, up and down outside

struct Pair {
  std::size_t source;
  std::size_t target;

  bool local() const { return source / node == target / node; }
  ResourceId up() const { return id_at<ResourceId>(directions * source + (local() ? 0 : 2)); }
  ResourceId down() const { return id_at<ResourceId>(directions * target + (local() ? 1 : 3)); }
  Duration latency() const { return local() ? 1_us : 2_us; }
};

Program world_of(std::size_t hosts) {
  Program program;
  const auto join = program.kinds.push_back({.name = "collective", .action = Communicate{}});
  const auto script =
      program.scripts.push_back({.name = "rank",
                                 .lanes = {{.name = "compute", .tasks = {{.kind = join}}}},
                                 .slots = {"world"}});
  const auto count = static_cast<Multiplicity>(hosts);
  const auto world = program.groups.push_back({.name = "world"});
  const auto rank =
      program.classes.push_back({.script = script, .count = count, .groups = {world}});
  program.groups[world].members = {{.rank_class = rank, .count = count}};
  for (std::size_t r = 0; r < directions * hosts; ++r) {
    program.resources.push_back({.capacity = BytesPerSecond(r % directions < 2 ? 400e9 : 50e9)});
  }
  program.class_of_rank = IdVector<RankId, ClassId>(hosts, rank);
  return program;
}

void set_plan(Program& program, TransferPlan plan) {
  program.groups.begin()->plans = {program.plans.push_back(std::move(plan))};
}

std::uint32_t add_pattern(Program& program, Pattern pattern) {
  auto& patterns = program.groups.begin()->patterns;
  patterns.push_back(program.patterns.push_back(std::move(pattern)));
  return static_cast<std::uint32_t>(patterns.size() - 1);
}

/// What the pairs cross together: ascending, each resource once.
Pattern pattern_of(std::span<const Pair> pairs) {
  Pattern all;
  for (const Pair& pair : pairs) {
    all.push_back({.resource = pair.up()});
    all.push_back({.resource = pair.down()});
  }
  std::ranges::sort(all, {}, &Crossing::resource);
  Pattern merged;
  for (const Crossing& crossing : all) {
    if (!merged.empty() && merged.back().resource == crossing.resource) {
      merged.back().weight += crossing.weight;
    } else {
      merged.push_back(crossing);
    }
  }
  return merged;
}

Bundle bundle_of(Program& program, std::span<const Pair> pairs, double bytes) {
  return {.pattern = add_pattern(program, pattern_of(pairs)),
          .bytes = bytes,
          .latency = pairs.front().latency()};
}

Phase phase_of(Program& program, const std::vector<Pair>& pairs, double bytes, Lowering lowering) {
  Phase phase;
  if (lowering == Lowering::explicit_transfers) {
    for (const Pair& pair : pairs) phase.bundles.push_back(bundle_of(program, {&pair, 1}, bytes));
    return phase;
  }
  for (const bool local : {true, false}) {
    std::vector<Pair> alike;
    for (const Pair& pair : pairs) {
      if (pair.local() == local) alike.push_back(pair);
    }
    if (!alike.empty()) phase.bundles.push_back(bundle_of(program, alike, bytes));
  }
  return phase;
}

}  // namespace

Program all_to_all(const Workload& workload) {
  Program program = world_of(workload.hosts);
  std::vector<Pair> pairs;
  for (std::size_t source = 0; source < workload.hosts; ++source) {
    for (std::size_t target = 0; target < workload.hosts; ++target) {
      if (source != target) pairs.push_back({.source = source, .target = target});
    }
  }
  const double share = workload.size / Bytes(static_cast<std::int64_t>(workload.hosts));
  set_plan(program, {.phases = {phase_of(program, pairs, share, workload.lowering)}});
  return program;
}

Program ring_all_reduce(const Workload& workload) {
  Program program = world_of(workload.hosts);
  std::vector<Pair> pairs;
  for (std::size_t source = 0; source < workload.hosts; ++source) {
    pairs.push_back({.source = source, .target = (source + 1) % workload.hosts});
  }
  const double share = workload.size / Bytes(static_cast<std::int64_t>(workload.hosts));
  const auto steps = static_cast<std::uint32_t>(2 * (workload.hosts - 1));
  Phase phase = phase_of(program, pairs, share, workload.lowering);
  if (workload.lowering == Lowering::explicit_transfers) {
    phase.repeat = steps;
  } else {
    // A pipelined ring goes at the pace of its slowest hop: all bytes at once, all latencies
    // before.
    for (Bundle& bundle : phase.bundles) bundle.bytes *= steps;
    for (Bundle& bundle : phase.bundles) bundle.latency *= steps;
  }
  set_plan(program, {.phases = {std::move(phase)}});
  return program;
}

double simulated_us(const Program& program) {
  const auto network = make_fair_share_network(program.resources);
  NullSink sink;
  const RunResult result = execute(program, *network, sink);
  return to_seconds(result.end).value() * 1e6;
}

}  // namespace orrery::peers
