// Why two figures for the same thing differ: the mix-ups that turn one into the other.
//
// Reports write GiB as GB, count two bytes where four are held, or give one GPU's share for the
// whole. Each such mix-up multiplies a figure by a known factor. explain_difference tries every
// factor, then each of them together with a slip of binary units, and names what matches within
// `closeness`; so a reason is found, not guessed for a case.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

namespace orrery {

/// What a figure is measured in, as far as it decides which mix-ups are possible.
enum class FigureKind { bytes, seconds, count, rate, fraction };

/// The true figure times `factor` is what somebody wrote who made this mistake.
struct MixUp {
  double factor = 1.0;
  std::string reason;  ///< what the written figure would be then: "it is in GiB, not GB"
};

/// Mistakes of units and types, which need no knowledge of what the figure is about.
std::vector<MixUp> common_mix_ups(FigureKind kind);

/// How near claimed ÷ found must be to a factor for the mix-up to be named.
inline constexpr double closeness = 0.01;

/// The mix-up, or the two together, that make `claimed` out of `found`; nothing if they agree or if
/// none does. One is preferred to two, earlier ones to later ones, the common to the `particular`.
std::optional<std::string> explain_difference(double claimed, double found, FigureKind kind,
                                              std::span<const MixUp> particular = {});

}  // namespace orrery
