#include "program/builder.hpp"

#include "base/check.hpp"
#include "base/random.hpp"

#include <algorithm>
#include <bit>
#include <functional>
#include <type_traits>

namespace orrery {

void WaitSet::add(TaskPlace place) {
  if (!place.exists()) return;
  for (std::size_t i = 0; i < size_; ++i) {
    if (places_[i].lane != place.lane) continue;
    places_[i].position = std::max(places_[i].position, place.position);
    return;
  }
  CHECK(size_ < max_lanes, size_, place.lane);
  places_[size_++] = place;
}

std::uint16_t ScriptBuilder::lane(std::string_view name) {
  std::vector<Lane>& lanes = script_.lanes;
  const auto found =
      std::ranges::find_if(lanes, [&](const Lane& lane) { return lane.name == name; });
  const auto index = static_cast<std::uint16_t>(found - lanes.begin());
  if (found == lanes.end()) {
    CHECK(lanes.size() < max_lanes, name);
    lanes.push_back({.name = std::string(name), .tasks = {}});
  }
  return index;
}

std::uint16_t ScriptBuilder::slot(std::string_view name) {
  std::vector<std::string>& slots = script_.slots;
  const auto index = std::ranges::find(slots, name) - slots.begin();
  if (static_cast<std::size_t>(index) == slots.size()) slots.emplace_back(name);
  return static_cast<std::uint16_t>(index);
}

/// False when the lane itself or an earlier task of it sees to it; remembers the wait otherwise.
bool ScriptBuilder::must_wait(std::uint16_t lane, TaskPlace place) {
  CHECK(place.lane < script_.lanes.size(), place.lane, script_.name);
  CHECK(place.position < script_.lanes[place.lane].tasks.size(), place.lane, place.position);
  std::uint32_t& waited = waited_[lane][place.lane];
  if (place.lane == lane || place.position < waited) return false;
  waited = place.position + 1;
  return true;
}

TaskPlace ScriptBuilder::append(std::uint16_t lane, KindId kind, const TaskOptions& options) {
  CHECK(lane < script_.lanes.size(), lane, script_.name);
  std::vector<Wait>& waits = script_.waits;
  const auto first_wait = static_cast<std::uint32_t>(waits.size());
  for (const TaskPlace& place : options.waits.places()) {
    if (must_wait(lane, place)) waits.push_back({.position = place.position, .lane = place.lane});
  }
  std::vector<Task>& tasks = script_.lanes[lane].tasks;
  const auto position = static_cast<std::uint32_t>(tasks.size());
  tasks.push_back({.kind = kind,
                   .first_wait = first_wait,
                   .wait_count = static_cast<std::uint16_t>(waits.size() - first_wait),
                   .micro_batch = options.micro_batch,
                   .layer = options.layer,
                   .chunk = options.chunk});
  return {.lane = lane, .position = position};
}

TaskPlace ScriptBuilder::last(std::uint16_t lane) const {
  CHECK(lane < script_.lanes.size(), lane, script_.name);
  const std::size_t size = script_.lanes[lane].tasks.size();
  if (size == 0) return {};
  return {.lane = lane, .position = static_cast<std::uint32_t>(size - 1)};
}

void ScriptBuilder::hold(MemoryCategory category, Bytes bytes) {
  script_.resident[static_cast<std::size_t>(category)] += bytes;
}

Script ScriptBuilder::finish() && {
  std::vector<Wait> waits;
  waits.reserve(script_.waits.size());
  for (Lane& lane : script_.lanes) {
    for (Task& task : lane.tasks) {
      const auto first = script_.waits.begin() + task.first_wait;
      task.first_wait = static_cast<std::uint32_t>(waits.size());
      waits.insert(waits.end(), first, first + task.wait_count);
    }
  }
  script_.waits = std::move(waits);
  return std::move(script_);
}

namespace {

/// Mixes whatever is handed in; only equality of the hashed values matters, no order of anything.
class Hash {
 public:
  Hash& add(std::uint64_t bits) {
    state_ = mix_bits(state_ ^ bits);
    return *this;
  }
  Hash& add(double value) { return add(std::bit_cast<std::uint64_t>(value + 0.0)); }  // -0 == 0
  Hash& add(float value) { return add(static_cast<double>(value)); }
  Hash& add(Bytes bytes) { return add(static_cast<std::uint64_t>(bytes.value())); }
  Hash& add(Duration duration) { return add(static_cast<std::uint64_t>(duration.count())); }
  Hash& add(const std::string& text) { return add(std::hash<std::string>{}(text)); }
  template <typename Enum>
  requires std::is_enum_v<Enum> Hash& add(Enum value) {
    return add(static_cast<std::uint64_t>(value));
  }

  std::size_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0;
};

struct AddAction {
  Hash& hash;

  void operator()(const Compute& compute) const {
    hash.add(compute.duration).add(compute.sm).add(compute.memory);
  }
  void operator()(const Communicate& communicate) const {
    hash.add(std::uint64_t{communicate.slot} << 16 | communicate.plan);
  }
  void operator()(const Allocate& change) const { hash.add(change.category).add(change.bytes); }
  void operator()(const Release& change) const { hash.add(change.category).add(change.bytes); }
};

}  // namespace

std::size_t hash_of(const Kind& kind) {
  Hash hash;
  hash.add(kind.name).add(kind.component).add(kind.flops);
  hash.add(std::uint64_t{kind.action.index()} << 1 | std::uint64_t{kind.recomputed});
  std::visit(AddAction{hash}, kind.action);
  return hash.value();
}

std::size_t hash_of(const TransferPlan& plan) {
  Hash hash;
  hash.add(plan.name).add(plan.operation).add(plan.size).add(plan.sm);
  for (const Phase& phase : plan.phases) {
    hash.add(std::uint64_t{phase.repeat});
    for (const Bundle& bundle : phase.bundles) {
      hash.add(std::uint64_t{bundle.pattern}).add(bundle.bytes).add(bundle.latency);
      hash.add(bundle.memory);
    }
  }
  return hash.value();
}

std::size_t hash_of(const Pattern& pattern) {
  Hash hash;
  for (const Crossing& crossing : pattern) hash.add(crossing.resource).add(crossing.weight);
  return hash.value();
}

Program ProgramBuilder::finish() && {
  program_.kinds = std::move(kinds_).take();
  program_.plans = std::move(plans_).take();
  program_.patterns = std::move(patterns_).take();
  return std::move(program_);
}

}  // namespace orrery
