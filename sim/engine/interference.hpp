// Communication and computation share a GPU: while a collective runs it holds some of the SMs and
// of the memory bandwidth, and kernels beside it are stretched by what is missing.
//
//   stretch = max(1, sm / (1 - sum of sm held), memory / (1 - sum of memory held))
//
// Sums of shares are integers (units of 2^-32), so they return to exactly nothing, whatever the
// order of giving and taking. What a stretched kernel still has to do is a whole number of
// picoseconds; it is settled once per instant and only when its stretch changed, so a class of
// ranks and each of its ranks on its own go through the same operations.
#pragma once

#include "base/time.hpp"
#include "program/program.hpp"

#include <cstdint>

namespace orrery {

/// However much communication claims, this share of the GPU is left to other kernels: several
/// collectives at once may claim more than there is, and a kernel must still end.
inline constexpr double least_share_left = 1.0 / 32.0;

/// What a kernel needs of the GPU's SMs and memory bandwidth to keep its pace.
struct GpuShares {
  float sm = 0.0F;
  float memory = 0.0F;
};

/// What communication holds of a GPU.
class HeldShares {
 public:
  void take(const TransferPlan& plan);
  void give_back(const TransferPlan& plan);
  bool nothing() const { return sm_ == 0 && memory_ == 0; }
  /// By how much a kernel takes longer; at least 1.
  double stretch(GpuShares kernel) const;

 private:
  std::int64_t sm_ = 0;
  std::int64_t memory_ = 0;
};

/// How a running computation proceeds: at `settled` it had `left` to do, each ps of which takes
/// `stretch`.
struct Pace {
  Duration left{0};
  Instant settled{};
  double stretch = 1.0;

  /// What is left at `now` continues at another stretch; less than a picosecond of work is lost.
  void change(Instant now, double new_stretch);
  Instant finish() const;
};

/// `duration` times `factor`, rounded up to the picosecond.
Duration lengthen(Duration duration, double factor);

}  // namespace orrery
