#include "engine/shared_gpus.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {
namespace {

constexpr double units_per_whole = 0x1.0p32;

/// Where a script leaves the bandwidth open, kernels share a memory that only they use.
constexpr BytesPerSecond any_bandwidth{1e12};

std::int64_t in_units(float share) {
  return std::llround(static_cast<double>(share) * units_per_whole);
}

bool passes_memory(const TransferPlan& plan) {
  return std::ranges::any_of(plan.phases, [](const Phase& phase) {
    return std::ranges::any_of(phase.bundles, [](const Bundle& b) { return b.memory > 0; });
  });
}

bool uses_gpu(const Kind& kind) {
  const auto* compute = std::get_if<Compute>(&kind.action);
  return compute != nullptr && (compute->sm > 0.0F || compute->memory > 0.0F);
}

}  // namespace

SharedGpus::SharedGpus(const Program& program, Network& network, Interference interference)
    : program_(program),
      network_(network),
      first_owner_(static_cast<std::uint32_t>(program.groups.size())) {
  if (interference == Interference::off) return;
  if (std::ranges::none_of(program.kinds, uses_gpu)) return;
  add_gpus();
  add_ends();
}

void SharedGpus::add_gpus() {
  for (std::uint32_t c = 0; c < program_.classes.size(); ++c) {
    const Script& script = program_.scripts[program_.classes[id_at<ClassId>(c)].script];
    const bool known = script.memory_bandwidth > BytesPerSecond(0.0);
    Gpu gpu{.bandwidth = known ? script.memory_bandwidth : any_bandwidth,
            .first_lane = static_cast<std::uint32_t>(lanes_.size())};
    gpu.sms = network_.add_resource(gpu.bandwidth);
    network_.add_resource(gpu.bandwidth);
    CHECK(index_of(gpu.sms) == program_.resources.size() + 2 * c, index_of(gpu.sms), c);
    for (std::uint16_t lane = 0; lane < script.lanes.size(); ++lane) {
      lanes_.push_back({.rank_class = c, .lane = lane});
    }
    gpus_.push_back(gpu);
  }
  kernels_.resize(lanes_.size());
  bytes_of_kernels_.resize(2 * gpus_.size());
}

void SharedGpus::add_ends() {
  for (const Group& group : program_.groups) {
    first_end_.push_back(ends_.size());
    const bool passes = std::ranges::any_of(
        group.plans, [this](PlanId id) { return passes_memory(program_.plans[id]); });
    if (!passes) continue;
    for (const Member& member : group.members) {
      // Of the groups that this one stands for, a rank is in as many as it has slots for them.
      const std::uint64_t seats = std::uint64_t{member.count} * group.count;
      const ResourceId sms = gpus_[index_of(member.rank_class)].sms;
      ends_.push_back({.resource = id_at<ResourceId>(index_of(sms) + 1),
                       .weight = seats / program_.classes[member.rank_class].count});
    }
  }
  first_end_.push_back(ends_.size());
}

std::span<const Crossing> SharedGpus::memory_of(GroupId group) const {
  if (!any()) return {};
  const std::size_t first = first_end_[index_of(group)];
  return std::span(ends_).subspan(first, first_end_[index_of(group) + 1] - first);
}

void SharedGpus::hold(std::uint32_t rank_class, const TransferPlan& plan) {
  Gpu& gpu = gpus_[rank_class];
  ++gpu.operations;
  set_held(gpu, gpu.held + in_units(plan.sm));
}

void SharedGpus::give_back(std::uint32_t rank_class, const TransferPlan& plan) {
  Gpu& gpu = gpus_[rank_class];
  CHECK(gpu.operations > 0 && gpu.held >= in_units(plan.sm), gpu.operations, gpu.held);
  --gpu.operations;
  set_held(gpu, gpu.held - in_units(plan.sm));
}

/// Sums of shares are integers, so they return to exactly nothing in whatever order.
void SharedGpus::set_held(Gpu& gpu, std::int64_t held) {
  if (held == gpu.held) return;
  gpu.held = held;
  const double left = 1.0 - static_cast<double>(held) / units_per_whole;
  network_.set_capacity(gpu.sms, gpu.bandwidth * std::max(left, least_share_left));
}

void SharedGpus::enter(LaneRef lane, GpuShares shares, Duration left, Instant now) {
  const Gpu& gpu = gpus_[lane.rank_class];
  const std::uint32_t number = gpu.first_lane + lane.lane;
  const double bytes = to_seconds(left).value() * gpu.bandwidth.value();
  std::array<Crossing, 2>& crossings = kernels_[number];
  std::size_t used = 0;
  const auto cross = [&](std::size_t which, float share) {
    const auto weight = static_cast<std::uint64_t>(in_units(share));
    if (weight == 0) return;
    const auto resource = id_at<ResourceId>(index_of(gpu.sms) + which);
    crossings[used++] = {.resource = resource, .weight = weight};
    bytes_of_kernels_[2 * lane.rank_class + which] +=
        bytes * static_cast<double>(weight) / units_per_whole;
  };
  cross(0, shares.sm);
  cross(1, shares.memory);
  network_.start(now, {.crossings = std::span(crossings).first(used),
                       .bytes = bytes,
                       .rate_cap = gpu.bandwidth.value(),
                       .owner = first_owner_ + number});
  ++inside_;
  ++entered_;
}

void SharedGpus::add_expected(GroupId group, double bytes,
                              IdVector<ResourceId, double>& expected) const {
  for (const Crossing& end : memory_of(group)) {
    expected[end.resource] += bytes * static_cast<double>(end.weight);
  }
}

}  // namespace orrery
