// Units of whole quantities in a program's text. A quantity is printed in the largest unit that
// divides it, so that text stays exact and readable: 5000000 ps is "5 us", 80000000000 B is "80
// GB".
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace orrery {

struct TextUnit {
  std::string_view name;
  std::int64_t size = 1;
};

/// Descending by size.
inline constexpr std::array<TextUnit, 5> duration_units{{
    {"s", 1'000'000'000'000},
    {"ms", 1'000'000'000},
    {"us", 1'000'000},
    {"ns", 1'000},
    {"ps", 1},
}};

inline constexpr std::array<TextUnit, 7> byte_units{{
    {"GiB", std::int64_t{1} << 30},
    {"GB", 1'000'000'000},
    {"MiB", std::int64_t{1} << 20},
    {"MB", 1'000'000},
    {"KiB", std::int64_t{1} << 10},
    {"kB", 1'000},
    {"B", 1},
}};

}  // namespace orrery
