#include "scenario/sections.hpp"

#include "base/limits.hpp"
#include "hardware/kernel_times.hpp"
#include "memory/allocator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace orrery {

namespace {

const std::vector<std::string> on_or_off = {"on", "off"};

bool is_on(const Settings& settings, std::string_view key) {
  return settings.choice(key, on_or_off).value_or("on") == "on";
}

template <typename Model>
std::vector<std::string> names_of(std::span<const Model* const> registry) {
  std::vector<std::string> names;
  for (const Model* model : registry) names.emplace_back(model->name);
  return names;
}

/// Two slowdowns of one rank would leave it open which of them counts.
void check_not_slowed_yet(const Settings& fault, std::int64_t rank, const Faults& faults) {
  const auto found = std::ranges::find(faults.stragglers, rank, &Straggler::rank);
  if (found == faults.stragglers.end()) return;
  fault.error("rank", fmt::format("rank {} is a straggler already, at {}; wanted one slowdown",
                                  rank, to_string(found->position)));
}

void read_straggler(const Settings& fault, Faults& faults) {
  Straggler straggler;
  straggler.rank = fault.required_integer("rank", {0, limits::ranks - 1});
  straggler.slowdown = fault.required_number("slowdown");
  straggler.position = fault.position("rank");
  if (straggler.slowdown < 1.0 || straggler.slowdown > 1e6) {
    fault.error("slowdown", fmt::format("{} = {} is out of range; wanted a factor from 1 to 1e6",
                                        fault.full_name("slowdown"), straggler.slowdown));
  }
  check_not_slowed_yet(fault, straggler.rank, faults);
  faults.stragglers.push_back(straggler);
}

void read_degraded_link(const Settings& fault, Faults& faults) {
  LinkFault link{fault.required_text("link"), fault.required_number("capacity_factor")};
  if (link.capacity_factor <= 0.0 || link.capacity_factor > 1.0) {
    fault.error("capacity_factor",
                fmt::format("{} = {} is out of range; wanted a share above 0 and up to 1 "
                            "(kind = \"failed_link\" is none at all)",
                            fault.full_name("capacity_factor"), link.capacity_factor));
  }
  faults.links.push_back(link);
}

void read_fault(const Settings& fault, Faults& faults) {
  static const std::vector<std::string> kinds = {"straggler", "degraded_link", "failed_link"};
  fault.required_text("kind");
  const std::string kind = fault.choice("kind", kinds).value_or("");
  if (kind == "straggler") read_straggler(fault, faults);
  if (kind == "degraded_link") read_degraded_link(fault, faults);
  if (kind == "failed_link") faults.links.push_back({fault.required_text("link"), 0.0});
  if (kind.empty()) fault.accept_all();
}

}  // namespace

Fidelity read_fidelity(const Settings& scenario) {
  static const std::vector<std::string> networks = {"fair_share", "alpha_beta"};
  static const std::vector<std::string> steps = {"bundled", "explicit"};
  Fidelity fidelity;
  const auto settings = scenario.table("fidelity");
  if (!settings) return fidelity;
  const bool fair = settings->choice("network", networks).value_or("fair_share") == "fair_share";
  fidelity.network = fair ? NetworkKind::fair_share : NetworkKind::alpha_beta;
  fidelity.fold = is_on(*settings, "fold");
  fidelity.interference = is_on(*settings, "interference");
  fidelity.explicit_steps = settings->choice("steps", steps).value_or("bundled") == "explicit";
  const std::vector<std::string> models = names_of(registered_kernel_times_models());
  const std::vector<std::string> allocators = names_of(registered_allocators());
  fidelity.allocator = settings->choice("allocator", allocators).value_or(fidelity.allocator);
  fidelity.kernel_times = settings->choice("kernel_times", models).value_or(fidelity.kernel_times);
  return fidelity;
}

Faults read_faults(const Settings& scenario) {
  Faults faults;
  for (const Settings& fault : scenario.tables("fault")) read_fault(fault, faults);
  return faults;
}

}  // namespace orrery
