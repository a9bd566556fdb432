// The measured constants that turn the shape of a kernel into time; one set per GPU.
//
// They are fitted by tools/calibrate on tables of single kernels (tests/measured) and live in the
// `[kernel]` table of the GPU's file. Efficiencies are shares of the dense peak or of the nominal
// bandwidth, so that a GPU of the same family may borrow them (`relative` in a table says from
// whom; it then does not count as measured). Each fitted set keeps the spread of what was measured
// around it (10th and 90th percentile of measured / predicted) and the range of shapes it was
// fitted on. What the numbers mean stands beside the formulas, in kernel_times/tile.cpp; a key that
// is left out has the value written here.
#pragma once

#include "base/quantity.hpp"
#include "base/settings.hpp"
#include "hardware/number_type.hpp"
#include "hardware/ratio_table.hpp"

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace orrery {

/// How measured times lie around the model: 10th and 90th percentile of measured / predicted.
struct Spread {
  double low = 1.0;
  double high = 1.0;
};

/// A closed range of sizes that were measured.
struct MeasuredRange {
  double least = 0.0;
  double most = 0.0;

  bool holds(double size) const { return size >= least && size <= most; }
};

/// A matrix product m·n·k of one type.
struct GemmConstants {
  double efficiency = 0.75;  ///< share of the dense peak that an unbounded tile reaches
  double edge = 0.03;  ///< what the edges of a tile cost: efficiency / (1 + edge·(128/bm + 128/bn))
  double ramp = 64.0;      ///< elements of k that filling and draining the pipeline of a tile costs
  Seconds launch{3.5e-6};  ///< floor under any product
  double bandwidth = 0.80;  ///< share of the memory bandwidth that operands stream at
  Seconds split{1.2e-6};    ///< fixed cost of adding up a split k
  Spread spread{};
  MeasuredRange m;
  MeasuredRange n;
  MeasuredRange k;
  /// Share of the rate that is left under load, where it is known of this type.
  std::optional<double> sustained{};
  RatioTable ratios;      ///< of the shapes that were measured, for kernel_times = "table"
  bool measured = false;  ///< fitted on this GPU and type
};

/// Attention of one phase: efficiency rises with the keys of a query and the width of a head.
struct AttentionConstants {
  double efficiency = 0.70;    ///< share of the dense peak for endless sequences and wide heads
  double half_length = 300.0;  ///< keys per query at which half of it is reached
  double half_width = 20.0;    ///< width of a head at which half of it is reached
  double unequal = 1.0;        ///< factor when keys and values differ in width
  Seconds launch{6e-6};
  double bandwidth = 0.80;  ///< share of the memory bandwidth
  Spread spread{};
  bool measured = false;
};

/// Attention of new tokens to a cache: it streams the cache, or the tensor cores bind, which the
/// queries that share a cached head fill the better the more they are.
struct DecodeConstants {
  double efficiency = 0.72;  ///< share of the dense peak for endlessly many queries per cached head
  double half_rows = 40.0;   ///< queries per cached head at which half of it is reached
  Seconds launch{12e-6};
  double bandwidth = 0.88;  ///< share of the memory bandwidth
  Spread spread{};
  bool measured = false;
};

/// Kernels bound by memory: shares of the bandwidth by the way they walk through it.
struct MemoryConstants {
  double stream = 0.88;
  double reduce = 0.60;
  double gather = 0.50;
  double loss = 0.60;
  Seconds launch{1.4e-6};  ///< floor under any kernel
  Spread spread{};
  bool measured = false;
};

/// Kernels that quantise: shares of the bandwidth by what they do.
struct QuantizeConstants {
  double absmax = 0.39;      ///< finding the largest value of a tensor
  double cast = 0.90;        ///< with a scale that is known
  double cast_block = 0.45;  ///< with a scale found for each 128
  double cast_mxfp8 = 0.80;
  double cast_nvfp4 = 0.60;
  double transpose = 0.80;        ///< of 8-bit numbers, cast in the same kernel or not
  Seconds absmax_launch{7.3e-6};  ///< floor under finding: two kernels and what is between them
  Seconds launch{1.4e-6};         ///< floor under any other
  Spread spread{};
  bool measured = false;
};

struct KernelConstants {
  std::string relative;  ///< the GPU that constants were borrowed from; empty: fitted on this one
  std::array<GemmConstants, number_type_count> gemm{};  ///< by NumberType
  /// The same of libraries that bring kernels of their own, where these were measured: by name.
  std::map<std::string, std::array<std::optional<GemmConstants>, number_type_count>> libraries;
  double grouped = 1.0;  ///< rate of a grouped product over that of one product with the same tiles
  /// Rate of a product that adds to what its output holds, over that of a plain one (weight
  /// gradients).
  /// What it takes longer is the traffic of the output: of narrower operands as much.
  double accumulating = 1.0;
  /// Rate of an fp8 product that promotes its partial sums, over that of one that does not.
  double promoted = 1.0;
  /// Share of the rate of products that remains when they fill minutes and not milliseconds: the
  /// power limit lowers the clock; of types that do not say otherwise. Kernel times are without it
  /// until `under_load` puts it in.
  double sustained = 1.0;
  /// Standard deviation of the rate of products from card to card, as a share: 5 % between the best
  /// and the worst of a node's eight is normal (stas00/ml-engineering, compute/accelerator), and
  /// eight normal draws span 2.85 standard deviations.
  double cards = 0.0175;
  AttentionConstants forward;
  AttentionConstants forward_flash2;  ///< FlashAttention-2, where a newer kernel is faster
  AttentionConstants backward;
  AttentionConstants backward_flash2;
  DecodeConstants decode;
  MemoryConstants memory;
  QuantizeConstants quantize;

  const GemmConstants& product(NumberType type) const {
    return gemm[static_cast<std::size_t>(type)];
  }
};

/// The `[kernel]` table of a GPU's file; findings go to the settings' diagnostics.
KernelConstants read_kernel_constants(const Settings& kernel);

/// Standard deviations by which the largest of so many normal draws lies above the mean on average:
/// the normal quantile of (n - 0.375) / (n + 0.25) (Blom 1958).
double expected_largest(double draws);

/// The constants of a GPU that computes for minutes in step with others: rates of products times
/// `sustained`, and as slow as the slowest of so many cards.
KernelConstants under_load(KernelConstants constants, double gpus = 1.0);

/// Products at the rates of a library's kernels, where it has some of its own.
KernelConstants with_kernels_of(KernelConstants constants, std::string_view library);

}  // namespace orrery
