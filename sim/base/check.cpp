#include "base/check.hpp"

#include <cstdio>
#include <cstdlib>

namespace orrery {

namespace {
constexpr int exit_internal_fault = 3;
}  // namespace

void check_failed(const char* condition, const std::string& values, std::source_location where) {
  std::fprintf(stderr, "orrery: internal fault: %s:%u: %s: CHECK(%s) failed%s%s\n",
               where.file_name(), where.line(), where.function_name(), condition,
               values.empty() ? "" : " with", values.c_str());
  std::fflush(nullptr);
  std::_Exit(exit_internal_fault);
}

}  // namespace orrery
