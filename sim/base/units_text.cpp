#include "base/units_text.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>
#include <span>

namespace orrery {

namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kibi = 1024.0;

/// Sizes are whole bytes. "0.47 GiB" is none either, but nobody who wrote it meant the last of its
/// bytes: what rounds by less than this part of itself is as whole as its digits are.
constexpr double closest_written = 1e-6;

constexpr std::array byte_units = {
    Unit{"B", 1.0},
    Unit{"kB", 1e3},
    Unit{"KB", 1e3},
    Unit{"MB", 1e6},
    Unit{"GB", 1e9},
    Unit{"TB", 1e12},
    Unit{"PB", 1e15},
    Unit{"KiB", kibi},
    Unit{"MiB", kibi* kibi},
    Unit{"GiB", kibi* kibi* kibi},
    Unit{"TiB", kibi* kibi* kibi* kibi},
};
constexpr std::array byte_rate_units = {
    Unit{"B/s", 1.0},         Unit{"kB/s", 1e3},         Unit{"MB/s", 1e6},
    Unit{"GB/s", 1e9},        Unit{"TB/s", 1e12},        Unit{"b/s", 1.0 / 8.0},
    Unit{"kb/s", 1e3 / 8.0},  Unit{"Mb/s", 1e6 / 8.0},   Unit{"Gb/s", 1e9 / 8.0},
    Unit{"Tb/s", 1e12 / 8.0}, Unit{"MiB/s", kibi* kibi}, Unit{"GiB/s", kibi* kibi* kibi},
};
constexpr std::array flop_rate_units = {
    Unit{"FLOP/s", 1.0},   Unit{"MFLOP/s", 1e6},  Unit{"GFLOP/s", 1e9},
    Unit{"TFLOP/s", 1e12}, Unit{"PFLOP/s", 1e15}, Unit{"EFLOP/s", 1e18},
};
constexpr std::array time_units = {
    Unit{"s", 1.0},    Unit{"ms", 1e-3},  Unit{"us", 1e-6},  Unit{"µs", 1e-6},   Unit{"ns", 1e-9},
    Unit{"ps", 1e-12}, Unit{"min", 60.0}, Unit{"h", 3600.0}, Unit{"d", 86400.0},
};
constexpr std::array watt_units = {Unit{"W", 1.0}, Unit{"kW", 1e3}, Unit{"MW", 1e6}};
constexpr std::array hertz_units = {Unit{"Hz", 1.0}, Unit{"MHz", 1e6}, Unit{"GHz", 1e9}};
constexpr std::array price_units = {Unit{"USD/h", 1.0}};
constexpr std::array percent_units = {Unit{"%", 0.01}};

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string unit_names(std::span<const Unit> units) {
  std::string names;
  for (const Unit& unit : units) {
    names += names.empty() ? "" : ", ";
    names += unit.name;
  }
  return names;
}

/// A number, then a unit of the table. Not negative, finite, and nothing left over.
Parsed<double> parse(std::string_view text, std::span<const Unit> units) {
  const std::string_view trimmed = trim(text);
  double number = 0.0;
  const auto [rest, failure] =
      std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  if (failure != std::errc{}) {
    return UnitsError{fmt::format("'{}' does not begin with a number; write it like \"80 {}\"",
                                  text, units.front().name)};
  }
  const std::string_view unit_text =
      trim(trimmed.substr(static_cast<std::size_t>(rest - trimmed.data())));
  if (unit_text.empty()) {
    return UnitsError{fmt::format("'{}' has no unit; wanted one of {}", text, unit_names(units))};
  }
  if (!std::isfinite(number) || number < 0.0) {
    return UnitsError{fmt::format("'{}' is not a finite number of zero or more", text)};
  }
  for (const Unit& unit : units) {
    if (unit.name == unit_text) return number * unit.factor;
  }
  return UnitsError{
      fmt::format("'{}' has the unit '{}'; wanted one of {}", text, unit_text, unit_names(units))};
}

template <typename Q>
Parsed<Q> as_quantity(const Parsed<double>& parsed) {
  if (const auto* error = std::get_if<UnitsError>(&parsed)) return *error;
  return Q(std::get<double>(parsed));
}

/// Four significant digits with the first unit of an ascending table that keeps the number below
/// 1000.
std::string format_scaled(double value, std::span<const Unit> ascending) {
  const Unit* chosen = &ascending.front();
  for (const Unit& unit : ascending) {
    if (std::abs(value) >= unit.factor * 0.99995) chosen = &unit;
  }
  const double scaled = value / chosen->factor;
  const int decimals = std::abs(scaled) >= 100.0 ? 1 : std::abs(scaled) >= 10.0 ? 2 : 3;
  if (value == 0.0) return fmt::format("0 {}", chosen->name);
  return fmt::format("{:.{}f} {}", scaled, decimals, chosen->name);
}

}  // namespace

Parsed<Bytes> parse_bytes(std::string_view text) {
  const Parsed<double> parsed = parse(text, byte_units);
  if (const auto* error = std::get_if<UnitsError>(&parsed)) return *error;
  const double bytes = std::get<double>(parsed);
  if (bytes >= 9.2e18) return UnitsError{fmt::format("'{}' is more bytes than 63 bits hold", text)};
  if (std::abs(bytes - std::round(bytes)) > bytes * closest_written) {
    return UnitsError{fmt::format("'{}' is {} bytes; wanted a whole number of bytes", text, bytes)};
  }
  return Bytes(std::llround(bytes));
}
Parsed<BytesPerSecond> parse_bytes_per_second(std::string_view text) {
  return as_quantity<BytesPerSecond>(parse(text, byte_rate_units));
}
Parsed<FlopsPerSecond> parse_flops_per_second(std::string_view text) {
  return as_quantity<FlopsPerSecond>(parse(text, flop_rate_units));
}
Parsed<Seconds> parse_seconds(std::string_view text) {
  return as_quantity<Seconds>(parse(text, time_units));
}
Parsed<double> parse_watts(std::string_view text) { return parse(text, watt_units); }
Parsed<double> parse_hertz(std::string_view text) { return parse(text, hertz_units); }
Parsed<double> parse_dollars_per_hour(std::string_view text) { return parse(text, price_units); }
Parsed<double> parse_percent(std::string_view text) { return parse(text, percent_units); }

std::string format_bytes(Bytes bytes) {
  constexpr std::array units = {Unit{"B", 1.0},  Unit{"kB", 1e3},  Unit{"MB", 1e6},
                                Unit{"GB", 1e9}, Unit{"TB", 1e12}, Unit{"PB", 1e15}};
  if (std::abs(bytes.value()) < 1000) return fmt::format("{} B", bytes.value());
  return format_scaled(static_cast<double>(bytes.value()), units);
}

std::string format_rate(BytesPerSecond rate) {
  constexpr std::array units = {Unit{"B/s", 1.0}, Unit{"kB/s", 1e3}, Unit{"MB/s", 1e6},
                                Unit{"GB/s", 1e9}, Unit{"TB/s", 1e12}};
  return format_scaled(rate.value(), units);
}

std::string format_flops_rate(FlopsPerSecond rate) {
  constexpr std::array units = {Unit{"FLOP/s", 1.0}, Unit{"GFLOP/s", 1e9}, Unit{"TFLOP/s", 1e12},
                                Unit{"PFLOP/s", 1e15}, Unit{"EFLOP/s", 1e18}};
  return format_scaled(rate.value(), units);
}

std::string format_seconds(Seconds seconds) {
  constexpr std::array units = {Unit{"ps", 1e-12}, Unit{"ns", 1e-9}, Unit{"us", 1e-6},
                                Unit{"ms", 1e-3}, Unit{"s", 1.0}};
  return format_scaled(seconds.value(), units);
}

std::string format_duration(Duration duration) { return format_seconds(to_seconds(duration)); }

std::string format_percent(double fraction) { return fmt::format("{:.1f} %", fraction * 100.0); }

std::string format_count(double count) {
  constexpr std::array units = {Unit{"", 1.0}, Unit{"k", 1e3}, Unit{"M", 1e6}, Unit{"B", 1e9},
                                Unit{"T", 1e12}};
  if (std::abs(count) < 1000.0 && count == std::floor(count)) return fmt::format("{:.0f}", count);
  return format_scaled(count, units);
}

}  // namespace orrery
