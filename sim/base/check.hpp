// Assertions about ourselves. A failed CHECK is a bug of the simulator, never of its user: it says
// where, what and with which values, and ends the program with exit status 3 (an internal fault).
// CHECK stays on in release builds; DCHECK is for the innermost loops and vanishes there.
#pragma once

#include <source_location>
#include <sstream>
#include <string>

namespace orrery {

/// Prints the failed condition with its values and exits with status 3.
[[noreturn]] void check_failed(const char* condition, const std::string& values,
                               std::source_location where);

namespace detail {
template <typename... Values>
std::string describe(const Values&... values) {
  std::ostringstream text;
  ((text << ' ' << values), ...);
  return text.str();
}
}  // namespace detail

}  // namespace orrery

#define CHECK(condition, ...)                                                     \
  do {                                                                            \
    if (!(condition)) [[unlikely]] {                                              \
      ::orrery::check_failed(#condition, ::orrery::detail::describe(__VA_ARGS__), \
                             std::source_location::current());                    \
    }                                                                             \
  } while (false)

#ifdef NDEBUG
#define DCHECK(condition, ...) \
  do {                         \
  } while (false)
#else
#define DCHECK(condition, ...) CHECK(condition __VA_OPT__(, ) __VA_ARGS__)
#endif
