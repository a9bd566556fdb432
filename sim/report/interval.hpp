// How far a step time may be off, from how far its kernels and exchanges are known; nothing of it
// was found by looking at whole steps.
//
// A kernel takes what the model says times a residual. Two parts of it are told apart:
//   own     what the constants of a GPU keep as `spread`: 10th and 90th percentile of measured over
//           modelled. A shape repeats thousands of times in a step, always with the same residual,
//           so nothing averages out within a shape; other shapes draw their own.
//   shared  what one lab's, engine's or machine's kernels of a sort have in common, as the step's
//           machine will: the root mean square over sources of a source's mean residual.
// With w the share of a shape in the time that the average rank works or waits for exchanges (a
// bubble waits for the work of others and stretches as it does), a side of the interval is
//
//   d² = sum over sorts of ((sum of w) · shared)² + sum over shapes of (w · own)²
//
// each in its 10th and 90th percentile; sides differ where spreads do. Exchanges count where they
// are not hidden; what slower ones would no longer hide is left out, and so is whatever no kernel
// tells: hosts, routing, stragglers. Waiting for launches is taken as known.
#pragma once

#include "engine/engine.hpp"
#include "hardware/collective_constants.hpp"
#include "hardware/kernel_evidence.hpp"
#include "program/program.hpp"

#include <string>
#include <vector>

namespace orrery {

/// A kernel or exchange whose shape, or whose GPU, lies outside of what was measured.
struct Extrapolated {
  std::string name;    ///< "ffn_up.weight_gradient"
  double share = 0.0;  ///< of the time that is worked or waited for exchanges
};

struct StepInterval {
  double low = 1.0;  ///< 10th percentile of the step time, over the step time
  double high = 1.0;
  std::vector<Extrapolated> extrapolated{};  ///< the largest first
};

StepInterval step_interval(const Program& program, const RunResult& result,
                           const EvidenceBook& evidence, const CollectiveConstants& exchanges);

}  // namespace orrery
