#include "base/difference.hpp"

#include <fmt/format.h>

#include <cmath>

namespace orrery {

namespace {

constexpr double kibi = 1024.0 / 1000.0;
constexpr double mebi = kibi * kibi;
constexpr double gibi = kibi * kibi * kibi;

bool is_near(double ratio, double factor) { return std::abs(ratio / factor - 1.0) <= closeness; }

/// Binary units before the others: they are by far the most frequent.
std::vector<MixUp> byte_mix_ups() {
  return {{1.0 / gibi, "it is in GiB, written as GB (1 GiB = 1.0737 GB)"},
          {1.0 / mebi, "it is in MiB, written as MB (1 MiB = 1.0486 MB)"},
          {gibi, "it is in GB, written as GiB (1 GiB = 1.0737 GB)"},
          {mebi, "it is in MB, written as MiB (1 MiB = 1.0486 MB)"},
          {2.0, "it counts twice the bytes of an element (4 for 2)"},
          {0.5, "it counts half the bytes of an element (2 for 4)"}};
}

std::vector<MixUp> fraction_mix_ups() {
  return {{1.0 / gibi, "one of the two numbers is in GB, the other in GiB (1 GiB = 1.0737 GB)"},
          {gibi, "one of the two numbers is in GB, the other in GiB (1 GiB = 1.0737 GB)"},
          {100.0, "it is a percentage written as a fraction"},
          {0.01, "it is a fraction written as a percentage"}};
}

std::vector<MixUp> thousands() {
  return {{1e3, "it is a thousand times too large: a unit prefix"},
          {1e-3, "it is a thousand times too small: a unit prefix"},
          {1e6, "it is a million times too large: a unit prefix"},
          {1e-6, "it is a million times too small: a unit prefix"}};
}

std::optional<std::string> single(double ratio, std::span<const MixUp> mix_ups) {
  for (const MixUp& mix_up : mix_ups) {
    if (is_near(ratio, mix_up.factor)) return mix_up.reason;
  }
  return std::nullopt;
}

/// A binary unit for a decimal one: the mistake that comes on top of others.
bool is_unit_slip(const MixUp& mix_up) { return std::abs(std::log(mix_up.factor)) < 0.1; }

std::optional<std::string> both(double ratio, std::span<const MixUp> all) {
  for (const MixUp& first : all) {
    for (const MixUp& second : all) {
      if (!is_unit_slip(first) || is_unit_slip(second)) continue;
      if (!is_near(ratio, first.factor * second.factor)) continue;
      return fmt::format("{}, and {}", first.reason, second.reason);
    }
  }
  return std::nullopt;
}

}  // namespace

std::vector<MixUp> common_mix_ups(FigureKind kind) {
  switch (kind) {
    case FigureKind::bytes:
      return byte_mix_ups();
    case FigureKind::fraction:
      return fraction_mix_ups();
    case FigureKind::seconds:
    case FigureKind::count:
    case FigureKind::rate:
      return thousands();
  }
  return {};
}

std::optional<std::string> explain_difference(double claimed, double found, FigureKind kind,
                                              std::span<const MixUp> particular) {
  if (!(claimed > 0.0) || !(found > 0.0) || is_near(claimed, found)) return std::nullopt;
  const double ratio = claimed / found;
  std::vector<MixUp> all = common_mix_ups(kind);
  all.insert(all.end(), particular.begin(), particular.end());
  if (auto reason = single(ratio, all)) return reason;
  return both(ratio, all);
}

}  // namespace orrery
