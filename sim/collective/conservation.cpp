#include "collective/conservation.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

/// Shares of links are whole units of 2^-32 of a transfer, and there may be thousands of them.
constexpr double share_tolerance = 1e-6;
constexpr double plan_tolerance = 1e-9;

bool near(double a, double b, double tolerance) {
  return std::abs(a - b) <= tolerance * std::max(std::abs(a), std::abs(b));
}

/// Transfers over the ports of GPUs.
struct Ports {
  double out = 0.0;
  double in = 0.0;
};

Ports ports_of(const BundleShape& bundle, const Cluster& cluster) {
  Ports ports;
  for (const LinkCrossing& crossing : bundle.crossings) {
    const Link& link = cluster.link(crossing.link);
    const double transfers = static_cast<double>(crossing.weight) * 0x1.0p-32;
    if (cluster.kind(link.source) == VertexKind::gpu) ports.out += transfers;
    if (cluster.kind(link.target) == VertexKind::gpu) ports.in += transfers;
  }
  return ports;
}

/// Members that send: of a pair the first, of a chain all but the last.
double senders(CollectiveKind kind, std::size_t members) {
  if (kind == CollectiveKind::send_recv) return 1.0;
  if (kind == CollectiveKind::broadcast) return static_cast<double>(members - 1);
  return static_cast<double>(members);
}

}  // namespace

PortBytes port_bytes(const Shape& shape, const Cluster& cluster) {
  PortBytes bytes;
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) {
      const Ports ports = ports_of(bundle, cluster);
      const double transfers = bundle.transfers;
      bytes.sent += phase.repeat * bundle.volume * std::min(transfers, ports.out);
      bytes.received += phase.repeat * bundle.volume * std::min(transfers, ports.in);
    }
  }
  return bytes;
}

void check_conservation(CollectiveKind kind, const Shape& shape, std::span<const VertexId> members,
                        const Cluster& cluster) {
  const std::size_t count = members.size();
  if (count < 2) return;
  const PortBytes bytes = port_bytes(shape, cluster);
  const double formula = shape.sent_per_member * senders(kind, count);
  CHECK(near(bytes.sent, formula, share_tolerance), to_string(kind), bytes.sent, formula);
  if (shape.switches_compute) return;
  CHECK(near(bytes.received, formula, share_tolerance), to_string(kind), bytes.received, formula);
  // Copies of a token on their way to experts share their way where they can.
  const bool shares = kind == CollectiveKind::dispatch || kind == CollectiveKind::combine;
  const double needed = shares ? 0.0 : bytes_sent_per_member(kind, count);
  CHECK(shape.sent_per_member >= needed * (1.0 - share_tolerance), to_string(kind),
        shape.sent_per_member, needed);
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) {
      const Ports ports = ports_of(bundle, cluster);
      CHECK(near(ports.out, ports.in, share_tolerance), to_string(kind), ports.out, ports.in);
    }
  }
}

void check_conservation(const TransferPlanRequest& request, const TransferPlan& plan) {
  if (plan.phases.empty()) return;
  double wanted = 0.0;
  for (const PhaseShape& phase : request.shape.phases) {
    for (const BundleShape& bundle : phase.bundles) wanted += phase.repeat * bundle.volume;
  }
  wanted *= static_cast<double>(request.size.value());
  double moved = 0.0;
  for (const Phase& phase : plan.phases) {
    for (const Bundle& bundle : phase.bundles) moved += phase.repeat * bundle.bytes;
  }
  moved *= request.choice.payload_share;
  CHECK(near(moved, wanted, plan_tolerance), plan.name, moved, wanted);
}

}  // namespace orrery
