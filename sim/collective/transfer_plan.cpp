#include "collective/transfer_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

double largest_volume(const PhaseShape& phase) {
  double largest = 0.0;
  for (const BundleShape& bundle : phase.bundles) largest = std::max(largest, bundle.volume);
  return largest;
}

/// What passes one after the other in all phases, per byte of size.
double serial_volume(const Shape& shape) {
  double volume = 0.0;
  for (const PhaseShape& phase : shape.phases) volume += phase.repeat * largest_volume(phase);
  return volume;
}

/// Of the time size / rate_cap a phase may take its share, and each of its bundles all of that:
/// `serial` is what passes in all phases, over what passes in this one.
double transfer_cap(double volume, double serial, const Choice& choice) {
  return choice.rate_cap * volume * serial / choice.payload_share;
}

Bundle make_bundle(const BundleShape& shape, const TransferPlanRequest& request,
                   std::uint32_t pattern) {
  const Choice& choice = request.choice;
  Bundle bundle;
  bundle.pattern = pattern;
  bundle.bytes = shape.volume * static_cast<double>(request.size.value()) / choice.payload_share;
  const double sent = static_cast<double>(shape.transfers) / static_cast<double>(request.members);
  bundle.memory = static_cast<std::uint64_t>(
      std::llround(choice.memory_traffic * sent * static_cast<double>(one_transfer)));
  bundle.latency = shape.wire_latency + choice.intra_hop * shape.intra_hops +
                   choice.inter_hop * shape.inter_hops;
  return bundle;
}

std::string plan_name(const TransferPlanRequest& request) {
  const std::string_view algorithm =
      request.choice.algorithm == nullptr ? "" : request.choice.algorithm->name;
  const bool bare = request.choice.protocol.empty();
  return fmt::format("{} {}{}{}", to_string(request.kind), algorithm, bare ? "" : "/",
                     request.choice.protocol);
}

/// The base latency comes before the first transfer and never again, however often the phase
/// repeats.
void add_base(TransferPlan& plan, Duration base) {
  if (plan.phases.empty() || base == Duration{0}) return;
  if (plan.phases.front().repeat > 1) {
    --plan.phases.front().repeat;
    Phase first = plan.phases.front();
    first.repeat = 1;
    plan.phases.insert(plan.phases.begin(), std::move(first));
  }
  for (Bundle& bundle : plan.phases.front().bundles) bundle.latency += base;
}

}  // namespace

TransferPlan make_transfer_plan(const TransferPlanRequest& request) {
  TransferPlan plan;
  plan.name = plan_name(request);
  plan.operation = to_string(request.kind);
  plan.size = request.size;
  plan.sm = request.choice.sm_share;
  if (request.members < 2 || request.size == Bytes(0)) return plan;
  plan.bytes_sent_per_member =
      request.shape.sent_per_member * static_cast<double>(request.size.value());
  const double all = serial_volume(request.shape);
  std::uint32_t pattern = 0;
  for (const PhaseShape& shape : request.shape.phases) {
    Phase phase;
    phase.repeat = shape.repeat;
    const double serial = all / largest_volume(shape);
    phase.bundles.reserve(shape.bundles.size());
    for (const BundleShape& bundle : shape.bundles) {
      phase.bundles.push_back(make_bundle(bundle, request, pattern++));
      phase.bundles.back().rate_cap = transfer_cap(bundle.volume, serial, request.choice);
    }
    plan.phases.push_back(std::move(phase));
  }
  add_base(plan, request.choice.base_latency);
  return plan;
}

}  // namespace orrery
