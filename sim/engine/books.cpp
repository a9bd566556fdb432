#include "engine/books.hpp"

#include "base/check.hpp"

#include <fmt/format.h>

#include <cmath>
#include <string>

namespace orrery {
namespace {

constexpr double byte_tolerance = 1e-9;
constexpr double rate_tolerance = 1e-9;
/// Far below a byte: what sums of doubles may leave of nothing.
constexpr double least_byte = 1e-6;

/// What the operations of a group carried: on each of its patterns, and through each member's HBM.
struct Carried {
  std::vector<double> by_pattern;
  double memory = 0.0;

  /// Adds `times` executions of the plan.
  void add(const TransferPlan& plan, double times) {
    for (const Phase& phase : plan.phases) {
      const double repeats = times * static_cast<double>(phase.repeat);
      for (const Bundle& bundle : phase.bundles) {
        const double bytes = repeats * bundle.bytes;
        by_pattern[bundle.pattern] += bytes;
        memory += bytes * static_cast<double>(bundle.memory) * 0x1.0p-32;
      }
    }
  }
};

std::string describe_wait(const Program& program, const ClassCursor& rank, std::size_t lane,
                          const Rendezvous& operations) {
  const LaneCursor& cursor = rank.lanes[lane];
  const Script& script = program.scripts[rank.rank_class->script];
  const Task& task = cursor.tasks[cursor.position];
  const Kind& kind = program.kinds[task.kind];
  const std::string who = fmt::format("\n  {}: lane {} at task {} ({}) waits for ", script.name,
                                      script.lanes[lane].name, cursor.position, kind.name);
  if (cursor.blocked) {
    const Wait& wait = script.waits[task.first_wait + cursor.waits_met];
    return who + fmt::format("task {} of lane {}", wait.position, script.lanes[wait.lane].name);
  }
  const auto* join = std::get_if<Communicate>(&kind.action);
  if (join == nullptr) return who + "its end";
  const GroupId group = rank.rank_class->groups[join->slot];
  return who + fmt::format("group {}, which {} of {} member classes have joined",
                           program.groups[group].name, operations.joined(group).size(),
                           operations.members(group));
}

}  // namespace

IdVector<ResourceId, double> bytes_by_plan(const Program& program, const Rendezvous& operations,
                                           const SharedGpus& gpus) {
  IdVector<ResourceId, double> bytes(program.resources.size());
  for (const double kernels : gpus.bytes_of_kernels()) bytes.push_back(kernels);
  for (std::size_t g = 0; g < program.groups.size(); ++g) {
    const Group& group = program.groups[id_at<GroupId>(g)];
    Carried carried{.by_pattern = std::vector<double>(group.patterns.size())};
    for (std::uint16_t p = 0; p < group.plans.size(); ++p) {
      const auto times = static_cast<double>(operations.executed(id_at<GroupId>(g), p));
      if (times > 0.0) carried.add(program.plans[group.plans[p]], times);
    }
    gpus.add_expected(id_at<GroupId>(g), carried.memory, bytes);
    for (std::size_t i = 0; i < carried.by_pattern.size(); ++i) {
      if (carried.by_pattern[i] == 0.0) continue;
      for (const Crossing& crossing : program.patterns[group.patterns[i]]) {
        const double transfers = static_cast<double>(crossing.weight) * 0x1.0p-32;
        bytes[crossing.resource] += carried.by_pattern[i] * transfers;
      }
    }
  }
  return bytes;
}

void check_bytes(const Program& program, const IdVector<ResourceId, double>& expected,
                 const std::vector<double>& crossed) {
  for (std::size_t r = 0; r < crossed.size(); ++r) {
    const auto id = id_at<ResourceId>(r);
    const double error = std::abs(crossed[r] - expected[id]);
    const bool link = r < program.resources.size();
    CHECK(error <= byte_tolerance * expected[id] + least_byte,
          link ? program.resources[id].name : "inside a GPU", crossed[r], expected[id]);
  }
}

void check_rate(const Resource& link, double bytes_per_second) {
  CHECK(bytes_per_second <= link.capacity.value() * (1.0 + rate_tolerance), link.name,
        bytes_per_second, link.capacity.value());
}

void check_capacities(const Program& program, const std::vector<double>& crossed, Instant end) {
  const double elapsed = to_seconds(end - simulation_start).value();
  for (std::size_t r = 0; r < program.resources.size(); ++r) {
    const Resource& link = program.resources[id_at<ResourceId>(r)];
    const double most = link.capacity.value() * elapsed;
    CHECK(crossed[r] <= most * (1.0 + rate_tolerance) + least_byte, link.name, crossed[r], most);
  }
}

void check_phase(const TransferPlan& plan, const Phase& phase, Duration took) {
  for (const Bundle& bundle : phase.bundles) {
    CHECK(took >= bundle.latency, plan.name, took.count(), bundle.latency.count());
    const double most = bundle.rate_cap * to_seconds(took - bundle.latency).value();
    const bool late_enough = bundle.bytes <= most * (1.0 + rate_tolerance) + least_byte;
    CHECK(late_enough || std::isinf(bundle.rate_cap), plan.name, bundle.bytes, most);
  }
}

void check_finished(const Program& program, const IdVector<ClassId, ClassCursor>& classes,
                    const Rendezvous& operations) {
  constexpr std::size_t enough_to_see = 16;
  std::vector<std::string> waiting;
  for (const ClassCursor& rank : classes) {
    for (std::size_t lane = 0; lane < rank.lanes.size() && waiting.size() < enough_to_see; ++lane) {
      if (rank.lanes[lane].position == rank.lanes[lane].task_count) continue;
      waiting.push_back(describe_wait(program, rank, lane, operations));
    }
  }
  const bool every_task_ran = waiting.empty();
  CHECK(every_task_ran, fmt::format("{}", fmt::join(waiting, "")));
  for (const ClassCursor& rank : classes) {
    const Script& script = program.scripts[rank.rank_class->script];
    const bool ledger_balances = rank.ledger.held() == script.resident;
    CHECK(ledger_balances, script.name, rank.ledger.total().value());
  }
}

}  // namespace orrery
