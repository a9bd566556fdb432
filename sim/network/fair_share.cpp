// Fair share: active transfers are variables of a max-min system, resources its capacities.
//
// A change (a start after its latency, a completion) makes the resources it crosses due. When time
// next moves, one solve covers the connected components of the transfer-resource graph that hold a
// due resource, and no others. Max-min splits exactly over components, so what is not touched is
// not looked at. A transfer whose rate came out bitwise the same keeps its prediction; only the
// others settle their remaining bytes and predict anew. Superseded predictions stay in the queue
// and are recognised by their number when they surface.
//
// Bytes crossed are an integral of each resource's load, less what rounding finishes up to whole
// picoseconds added; so they agree with the bytes of the completed transfers only if every load was
// right.
#include "base/check.hpp"
#include "base/event_queue.hpp"
#include "network/max_min.hpp"
#include "network/network.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace orrery {
namespace {

/// Rounding of the at most 2^20 rounds of a solve: far above it, far below any real excess.
constexpr double load_tolerance = 1e-9;

struct Flow {
  std::span<const Crossing> crossings{};
  std::span<const Crossing> ends{};
  std::uint64_t end_weight = 0;
  double remaining = 0.0;  ///< bytes of one transfer at `settled`
  double rate = 0.0;
  double rate_cap = 0.0;
  Instant settled{};
  std::uint64_t sequence = 0;  ///< order of starting
  std::uint32_t owner = 0;
  std::uint32_t prediction = 0;  ///< number of the one that stands
  std::uint32_t solve = 0;       ///< last one it took part in
  bool ended = false;

  bool crosses_nothing() const { return crossings.empty() && ends.empty(); }
  /// Calls `visit(resource, weight)` for all that it crosses.
  template <typename Visit>
  void each_crossing(Visit visit) const {
    for (const Crossing& crossing : crossings) visit(crossing.resource, crossing.weight);
    for (const Crossing& crossing : ends) visit(crossing.resource, crossing.weight * end_weight);
  }
};

struct Channel {
  double capacity = 0.0;
  double load = 0.0;
  double crossed = 0.0;  ///< bytes until `since`
  Instant since{};
  std::vector<std::uint32_t> flows{};  ///< those that cross it; ended ones leave at the next solve
  std::uint32_t solve = 0;             ///< last one it took part in
  std::uint32_t index = 0;             ///< in the system of that solve
  bool due = false;
};

struct Prediction {
  std::uint32_t flow = 0;
  std::uint32_t number = 0;
};

class FairShareNetwork final : public Network {
 public:
  explicit FairShareNetwork(const IdVector<ResourceId, Resource>& resources);

  ResourceId add_resource(BytesPerSecond capacity) override;
  void set_capacity(ResourceId resource, BytesPerSecond capacity) override;
  void start(Instant now, const Transfer& transfer) override;
  Instant advance(Instant limit, std::vector<std::uint32_t>& completed) override;
  std::vector<RateChange> take_rate_changes() override { return std::exchange(changes_, {}); }
  bool keeps_capacities() const override { return true; }
  std::vector<double> bytes_crossed() const override;

 private:
  std::uint32_t take_slot();
  void activate(std::uint32_t slot);
  void activate_pending();
  void complete_due(std::vector<std::uint32_t>& completed);
  void complete(std::uint32_t slot);
  void make_due(Channel& channel, ResourceId resource);

  void solve();
  void drop_ended();
  void reach(ResourceId resource);
  void take(std::uint32_t slot);
  void apply_rate(std::uint32_t slot, double rate);
  void apply_load(ResourceId resource, double load);
  void predict(std::uint32_t slot);
  void forget_superseded();
  bool stands(Prediction prediction) const;
  Instant next_event();

  Instant now_ = simulation_start;
  std::uint64_t started_ = 0;
  std::uint32_t solves_ = 0;
  std::size_t flying_ = 0;
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> free_slots_;
  std::vector<std::uint32_t> ended_;
  IdVector<ResourceId, Channel> channels_;
  EventQueue<std::uint64_t, Arrivals::mostly_in_order>
      pending_;  ///< ends of latencies; the payload is the slot
  EventQueue<Prediction, Arrivals::mostly_in_order> predictions_;
  std::vector<ResourceId> due_;
  std::vector<RateChange> changes_;

  MaxMinSystem system_;
  MaxMinSolver solver_;
  std::vector<std::uint32_t> taken_;  ///< slots by variable of system_
  std::vector<ResourceId> reached_;   ///< resources by index in system_
};

FairShareNetwork::FairShareNetwork(const IdVector<ResourceId, Resource>& resources)
    : channels_(resources.size()) {
  auto channel = channels_.begin();
  for (const Resource& resource : resources) (channel++)->capacity = resource.capacity.value();
}

ResourceId FairShareNetwork::add_resource(BytesPerSecond capacity) {
  return channels_.push_back({.capacity = capacity.value()});
}

void FairShareNetwork::set_capacity(ResourceId resource, BytesPerSecond capacity) {
  Channel& channel = channels_[resource];
  if (channel.capacity == capacity.value()) return;
  channel.capacity = capacity.value();
  if (!channel.flows.empty()) make_due(channel, resource);
}

void FairShareNetwork::start(Instant now, const Transfer& transfer) {
  CHECK(now >= now_, now.time_since_epoch().count(), now_.time_since_epoch().count());
  CHECK(transfer.bytes >= 0.0 && transfer.rate_cap > 0.0, transfer.bytes, transfer.rate_cap);
  const std::uint32_t slot = take_slot();
  const std::uint32_t prediction = flows_[slot].prediction;
  flows_[slot] = {.crossings = transfer.crossings,
                  .ends = transfer.ends,
                  .end_weight = transfer.end_weight,
                  .remaining = transfer.bytes,
                  .rate_cap = transfer.rate_cap,
                  .sequence = started_++,
                  .owner = transfer.owner,
                  .prediction = prediction};
  ++flying_;
  if (now + transfer.latency == now_) {
    activate(slot);
  } else {
    pending_.push(
        {.at = now + transfer.latency, .sequence = flows_[slot].sequence, .payload = slot});
  }
}

std::uint32_t FairShareNetwork::take_slot() {
  if (free_slots_.empty()) {
    flows_.emplace_back();
    return static_cast<std::uint32_t>(flows_.size() - 1);
  }
  const std::uint32_t slot = free_slots_.back();
  free_slots_.pop_back();
  return slot;
}

Instant FairShareNetwork::advance(Instant limit, std::vector<std::uint32_t>& completed) {
  CHECK(limit >= now_);
  const std::size_t before = completed.size();
  while (true) {
    activate_pending();
    if (!due_.empty()) solve();
    const Instant next = next_event();
    if (next > limit) {
      now_ = limit;
      return now_;
    }
    now_ = next;
    complete_due(completed);
    if (completed.size() > before || now_ == limit) return now_;
  }
}

Instant FairShareNetwork::next_event() {
  while (!predictions_.empty() && !stands(predictions_.top().payload)) predictions_.pop();
  Instant next = end_of_time;
  if (!predictions_.empty()) next = predictions_.top().at;
  if (!pending_.empty()) next = std::min(next, pending_.top().at);
  return next;
}

bool FairShareNetwork::stands(Prediction prediction) const {
  return flows_[prediction.flow].prediction == prediction.number;
}

void FairShareNetwork::activate_pending() {
  while (!pending_.empty() && pending_.top().at <= now_) {
    activate(static_cast<std::uint32_t>(pending_.pop().payload));
  }
}

/// Its latency has passed: from now on it takes capacity.
void FairShareNetwork::activate(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  flow.settled = now_;
  if (flow.remaining == 0.0) flow.crossings = flow.ends = {};
  if (flow.crosses_nothing()) {
    flow.rate = flow.rate_cap;
    predict(slot);
    return;
  }
  flow.each_crossing([&](ResourceId resource, std::uint64_t) {
    Channel& channel = channels_[resource];
    channel.flows.push_back(slot);
    make_due(channel, resource);
  });
}

void FairShareNetwork::make_due(Channel& channel, ResourceId resource) {
  if (channel.due) return;
  channel.due = true;
  due_.push_back(resource);
}

void FairShareNetwork::complete_due(std::vector<std::uint32_t>& completed) {
  while (!predictions_.empty() && predictions_.top().at == now_) {
    const Prediction prediction = predictions_.pop().payload;
    if (!stands(prediction)) continue;
    completed.push_back(flows_[prediction.flow].owner);
    complete(prediction.flow);
  }
}

void FairShareNetwork::complete(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  ++flow.prediction;
  --flying_;
  if (flow.crosses_nothing()) {
    free_slots_.push_back(slot);
    return;
  }
  const double surplus = flow.rate * to_seconds(now_ - flow.settled).value() - flow.remaining;
  flow.each_crossing([&](ResourceId resource, std::uint64_t weight) {
    Channel& channel = channels_[resource];
    channel.crossed -= surplus * static_cast<double>(weight) * 0x1.0p-32;
    make_due(channel, resource);
  });
  flow.ended = true;
  ended_.push_back(slot);
}

/// Finds new rates for the components of the due resources, and for nothing else.
void FairShareNetwork::solve() {
  ++solves_;
  system_.clear();
  taken_.clear();
  reached_.clear();
  drop_ended();
  for (const ResourceId resource : due_) reach(resource);
  due_.clear();
  for (std::size_t i = 0; i < reached_.size(); ++i) {
    for (const std::uint32_t slot : channels_[reached_[i]].flows) take(slot);
  }

  const MaxMinRates& solution = solver_.solve(system_);
  for (std::size_t i = 0; i < taken_.size(); ++i) apply_rate(taken_[i], solution.rates[i]);
  const auto first_change = static_cast<std::ptrdiff_t>(changes_.size());
  for (std::size_t i = 0; i < reached_.size(); ++i) apply_load(reached_[i], solution.loads[i]);
  std::ranges::sort(changes_.begin() + first_change, changes_.end(), {}, &RateChange::resource);
  forget_superseded();
}

/// Every resource that an ended transfer crossed is due, so its slot is free afterwards.
void FairShareNetwork::drop_ended() {
  for (const ResourceId resource : due_) {
    channels_[resource].due = false;
    std::erase_if(channels_[resource].flows,
                  [this](std::uint32_t slot) { return flows_[slot].ended; });
  }
  free_slots_.insert(free_slots_.end(), ended_.begin(), ended_.end());
  ended_.clear();
}

void FairShareNetwork::reach(ResourceId resource) {
  Channel& channel = channels_[resource];
  if (channel.solve == solves_) return;
  channel.solve = solves_;
  channel.index = system_.add_resource(channel.capacity);
  reached_.push_back(resource);
}

void FairShareNetwork::take(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  if (flow.solve == solves_) return;
  flow.solve = solves_;
  taken_.push_back(slot);
  system_.add_variable(flow.rate_cap);
  flow.each_crossing([&](ResourceId resource, std::uint64_t weight) {
    reach(resource);
    system_.cross(channels_[resource].index, weight);
  });
}

void FairShareNetwork::apply_rate(std::uint32_t slot, double rate) {
  Flow& flow = flows_[slot];
  if (flow.rate == rate) return;
  flow.remaining -= flow.rate * to_seconds(now_ - flow.settled).value();
  flow.remaining = std::max(flow.remaining, 0.0);
  flow.settled = now_;
  flow.rate = rate;
  predict(slot);
}

void FairShareNetwork::predict(std::uint32_t slot) {
  Flow& flow = flows_[slot];
  CHECK(flow.rate > 0.0, flow.owner);
  const Instant finish = now_ + quantize(Seconds(flow.remaining / flow.rate));
  predictions_.push({.at = finish,
                     .sequence = flow.sequence,
                     .payload = {.flow = slot, .number = ++flow.prediction}});
}

void FairShareNetwork::apply_load(ResourceId resource, double load) {
  Channel& channel = channels_[resource];
  if (channel.load == load) return;
  CHECK(load <= channel.capacity * (1.0 + load_tolerance), index_of(resource), load,
        channel.capacity);
  channel.crossed += channel.load * to_seconds(now_ - channel.since).value();
  channel.since = now_;
  channel.load = load;
  changes_.push_back({.at = now_, .resource = resource, .bytes_per_second = load});
}

/// Keeps the queue proportional to the transfers on their way.
void FairShareNetwork::forget_superseded() {
  if (predictions_.size() < 4 * flying_ + 1024) return;
  predictions_.remove_if([this](const auto& event) { return !stands(event.payload); });
}

std::vector<double> FairShareNetwork::bytes_crossed() const {
  std::vector<double> bytes;
  bytes.reserve(channels_.size());
  for (const Channel& channel : channels_) {
    const double since = channel.load * to_seconds(now_ - channel.since).value();
    bytes.push_back(channel.crossed + since);
  }
  return bytes;
}

}  // namespace

std::unique_ptr<Network> make_fair_share_network(const IdVector<ResourceId, Resource>& resources) {
  return std::make_unique<FairShareNetwork>(resources);
}

}  // namespace orrery
