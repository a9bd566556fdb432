#include "cluster/fabric_settings.hpp"

#include <fmt/format.h>

namespace orrery {

BytesPerSecond read_rate(const Settings& table, std::string_view key) {
  const BytesPerSecond rate = table.required_bytes_per_second(key);
  // Beyond these a step does not fit the clock, which counts 106 days in picoseconds.
  if (rate.value() >= 1e6 && rate.value() <= 1e18) return rate;
  table.error(key, fmt::format("{} must be from 1 MB/s to 1e6 TB/s", table.full_name(key)));
  return BytesPerSecond(1e9);
}

BytesPerSecond read_payload_rate(const Settings& table, std::string_view key,
                                 std::string_view efficiency_key) {
  const double efficiency = table.number(efficiency_key).value_or(1.0);
  const BytesPerSecond rate = read_rate(table, key);
  if (efficiency > 0.0 && efficiency <= 1.0) return rate * efficiency;
  table.error(efficiency_key, fmt::format("{} = {} must be above 0 and at most 1",
                                          table.full_name(efficiency_key), efficiency));
  return rate;
}

double read_factor(const Settings& table, std::string_view key, double fallback, double least) {
  const double factor = table.number(key).value_or(fallback);
  if (factor >= least) return factor;
  table.error(key, fmt::format("{} = {} must be {} or more", table.full_name(key), factor, least));
  return fallback;
}

Duration read_latency(const Settings& table, std::string_view key) {
  const Seconds latency = table.seconds(key).value_or(Seconds(0.0));
  if (latency.value() >= 0.0 && latency.value() < 1.0) return quantize(latency);
  table.error(key, fmt::format("{} must be from 0 to 1 s", table.full_name(key)));
  return Duration{0};
}

void read_network_reduction(ClusterBuilder& builder, const Settings& table) {
  if (!table.flag("in_network_reduction").value_or(false)) return;
  if (builder.nics().per_node > 0) return builder.set_network_reduction();
  table.error("in_network_reduction", "switches add up what adapters send; there is no [nic]");
}

SplitLatency split(Duration latency) {
  const Duration up{latency.count() / 2};
  return {up, latency - up};
}

}  // namespace orrery
