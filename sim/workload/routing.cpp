#include "workload/routing.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

const std::array<std::string, 5> names{"forced", "uniform", "zipf", "dirichlet", "trace"};

constexpr double greatest_exponent = 4.0;
constexpr double least_concentration = 1e-3;
constexpr double greatest_concentration = 1e9;

RoutingKind read_kind(const Settings& table) {
  const std::string name = table.choice("kind", names).value_or("uniform");
  return static_cast<RoutingKind>(std::ranges::find(names, name) - names.begin());
}

/// Whether the table has a kind that there is not, which is a finding already.
bool has_unknown_kind(const Settings& table) {
  const SettingsNode* kind = table.node("kind");
  if (kind == nullptr) return false;
  const auto* name = std::get_if<std::string>(&kind->value);
  return name == nullptr || std::ranges::find(names, *name) == names.end();
}

/// A key that means something for one kind only.
void belongs_to(const Settings& table, std::string_view key, RoutingKind owner, RoutingKind kind) {
  if (!table.has(key) || owner == kind || has_unknown_kind(table)) return;
  table.error(key, fmt::format("{} is of kind = \"{}\"; with kind = \"{}\" it would do nothing",
                               table.full_name(key), to_string(owner), to_string(kind)));
}

double read_exponent(const Settings& table) {
  const double exponent = table.number("exponent").value_or(1.0);
  if (exponent >= 0.0 && exponent <= greatest_exponent) return exponent;
  table.error("exponent", fmt::format("exponent = {} is not between 0 (all experts alike) and {}",
                                      exponent, greatest_exponent));
  return 1.0;
}

double read_concentration(const Settings& table) {
  const double concentration = table.number("concentration").value_or(1.0);
  if (concentration >= least_concentration && concentration <= greatest_concentration) {
    return concentration;
  }
  table.error("concentration",
              fmt::format("concentration = {} is not between {} (few experts get everything) and "
                          "{:.0e} (all experts alike)",
                          concentration, least_concentration, greatest_concentration));
  return 1.0;
}

void read_capacity(const Settings& table, Routing& routing) {
  routing.capacity_factor = table.number("capacity_factor").value_or(0.0);
  if (routing.capacity_factor < 0.0) {
    table.error("capacity_factor", "a capacity factor is at least 0; 0 drops no tokens");
    routing.capacity_factor = 0.0;
  }
  routing.pad_to_capacity = table.flag("pad_to_capacity").value_or(false);
  if (routing.pad_to_capacity && routing.capacity_factor == 0.0) {
    table.error(
        "pad_to_capacity",
        "pad_to_capacity = true needs a capacity to pad to; wanted capacity_factor above 0");
  }
}

void read_trace_keys(const Settings& table, Routing& routing) {
  routing.trace_path = table.text("trace").value_or("");
  routing.trace_position = table.position("trace");
  routing.trace_step = table.integer("trace_step", {0, INT64_MAX});
  belongs_to(table, "trace", RoutingKind::trace, routing.kind);
  belongs_to(table, "trace_step", RoutingKind::trace, routing.kind);
  if (routing.kind != RoutingKind::trace || table.has("trace")) return;
  table.error("trace", fmt::format("{} is missing; wanted the path of a CSV file with the picks "
                                   "of every expert, layer by layer",
                                   table.full_name("trace")));
}

}  // namespace

std::string_view to_string(RoutingKind kind) { return names[static_cast<std::size_t>(kind)]; }

Routing read_routing(const Settings& workload) {
  Routing routing;
  const std::optional<Settings> table = workload.table("routing");
  if (!table) return routing;
  routing.kind = read_kind(*table);
  routing.exponent = read_exponent(*table);
  routing.concentration = read_concentration(*table);
  belongs_to(*table, "exponent", RoutingKind::zipf, routing.kind);
  belongs_to(*table, "concentration", RoutingKind::dirichlet, routing.kind);
  const auto seed = table->integer("seed", {0, INT64_MAX});
  routing.seed_given = seed.has_value();
  routing.seed = static_cast<std::uint64_t>(seed.value_or(1));
  read_capacity(*table, routing);
  read_trace_keys(*table, routing);
  return routing;
}

}  // namespace orrery
