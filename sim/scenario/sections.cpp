#include "scenario/sections.hpp"

#include "hardware/kernel_times.hpp"
#include "memory/allocator.hpp"

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

}  // namespace orrery
