#include "cli/progress.hpp"

#include "cli/terminal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace orrery {

namespace {
constexpr std::chrono::milliseconds interval{100};
/// Rows between two looks at the clock.
constexpr std::uint64_t stride = 4096;
}  // namespace

Progress::Progress(std::string label) : label_(std::move(label)), visible_(is_terminal(stderr)) {}

Progress::~Progress() {
  if (drawn_) fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(std::uint64_t done, std::uint64_t total) {
  if (!visible_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + interval;
  drawn_ = true;
  const double share = total == 0 ? 0.0 : static_cast<double>(done) / static_cast<double>(total);
  fmt::print(stderr, "\r\x1b[K{}: {:.0f} %", label_, 100.0 * std::min(1.0, share));
  std::fflush(stderr);
}

void ProgressSink::add(const Span& span) {
  inner_.add(span);
  if (++ended_ % stride == 0) progress_.show(ended_, tasks_);
}

}  // namespace orrery
