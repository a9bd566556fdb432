// Kernels as tiles that share the SMs, with constants fitted on measured kernels.
//
// Product m·n·k. A library picks a tile bm·bn and, for few tiles, cuts k into `split` parts that
// are added up afterwards; the fastest choice counts, as a tuned library would make it:
//
//   waves = ⌈⌈m/bm⌉ · ⌈n/bn⌉ · split / SMs⌉
//   SM time = waves · 2·bm·bn·(⌈k/split⌉ + ramp) / (peak/SMs · share)
//   share = efficiency / (1 + edge·(128/bm + 128/bn))
//   time = launch + max(SM time, bytes / (bandwidth share · bandwidth)) + adding up (split > 1)
//
// Adding to what the output holds costs a product of 16 bits the share that `accumulating` says of
// its time, and a narrower one as many seconds: it is the traffic of the output.
//
// A last, partly filled wave costs like a full one (tile and wave quantisation: Stas Bekman,
// ml-engineering, citing arXiv 2401.14489). Grouped products put the tiles of all groups on the
// same SMs; where each group is launched by itself it takes as long as it does alone, however many
// streams they are spread over (grouped products of Transformer Engine on a B200: 108 of
// SIMUMAX-OPS within 11 %, bias -3 %, where shared SMs would be 27 % too fast).
//
// Attention in one kernel. Its efficiency rises with the keys that a query meets and with the width
// of a head, and falls when the queries make fewer tiles of 128 than there are SMs:
//
//   efficiency · keys/(keys + half_length) · width/(width + half_width) · min(1, tiles/SMs)
//
// A causal mask leaves half-empty tiles on the diagonal, 64 keys for every query, which are
// executed. Decoding is one pass over the cache; its arithmetic fills the tensor cores as far as
// the queries that share a cached head reach: efficiency · rows/(rows + half_rows). Unfused
// attention is its two batched products and a softmax.
//
// Everything else takes launch + bytes / (share · bandwidth), the share by how it walks through
// memory.
#include "hardware/kernel_times.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

namespace orrery::kernel_times_models {

namespace {

/// FlashAttention in Triton against FlashAttention-2, kernels on an A100 over lengths, widths and
/// masks: forward 1.3 to 1.5 times as long, of which the middle, backward twice (Dao 2023, arXiv
/// 2307.08691, section 4.1).
constexpr double triton_forward = 1.4;
constexpr double triton_backward = 2.0;

double slowdown_of(const AttentionKernel& kernel) {
  if (kernel.form != AttentionKernel::Form::flash_triton) return 1.0;
  return kernel.phase == AttentionKernel::Phase::backward ? triton_backward : triton_forward;
}

struct Tile {
  double m;
  double n;
};

// Tall, wide, square and small; more shapes do not fit the measurements better.
constexpr std::array tiles = {Tile{256, 128}, Tile{128, 256}, Tile{128, 128}, Tile{64, 64}};
constexpr std::array splits = {1.0, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0};
constexpr double k_step = 64.0;       // elements of k that a tile advances by
constexpr double shortest_k = 256.0;  // k is not cut into shorter parts
constexpr double query_tile = 128.0;
constexpr double diagonal = 64.0;  // masked keys per query that are executed all the same

/// `groups` products of one shape.
struct Product {
  double groups = 1.0;
  double m = 1.0;
  double n = 1.0;
  double k = 1.0;
  double bytes = 0.0;
  double rate = 1.0;    ///< share of the rate of a plain product
  double sums = 1.0;    ///< likewise, of the operands' type alone
  double adding = 0.0;  ///< what adding to the output takes, over the time of 16-bit operands
  std::span<const double> rows{};  ///< of each group, where they differ in m or in k
  GroupedGemmKernel::RowsAre rows_are = GroupedGemmKernel::RowsAre::m;

  bool differ_in(GroupedGemmKernel::RowsAre size) const {
    return !rows.empty() && rows_are == size;
  }
};

/// Tiles of all groups over m.
double tiles_over_m(const Product& product, double tile) {
  if (!product.differ_in(GroupedGemmKernel::RowsAre::m)) {
    return product.groups * std::ceil(product.m / tile);
  }
  double count = 0.0;
  for (const double rows : product.rows) count += std::ceil(rows / tile);
  return count;
}

/// What `waves` waves advance over k, ramps included: those of unequal groups are as long as the
/// average tile, but no shorter together than the longest.
double advance_over_k(const Product& product, double split, double waves, double ramp) {
  const auto stepped = [](double k) { return std::ceil(k / k_step) * k_step; };
  if (!product.differ_in(GroupedGemmKernel::RowsAre::k)) {
    return waves * (stepped(product.k / split) + ramp);
  }
  double sum = 0.0;
  double longest = 0.0;
  for (const double rows : product.rows) {
    sum += stepped(rows);
    longest = std::max(longest, stepped(rows));
  }
  const double mean = sum / static_cast<double>(product.rows.size());
  return std::max(waves * (mean + ramp), longest + ramp);
}

/// Of operands as wide as these, 16 bits at least.
NumberType sixteen_bits_at_least(NumberType type) {
  return bytes_per_element(type) < 2.0 ? NumberType::bf16 : type;
}

Product product_of(const GemmKernel& kernel) {
  return {.m = static_cast<double>(kernel.m),
          .n = static_cast<double>(kernel.n),
          .k = static_cast<double>(kernel.k),
          .bytes = static_cast<double>(compulsory_bytes(kernel).value())};
}

Product product_of(const GroupedGemmKernel& kernel) {
  // Fewer rows than groups: each row has a group to itself.
  const auto groups = static_cast<double>(kernel.groups);
  const double rows = std::max(1.0, kernel.rows_per_group);
  return {.groups = std::min(groups, std::ceil(groups * kernel.rows_per_group)),
          .m = rows,
          .n = static_cast<double>(kernel.n),
          .k = static_cast<double>(kernel.k),
          .bytes = static_cast<double>(compulsory_bytes(kernel).value()),
          .rows = kernel.rows,
          .rows_are = kernel.rows_are};
}

KernelTime operator+(const KernelTime& a, const KernelTime& b) {
  return {.total = a.total + b.total,
          .sm = a.sm + b.sm,
          .memory = a.memory + b.memory,
          .extrapolated = a.extrapolated || b.extrapolated,
          .spread = a.spread};
}

class TileTimes final : public KernelTimes {
 public:
  explicit TileTimes(const Gpu& gpu)
      : gpu_(gpu), sms_(static_cast<double>(gpu.streaming_multiprocessors)) {}

  KernelTime time(const Kernel& kernel) const override {
    return std::visit([this](const auto& one) { return price(one); }, kernel);
  }

 private:
  KernelTime price(const GemmKernel& kernel) const {
    Product product = product_of(kernel);
    put_sums(kernel.accumulate, kernel.sums, kernel.type, product);
    return price(product, kernel.type);
  }

  KernelTime price(const GroupedGemmKernel& kernel) const {
    if (kernel.apart) return one_by_one(kernel);
    Product product = product_of(kernel);
    product.rate = gpu_.kernels.grouped;
    put_sums(kernel.accumulate, kernel.sums, kernel.type, product);
    return price(product, kernel.type);
  }

  void put_sums(GemmKernel::Accumulate accumulate, GemmKernel::Sums sums, NumberType type,
                Product& product) const {
    if (accumulate == GemmKernel::Accumulate::yes) {
      product.adding = 1.0 / gpu_.kernels.accumulating - 1.0;
    }
    const bool promotes = sums == GemmKernel::Sums::promoted && type == NumberType::fp8;
    if (promotes) product.sums = gpu_.kernels.promoted;
  }

  KernelTime price(const AttentionKernel& kernel) const {
    if (kernel.phase == AttentionKernel::Phase::decode) return decode(kernel);
    return kernel.form == AttentionKernel::Form::unfused ? unfused(kernel) : fused(kernel);
  }

  KernelTime one_by_one(const GroupedGemmKernel& kernel) const;
  KernelTime price(const MemoryKernel& kernel) const;
  KernelTime price_quantisation(const MemoryKernel& kernel) const;
  KernelTime price(const Product& product, NumberType type) const;
  double tile_seconds(const Product& product, const Tile& tile, double split,
                      NumberType type) const;
  KernelTime fused(const AttentionKernel& kernel) const;
  KernelTime decode(const AttentionKernel& kernel) const;
  KernelTime unfused(const AttentionKernel& kernel) const;
  const AttentionConstants& constants(const AttentionKernel& kernel) const;

  /// Seconds for bytes at a share of the memory bandwidth.
  double stream(double bytes, double share) const {
    return bytes / (gpu_.memory_bandwidth.value() * share);
  }

  Gpu gpu_;
  double sms_;
};

double TileTimes::tile_seconds(const Product& product, const Tile& tile, double split,
                               NumberType type) const {
  const GemmConstants& c = gpu_.kernels.product(type);
  const double count = tiles_over_m(product, tile.m) * std::ceil(product.n / tile.n) * split;
  const double waves = std::ceil(count / sms_);
  const double efficiency = c.efficiency / (1.0 + c.edge * (128.0 / tile.m + 128.0 / tile.n));
  const double rate = gpu_.peak_rate(type).value() / sms_ * efficiency * product.rate;
  return 2.0 * tile.m * tile.n * advance_over_k(product, split, waves, c.ramp) / rate;
}

KernelTime TileTimes::price(const Product& product, NumberType type) const {
  const GemmConstants& c = gpu_.kernels.product(type);
  const double memory = stream(product.bytes, c.bandwidth);
  double best = std::numeric_limits<double>::infinity();
  double best_sm = 0.0;
  for (const Tile& tile : tiles) {
    for (const double split : splits) {
      if (split > 1.0 && (product.groups > 1.0 || product.k < split * shortest_k)) break;
      const double own = tile_seconds(product, tile, split, type) / product.sums;
      const double output =
          product.adding == 0.0
              ? 0.0
              : product.adding * tile_seconds(product, tile, split, sixteen_bits_at_least(type));
      const double sm = own + output;
      // Partial sums are written and read again in fp32.
      const double partial = split * product.m * product.n * 8.0;
      const double adding = split == 1.0 ? 0.0 : c.split.value() + stream(partial, c.bandwidth);
      const double seconds = std::max(sm, memory) + adding;
      if (seconds >= best) continue;
      best = seconds;
      best_sm = sm;
    }
  }
  // Rows of a group, where there are several: their product is one of that shape.
  const bool inside =
      c.measured && c.m.holds(product.m) && c.n.holds(product.n) && c.k.holds(product.k);
  return {.total = c.launch + Seconds(best),
          .sm = Seconds(best_sm),
          .memory = Seconds(memory),
          .extrapolated = !inside,
          .spread = c.spread};
}

KernelTime TileTimes::one_by_one(const GroupedGemmKernel& kernel) const {
  const auto one = [&](double rows) {
    const std::int64_t whole = std::llround(std::max(1.0, std::ceil(rows)));
    const bool in_k = !kernel.rows.empty() && kernel.rows_are == GroupedGemmKernel::RowsAre::k;
    KernelTime time = price(GemmKernel{.m = in_k ? std::llround(kernel.rows_per_group) : whole,
                                       .n = kernel.n,
                                       .k = in_k ? whole : kernel.k,
                                       .type = kernel.type,
                                       .output_type = kernel.output_type,
                                       .accumulate = kernel.accumulate,
                                       .sums = kernel.sums});
    time.total = std::max(time.total, *kernel.apart);
    return time;
  };
  if (kernel.rows.empty()) {
    const double groups = product_of(kernel).groups;
    const KernelTime each = one(kernel.rows_per_group);
    return {.total = groups * each.total,
            .sm = groups * each.sm,
            .memory = groups * each.memory,
            .extrapolated = each.extrapolated,
            .spread = each.spread};
  }
  KernelTime all = one(kernel.rows.front());
  for (std::size_t i = 1; i < kernel.rows.size(); ++i) all = all + one(kernel.rows[i]);
  return all;
}

const AttentionConstants& TileTimes::constants(const AttentionKernel& kernel) const {
  const KernelConstants& all = gpu_.kernels;
  using enum AttentionKernel::Form;
  const bool older = kernel.form == flash2 || kernel.form == flash_triton;
  if (kernel.phase == AttentionKernel::Phase::backward) {
    return older ? all.backward_flash2 : all.backward;
  }
  return older ? all.forward_flash2 : all.forward;
}

KernelTime TileTimes::fused(const AttentionKernel& kernel) const {
  const AttentionConstants& c = constants(kernel);
  const auto queries = static_cast<double>(kernel.query_length);
  const auto instances = static_cast<double>(kernel.batch * kernel.heads);
  const double width = static_cast<double>(kernel.qk_dim + kernel.v_dim) / 2.0;
  const double factor = kernel.phase == AttentionKernel::Phase::backward ? 10.0 : 4.0;
  const double unmasked = executed_flops(kernel).value() / (factor * instances * queries * width);
  const double edges = (kernel.causal ? 1.0 : 0.0) + (kernel.window > 0 ? 1.0 : 0.0);
  const double keys = unmasked + edges * diagonal;
  const double busy = std::min(1.0, instances * std::ceil(queries / query_tile) / sms_);
  const double efficiency = c.efficiency * keys / (keys + c.half_length) * width /
                            (width + c.half_width) * busy *
                            (kernel.qk_dim == kernel.v_dim ? 1.0 : c.unequal);
  const double flops = factor * instances * queries * keys * width;
  const double sm =
      slowdown_of(kernel) * flops / (gpu_.peak_rate(kernel.type).value() * efficiency);
  const double memory = stream(static_cast<double>(compulsory_bytes(kernel).value()), c.bandwidth);
  return {.total = c.launch + Seconds(std::max(sm, memory)),
          .sm = Seconds(sm),
          .memory = Seconds(memory),
          .extrapolated = !c.measured,
          .spread = c.spread};
}

KernelTime TileTimes::decode(const AttentionKernel& kernel) const {
  const DecodeConstants& c = gpu_.kernels.decode;
  const auto rows = static_cast<double>(kernel.heads * kernel.query_length) /
                    static_cast<double>(kernel.kv_heads);
  const double efficiency = c.efficiency * rows / (rows + c.half_rows);
  const double sm =
      executed_flops(kernel).value() / (gpu_.peak_rate(kernel.type).value() * efficiency);
  const double memory = stream(static_cast<double>(compulsory_bytes(kernel).value()), c.bandwidth);
  return {.total = c.launch + Seconds(std::max(sm, memory)),
          .sm = Seconds(sm),
          .memory = Seconds(memory),
          .extrapolated = !c.measured,
          .spread = c.spread};
}

KernelTime TileTimes::unfused(const AttentionKernel& kernel) const {
  GroupedGemmKernel scores{.groups = kernel.batch * kernel.heads,
                           .rows_per_group = static_cast<double>(kernel.query_length),
                           .n = kernel.key_length,
                           .k = kernel.qk_dim,
                           .type = kernel.type,
                           .output_type = kernel.type};
  GroupedGemmKernel values = scores;
  values.n = kernel.v_dim;
  values.k = kernel.key_length;
  const double pairs = static_cast<double>(scores.groups * kernel.query_length) *
                       static_cast<double>(kernel.key_length);
  // Forward: read and write the scores; backward: read scores and their gradient, write the
  // gradient.
  const bool backward = kernel.phase == AttentionKernel::Phase::backward;
  const double bytes = (backward ? 3.0 : 2.0) * pairs * bytes_per_element(kernel.type);
  const KernelTime softmax = price(
      MemoryKernel{.bytes = Bytes(std::llround(bytes)), .access = MemoryKernel::Access::reduce});
  const KernelTime once = price(scores) + price(values);
  return backward ? once + once + softmax : once + softmax;
}

KernelTime TileTimes::price_quantisation(const MemoryKernel& kernel) const {
  const QuantizeConstants& c = gpu_.kernels.quantize;
  const std::array shares = {c.absmax,     c.cast,       c.cast_block,
                             c.cast_mxfp8, c.cast_nvfp4, c.transpose};
  const auto first = static_cast<std::size_t>(MemoryKernel::Access::absmax);
  const bool finds = kernel.access == MemoryKernel::Access::absmax;
  const double share = shares[static_cast<std::size_t>(kernel.access) - first];
  const Seconds memory(stream(static_cast<double>(kernel.bytes.value()), share));
  return {.total = (finds ? c.absmax_launch : c.launch) + memory,
          .sm = Seconds(0.0),
          .memory = memory,
          .extrapolated = !c.measured,
          .spread = c.spread};
}

KernelTime TileTimes::price(const MemoryKernel& kernel) const {
  if (kernel.access >= MemoryKernel::Access::absmax) return price_quantisation(kernel);
  const MemoryConstants& c = gpu_.kernels.memory;
  const std::array shares = {c.stream, c.reduce, c.gather, c.loss};
  const double share = shares[static_cast<std::size_t>(kernel.access)];
  const Seconds memory(stream(static_cast<double>(kernel.bytes.value()), share));
  return {.total = c.launch + memory,
          .sm = Seconds(0.0),
          .memory = memory,
          .extrapolated = !c.measured,
          .spread = c.spread};
}

}  // namespace

extern const KernelTimesModel tile;
const KernelTimesModel tile{
    .name = "tile",
    .description =
        "tiles and waves on the SMs, lengths of attention, streams of bytes; constants fitted "
        "on measured kernels",
    .make = [](const Gpu& gpu) -> std::unique_ptr<KernelTimes> {
      return std::make_unique<TileTimes>(gpu);
    }};

}  // namespace orrery::kernel_times_models
