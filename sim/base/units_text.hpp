// Quantities as text, both ways: "400 Gb/s" to 50e9 bytes per second, 50e9 bytes per second to "50
// GB/s".
//
// Input must carry its unit: a bare number where a dimension is needed is an error that names the
// unit wanted. GB is 10^9 bytes, GiB is 2^30; b is a bit, B is a byte. Output is for people: four
// significant digits with the unit that keeps the number between 1 and 1000.
#pragma once

#include "base/quantity.hpp"
#include "base/time.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace orrery {

/// Why a text is not the quantity that was asked for; a sentence fragment for a diagnostic.
struct UnitsError {
  std::string message;
};

/// A parsed value or the reason why there is none.
template <typename T>
using Parsed = std::variant<T, UnitsError>;

Parsed<Bytes> parse_bytes(std::string_view text);  ///< "80 GB", "512 KiB", "3 B"
Parsed<BytesPerSecond> parse_bytes_per_second(std::string_view text);  ///< "400 Gb/s", "900 GB/s"
Parsed<FlopsPerSecond> parse_flops_per_second(std::string_view text);  ///< "312 TFLOP/s"
Parsed<Seconds> parse_seconds(std::string_view text);                  ///< "1.2 us", "3 h"
Parsed<double> parse_watts(std::string_view text);                     ///< "700 W", "1.2 kW"
Parsed<double> parse_hertz(std::string_view text);                     ///< "1830 MHz"
Parsed<double> parse_dollars_per_hour(std::string_view text);          ///< "2.95 USD/h"
Parsed<double> parse_percent(std::string_view text);                   ///< "5 %" is 0.05

std::string format_bytes(Bytes bytes);               ///< decimal: "18.18 GB"
std::string format_rate(BytesPerSecond rate);        ///< "50.00 GB/s"
std::string format_flops_rate(FlopsPerSecond rate);  ///< "312.0 TFLOP/s"
std::string format_seconds(Seconds seconds);         ///< "401.9 ms"
std::string format_duration(Duration duration);      ///< "401.9 ms"
std::string format_percent(double fraction);         ///< "41.3 %"
std::string format_count(double count);              ///< "46.70 B" is 46.7e9 things

}  // namespace orrery
