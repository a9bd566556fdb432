#include "engine/rendezvous.hpp"

#include "base/check.hpp"
#include "engine/books.hpp"

#include <algorithm>
#include <cstddef>

namespace orrery {

namespace {

/// How often one operation of each group is joined: by every member class, once for each of its
/// slots that name the group.
IdVector<GroupId, std::uint32_t> joins_per_operation(const Program& program) {
  IdVector<GroupId, std::uint32_t> joins(program.groups.size());
  for (std::size_t g = 0; g < program.groups.size(); ++g) {
    const GroupId id = id_at<GroupId>(g);
    for (const Member& member : program.groups[id].members) {
      const bool known = index_of(member.rank_class) < program.classes.size();
      const auto slots =
          known ? std::ranges::count(program.classes[member.rank_class].groups, id) : 0;
      joins[id] += static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(1, slots));
    }
  }
  return joins;
}

}  // namespace

Rendezvous::Rendezvous(const Program& program, Network& network, const SharedGpus& gpus)
    : program_(program), network_(network), gpus_(gpus) {
  const IdVector<GroupId, std::uint32_t> joins = joins_per_operation(program);
  std::uint32_t joined = 0;
  std::uint32_t plans = 0;
  for (std::size_t g = 0; g < program.groups.size(); ++g) {
    const Group& group = program.groups[id_at<GroupId>(g)];
    const std::uint32_t members = joins[id_at<GroupId>(g)];
    groups_.push_back({.first_joined = joined, .first_plan = plans, .members = members});
    joined += members;
    plans += static_cast<std::uint32_t>(group.plans.size());
  }
  joined_.resize(joined);
  executed_.resize(plans);
}

Rendezvous::Progress Rendezvous::join(GroupId group, std::uint16_t plan, LaneRef member,
                                      Instant now) {
  State& state = groups_[group];
  CHECK(state.arrived < state.members, program_.groups[group].name, state.members);
  CHECK(state.arrived == 0 || state.plan == plan, program_.groups[group].name, state.plan, plan);
  state.plan = plan;
  joined_[state.first_joined + state.arrived] = member;
  if (++state.arrived < state.members) return Progress::gathering;
  state.begin = now;
  state.phase = 0;
  state.repeats = 0;
  ++executed_[state.first_plan + plan];
  return start_next_phase(group, state, now);
}

Rendezvous::Progress Rendezvous::transfer_ended(GroupId group, Instant now) {
  State& state = groups_[group];
  CHECK(state.out > 0, program_.groups[group].name);
  --transfers_out_;
  if (--state.out > 0) return Progress::moving;
  check_phase(plan(group), plan(group).phases[state.phase], now - state.phase_begin);
  return start_next_phase(group, state, now);
}

Rendezvous::Progress Rendezvous::start_next_phase(GroupId group, State& state, Instant now) {
  const auto& phases = plan(group).phases;
  while (state.phase < phases.size()) {
    const Phase& phase = phases[state.phase];
    if (state.repeats == phase.repeat || phase.bundles.empty()) {
      ++state.phase;
      state.repeats = 0;
      continue;
    }
    ++state.repeats;
    start_bundles(group, state, phase, now);
    return Progress::moving;
  }
  return Progress::over;
}

void Rendezvous::start_bundles(GroupId group, State& state, const Phase& phase, Instant now) {
  const auto& patterns = program_.groups[group].patterns;
  const std::span<const Crossing> memory = gpus_.memory_of(group);
  for (const Bundle& bundle : phase.bundles) {
    network_.start(now, {.crossings = program_.patterns[patterns[bundle.pattern]],
                         .ends = bundle.memory > 0 ? memory : std::span<const Crossing>{},
                         .end_weight = bundle.memory,
                         .bytes = bundle.bytes,
                         .rate_cap = bundle.rate_cap,
                         .latency = bundle.latency,
                         .owner = static_cast<std::uint32_t>(index_of(group))});
  }
  state.phase_begin = now;
  state.out = static_cast<std::uint32_t>(phase.bundles.size());
  transfers_ += state.out;
  transfers_out_ += state.out;
}

void Rendezvous::close(GroupId group) { groups_[group].arrived = 0; }

std::span<const LaneRef> Rendezvous::joined(GroupId group) const {
  const State& state = groups_[group];
  return std::span(joined_).subspan(state.first_joined, state.arrived);
}

const TransferPlan& Rendezvous::plan(GroupId group) const {
  return program_.plans[program_.groups[group].plans[groups_[group].plan]];
}

std::uint64_t Rendezvous::executed(GroupId group, std::uint16_t plan) const {
  return executed_[groups_[group].first_plan + plan];
}

}  // namespace orrery
