// What a run needs of the machine it runs on, before it takes it. The figures were measured as the
// peak memory of runs (tests/bench/README.md) and rounded up.
#include "base/limits.hpp"
#include "base/units_text.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

namespace orrery::rules {

namespace {

/// A part of the memory, and what makes do without it.
struct Need {
  double bytes = 0.0;
  std::string what;
  std::string remedy;
};

/// Vertices, links, groups and their likeness; alone, a rank is also a class with groups, links and
/// cursors of its own.
Need ranks(const Scenario& scenario) {
  const auto count = static_cast<double>(gpus_required(scenario));
  if (scenario.fidelity.fold && !scenario.jitter) {
    return {2e3 * count, fmt::format("{:.0f} ranks", count), "fewer GPUs"};
  }
  return {7e3 * count, fmt::format("{:.0f} ranks by themselves", count),
          scenario.jitter ? "no jitter, or fewer GPUs" : "fold = \"on\""};
}

/// Every rank of an expert group sends to every other. What one group's transfers cross is laid out
/// in full, that of others like it as lists of links.
Need single_transfers(const Scenario& scenario) {
  const auto ep = static_cast<double>(scenario.strategy.ep);
  if (!scenario.fidelity.explicit_steps || !scenario.model.experts || ep < 2.0) return {};
  const double groups = static_cast<double>(gpus_required(scenario)) / ep;
  const double transfers = ep * (ep - 1.0);
  return {transfers * (900.0 + 160.0 * groups),
          fmt::format("{:.2g} single transfers of expert exchanges", transfers * groups),
          "steps = \"bundled\""};
}

}  // namespace

Verdict memory_is_within_limits(const Scenario& scenario) {
  const std::vector<Need> needs = {ranks(scenario), single_transfers(scenario)};
  double bytes = 0.0;
  for (const Need& need : needs) bytes += need.bytes;
  if (bytes <= static_cast<double>(limits::memory)) return std::nullopt;
  const Need& most = *std::ranges::max_element(needs, {}, &Need::bytes);
  return Finding{
      "too_much_memory", Severity::error,
      fmt::format("a run would need about {} of this machine's memory, more than the "
                  "limit of {}: {:.0f} % of it for {}",
                  format_bytes(Bytes(static_cast<std::int64_t>(bytes))),
                  format_bytes(Bytes(limits::memory)), 100.0 * most.bytes / bytes, most.what),
      most.remedy, scenario.position("fidelity.steps")};
}

}  // namespace orrery::rules
