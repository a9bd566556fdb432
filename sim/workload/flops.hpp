// The model's floating-point operations, as Megatron-LM counts them for TFLOP/s and MFU.
//
// Matrix products and attention, 2 per multiply-add; nothing else, no recomputation, no router. A
// token meets top_k experts. Training is three forwards: backward computes two products for each of
// forward's. With the GPT layer and full attention a step is 72·B·s·l·h²·(1 + s/6h + V/12lh)
// (Narayanan et al., SC'21, arXiv 2104.04473, appendix: 96 and V/16lh with activation
// recomputation, a fourth forward of the layers).
#pragma once

#include "workload/job.hpp"
#include "workload/model.hpp"
#include "workload/op.hpp"

namespace orrery {

/// How causal attention counts: every key for every query, or only those it may see.
enum class MfuConvention : std::uint8_t { full, causal };

/// Of a whole step: global_batch sequences, forward and, in training, backward.
double model_flops(const Model& model, const Job& job, MfuConvention convention);

/// Keys that a query meets in a layer with this window (0: none), on average.
double keys_per_query(const Job& job, std::int64_t window, MfuConvention convention);

}  // namespace orrery
