#include "hardware/constant_settings.hpp"

#include <fmt/format.h>

namespace orrery {

namespace {

void read_up_to(double most, const Settings& settings, std::string_view key, double& value) {
  const auto read = settings.number(key);
  if (!read) return;
  if (*read <= 0.0 || *read > most) {
    settings.error(
        key, fmt::format("{} must lie above 0 and not above {}", settings.full_name(key), most));
    return;
  }
  value = *read;
}

}  // namespace

void read_share(const Settings& settings, std::string_view key, double& value) {
  read_up_to(2.0, settings, key, value);
}

void read_factor(const Settings& settings, std::string_view key, double& value) {
  read_up_to(10.0, settings, key, value);
}

void read_amount(const Settings& settings, std::string_view key, double& value) {
  const auto read = settings.number(key);
  if (!read) return;
  if (*read < 0.0) {
    settings.error(key, fmt::format("{} must not be negative", settings.full_name(key)));
    return;
  }
  value = *read;
}

std::optional<MeasuredRange> read_pair(const Settings& settings, std::string_view key) {
  const auto read = settings.numbers(key);
  if (!read) return std::nullopt;
  if (read->size() != 2 || (*read)[0] > (*read)[1]) {
    settings.error(
        key, fmt::format("{} is two numbers, the smaller one first", settings.full_name(key)));
    return std::nullopt;
  }
  return MeasuredRange{(*read)[0], (*read)[1]};
}

Spread read_spread(const Settings& settings, Spread otherwise) {
  const auto pair = read_pair(settings, "spread");
  return pair ? Spread{pair->least, pair->most} : otherwise;
}

bool is_measured(const Settings& settings) {
  settings.accept("source");
  return !settings.text("relative");
}

}  // namespace orrery
