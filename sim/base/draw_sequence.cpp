#include "base/draw_sequence.hpp"

#include "base/check.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace orrery {

namespace {

constexpr double few_successes = 10.0;  // of a mean, below which inversion is the faster way

/// The logarithm of n!, n whole.
double log_factorial(double n) { return std::lgamma(n + 1.0); }

}  // namespace

double DrawSequence::normal() {
  const double radius = std::sqrt(-2.0 * std::log(positive_unit()));
  return radius * std::cos(2.0 * std::numbers::pi * unit());
}

/// From one success to the next: the number of failures before it is geometric.
std::int64_t DrawSequence::few(std::int64_t trials, double chance) {
  const double log_failure = std::log1p(-chance);
  std::int64_t successes = 0;
  double tried = 0.0;
  while (true) {
    tried += std::floor(std::log(positive_unit()) / log_failure) + 1.0;
    if (tried > static_cast<double>(trials)) return successes;
    ++successes;
  }
}

/// chance <= 1/2. The constants are the algorithm's.
std::int64_t DrawSequence::many(std::int64_t trials, double chance) {
  const auto n = static_cast<double>(trials);
  const double deviation = std::sqrt(n * chance * (1.0 - chance));
  const double b = 1.15 + 2.53 * deviation;
  const double a = -0.0873 + 0.0248 * b + 0.01 * chance;
  const double centre = n * chance + 0.5;
  const double squeeze = 0.92 - 4.2 / b;
  const double alpha = (2.83 + 5.1 / b) * deviation;
  const double mode = std::floor((n + 1.0) * chance);
  const double log_odds = std::log(chance / (1.0 - chance));
  while (true) {
    const double u = unit() - 0.5;
    const double v = positive_unit();
    const double side = 0.5 - std::abs(u);
    const double k = std::floor((2.0 * a / side + b) * u + centre);
    if (!(k >= 0.0 && k <= n)) continue;
    if (side >= 0.07 && v <= squeeze) return static_cast<std::int64_t>(k);
    const double height = std::log(v * alpha / (a / (side * side) + b));
    const double density = log_factorial(mode) + log_factorial(n - mode) - log_factorial(k) -
                           log_factorial(n - k) + (k - mode) * log_odds;
    if (height <= density) return static_cast<std::int64_t>(k);
  }
}

std::int64_t DrawSequence::binomial(std::int64_t trials, double chance) {
  CHECK(trials >= 0 && !std::isnan(chance), trials, chance);
  if (trials == 0 || chance <= 0.0) return 0;
  if (chance >= 1.0) return trials;
  if (chance > 0.5) return trials - binomial(trials, 1.0 - chance);
  const bool is_few = static_cast<double>(trials) * chance < few_successes;
  return is_few ? few(trials, chance) : many(trials, chance);
}

double DrawSequence::log_gamma(double shape) {
  CHECK(shape > 0.0, shape);
  const double smaller = shape < 1.0 ? std::log(positive_unit()) / shape : 0.0;
  const double d = (shape < 1.0 ? shape + 1.0 : shape) - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal();
    const double root = 1.0 + c * x;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    if (std::log(positive_unit()) < 0.5 * x * x + d - d * v + d * std::log(v)) {
      return std::log(d * v) + smaller;
    }
  }
}

}  // namespace orrery
