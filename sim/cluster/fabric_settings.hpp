// What fabrics read alike from their tables of a cluster file.
#pragma once

#include "base/settings.hpp"
#include "cluster/builder.hpp"

#include <string_view>

namespace orrery {

/// Payload share of PCIe with 256-byte packets: 24 bytes of header and framing each.
inline constexpr double pcie_payload = 256.0 / 280.0;

/// A rate that must be there and positive; a wrong one is a diagnostic and becomes 1 B/s.
BytesPerSecond read_rate(const Settings& table, std::string_view key);
/// The same, times the share that payload can use (`efficiency_key`, in (0, 1], 1 when missing).
BytesPerSecond read_payload_rate(const Settings& table, std::string_view key,
                                 std::string_view efficiency_key = "payload_efficiency");
/// A factor that must be at least `least`.
double read_factor(const Settings& table, std::string_view key, double fallback, double least);
Duration read_latency(const Settings& table, std::string_view key);
/// Reads in_network_reduction of the table [scale_out]: whether its switches add up (SHARP).
void read_network_reduction(ClusterBuilder& builder, const Settings& table);

/// Latency of a link up to a switch and of the one down from it, which make `latency` together.
struct SplitLatency {
  Duration up{0};
  Duration down{0};
};
SplitLatency split(Duration latency);

}  // namespace orrery
