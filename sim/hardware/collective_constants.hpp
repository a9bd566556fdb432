// What communication kernels of a GPU reach of the communication library's own estimates.
//
// A library picks algorithm and protocol by a cost model (collective/nccl.hpp) whose constants are
// judgements, alike for all GPUs of a generation. What an operation takes then differs from the
// estimate in ways that have a mechanism each, and these numbers say how much:
//
//   latency = base · base latency + hop · latency of the hops inside a domain
//   moving  = bytes / rate · (1 + ends / steps) / estimated bandwidth
//   filling = min(fill · bytes, fill_most) / estimated bandwidth
//
// `ends`: a ring of n members moves bytes in n - 1 (or twice as many) steps, but its first and last
// step copy on one side only, to and from the buffers of the user, and what hides of that copy
// does not depend on n. `fill`: the stages of a pipeline fill chunk by chunk, chunks grow with the
// size up to a limit. They are fitted by tools/calibrate/collectives.py on single operations
// (tests/measured/collectives.csv) and live in the `[collective]` tables of the GPU's file; without
// a table the estimate counts as it is.
#pragma once

#include "base/quantity.hpp"
#include "base/settings.hpp"
#include "hardware/kernel_constants.hpp"

namespace orrery {

struct ReachedShares {
  double base = 1.0;
  double hop = 1.0;
  double rate = 1.0;
  double ends = 0.0;  ///< in steps
  double fill = 0.0;  ///< share of the bytes
  Bytes fill_most{0};
  Spread spread{};
  bool measured = false;  ///< fitted on this GPU
};

struct CollectiveConstants {
  ReachedShares ring;   ///< rings, trees and chains
  ReachedShares nvls;   ///< reduction and multicast in the switch
  ReachedShares pairs;  ///< grouped sends and receives: all-to-all
};

/// The `[collective]` table of a GPU's file; findings go to the settings' diagnostics.
CollectiveConstants read_collective_constants(const Settings& collective);

}  // namespace orrery
