// What a command line prints and returns.
#pragma once

#include "cli/command_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace orrery {

struct Outcome {
  int status = 0;
  std::string out;
  std::string error;
};

inline Outcome orrery_of(const std::vector<std::string>& typed) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  Outcome outcome;
  outcome.status = guarded_command_line(typed);
  outcome.out = ::testing::internal::GetCapturedStdout();
  outcome.error = ::testing::internal::GetCapturedStderr();
  return outcome;
}

}  // namespace orrery
