// Randomness as a function, never a stream whose order matters: the n-th draw of an entity for a
// purpose is a pure function of the seed. Adding a rank or reordering a loop changes no other draw.
// The mixer is the 64-bit finaliser of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014), applied per
// word.
#pragma once

#include <cstdint>

namespace orrery {

/// What a number is drawn for. Values are part of the results' identity: append, never renumber.
enum class Purpose : std::uint64_t {
  routing = 1,
  jitter = 2,
  ecmp = 3,
  property_test = 4,
};

struct Draw {
  std::uint64_t seed = 0;
  Purpose purpose = Purpose::property_test;
  std::uint64_t entity = 0;
};

constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ULL;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}

/// The n-th 64 random bits of an entity.
constexpr std::uint64_t draw(Draw what, std::uint64_t n) {
  const auto purpose = static_cast<std::uint64_t>(what.purpose);
  const std::uint64_t seeded = mix_bits(what.seed ^ mix_bits(purpose));
  return mix_bits(seeded ^ mix_bits(mix_bits(what.entity) + n));
}

/// Uniform in [0, 1), 53 bits.
constexpr double draw_unit(Draw what, std::uint64_t n) {
  return static_cast<double>(draw(what, n) >> 11) * 0x1.0p-53;
}

/// Uniform in [0, bound), bound > 0; bound <= 2^32; the bias is below bound * 2^-32.
constexpr std::uint64_t draw_below(Draw what, std::uint64_t n, std::uint64_t bound) {
  return ((draw(what, n) >> 32) * bound) >> 32;
}

}  // namespace orrery
