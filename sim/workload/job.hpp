// What is to be done with the model: train a step, run it forward, or generate a token.
#pragma once

#include "base/settings.hpp"
#include "hardware/number_type.hpp"
#include "workload/low_precision.hpp"
#include "workload/routing.hpp"
#include "workload/software.hpp"

#include <cstdint>
#include <string>

namespace orrery {

enum class JobKind : std::uint8_t { training, forward, decode };

enum class Optimizer : std::uint8_t { none, sgd, adam };

/// `[workload]` of a scenario.
struct Job {
  JobKind kind = JobKind::training;
  std::int64_t sequence_length = 1;
  std::int64_t global_batch = 1;    ///< sequences per step over all ranks
  std::int64_t micro_batch = 1;     ///< sequences per micro-batch per data-parallel rank
  std::int64_t context_length = 0;  ///< decode: tokens already in the cache
  NumberType precision = NumberType::bf16;
  LowPrecision low_precision{};
  NumberType parameter_type = NumberType::bf16;
  NumberType gradient_type = NumberType::fp32;
  NumberType optimizer_state_type = NumberType::fp32;
  NumberType dispatch_type = NumberType::bf16;  ///< of tokens on their way to experts
  bool master_weights = true;  ///< an fp32 copy beside parameters of a narrower type
  Optimizer optimizer = Optimizer::adam;
  Routing routing{};
  SourcePosition position{};

  bool trains() const { return kind == JobKind::training; }
  /// Tokens that a sequence puts through the layers: 1 when decoding.
  std::int64_t tokens_per_sequence() const { return kind == JobKind::decode ? 1 : sequence_length; }
};

/// Reads `[workload]`. Types default as the field does: parameters in the compute type (bf16 for
/// fp8 and narrower), gradients and optimizer state in fp32, master weights unless parameters are
/// fp32.
Job read_job(const Settings& settings);
/// The same, with the types that a stack's profile keeps where the scenario does not say.
Job read_job(const Settings& settings, const SoftwareTypes& defaults);

/// The type of tensors between products, and of products that are never narrow.
NumberType activation_type(const Job& job);

/// Bytes of one element of the tensors between products: 2 for every type of at most 16 bits.
double activation_element_bytes(const Job& job);

}  // namespace orrery
