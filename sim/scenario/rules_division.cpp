#include "base/limits.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace orrery::rules {

namespace {

/// One of two numbers of which the first must divide the second.
struct Division {
  std::string_view code;
  std::string_view degree_key;  ///< "strategy.tp"
  std::int64_t degree = 1;
  std::string_view size_key;  ///< "model.attention.heads"
  std::int64_t size = 1;
};

/// The divisors of `size` next to `near` on both sides.
std::string nearest_divisors(std::int64_t size, std::int64_t near) {
  std::int64_t below = 1;
  std::int64_t above = size;
  for (std::int64_t d = 1; d * d <= size; ++d) {
    if (size % d != 0) continue;
    for (const std::int64_t divisor : {d, size / d}) {
      if (divisor <= near) below = std::max(below, divisor);
      if (divisor >= near) above = std::min(above, divisor);
    }
  }
  return near >= size ? fmt::format("{}", below) : fmt::format("{} or {}", below, above);
}

Verdict must_divide(const Scenario& scenario, const Division& division) {
  if (division.size % division.degree == 0) return std::nullopt;
  return Finding{
      std::string(division.code), Severity::error,
      fmt::format("{} = {} does not divide {} = {}{}", division.degree_key, division.degree,
                  division.size_key, division.size, where(scenario, division.size_key)),
      fmt::format("wanted {}", nearest_divisors(division.size, division.degree)),
      scenario.position(division.degree_key)};
}

/// Whether some layer, MTP layers included, has no experts.
bool has_dense_layers(const Model& model) {
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    if (!model.is_expert_layer(layer)) return true;
  }
  return false;
}

}  // namespace

Verdict tp_divides_heads(const Scenario& scenario) {
  return must_divide(scenario, {"heads_not_divisible", "strategy.tp", scenario.strategy.tp,
                                "model.attention.heads", scenario.model.attention.heads});
}

/// Key-value heads are divided, or each is held by several ranks, evenly (Megatron-LM, GQA).
Verdict tp_and_kv_heads_divide(const Scenario& scenario) {
  const std::int64_t tp = scenario.strategy.tp;
  const Attention& attention = scenario.model.attention;
  const std::int64_t heads = attention.kv_heads;
  const bool compressed = attention.kind == AttentionKind::mla;
  if (compressed || heads % tp == 0 || tp % heads == 0) return std::nullopt;
  return Finding{
      "kv_heads_not_divisible", Severity::error,
      fmt::format("strategy.tp = {} neither divides model.attention.kv_heads = {}{} nor is "
                  "a multiple of it",
                  tp, heads, where(scenario, "model.attention.kv_heads")),
      fmt::format("wanted {}", nearest_divisors(heads, tp)), scenario.position("strategy.tp")};
}

Verdict tp_divides_ffn(const Scenario& scenario) {
  if (!has_dense_layers(scenario.model)) return std::nullopt;
  return must_divide(scenario, {"ffn_not_divisible", "strategy.tp", scenario.strategy.tp,
                                "model.ffn", scenario.model.ffn});
}

Verdict etp_divides_expert_ffn(const Scenario& scenario) {
  if (!scenario.model.experts) return std::nullopt;
  return must_divide(scenario, {"expert_ffn_not_divisible", "strategy.etp", scenario.strategy.etp,
                                "model.moe.expert_ffn", scenario.model.experts->expert_ffn});
}

Verdict ep_needs_experts(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (scenario.model.experts || (s.ep == 1 && s.etp == 1)) return std::nullopt;
  const std::string_view key = s.ep > 1 ? "ep" : "etp";
  return Finding{
      "no_experts", Severity::error,
      fmt::format("strategy.{} = {}, but {} is a dense model: it has no experts to spread", key,
                  s.ep > 1 ? s.ep : s.etp, scenario.model.name),
      fmt::format("wanted {} = 1", key), scenario.position(fmt::format("strategy.{}", key))};
}

Verdict ep_divides_experts(const Scenario& scenario) {
  if (!scenario.model.experts) return std::nullopt;
  const std::int64_t experts = scenario.model.experts->experts;
  const std::int64_t redundant = scenario.strategy.redundant_experts;
  if (redundant == 0) {
    return must_divide(scenario, {"experts_not_divisible", "strategy.ep", scenario.strategy.ep,
                                  "model.moe.experts", experts});
  }
  return must_divide(scenario, {"experts_not_divisible", "strategy.ep", scenario.strategy.ep,
                                "model.moe.experts + redundant_experts", experts + redundant});
}

Verdict stages_have_layers(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const std::int64_t stages = s.pp * s.vpp;
  if (stages <= scenario.model.layers || !s.layout.empty()) return std::nullopt;
  return Finding{
      "stages_without_layers", Severity::error,
      fmt::format("pp · vpp = {} · {} = {} virtual stages are more than model.layers = {}{}", s.pp,
                  s.vpp, stages, scenario.model.layers, where(scenario, "model.layers")),
      "every stage needs a layer", scenario.position(s.vpp > 1 ? "strategy.vpp" : "strategy.pp")};
}

Verdict stage_layers_add_up(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (s.stage_layers.empty()) return std::nullopt;
  const auto stages = static_cast<std::int64_t>(s.stage_layers.size());
  const auto sum = std::accumulate(s.stage_layers.begin(), s.stage_layers.end(), std::int64_t{0});
  if (stages == s.pp * s.vpp && sum == scenario.model.layers) return std::nullopt;
  return Finding{"stage_layers_wrong", Severity::error,
                 fmt::format("strategy.stage_layers gives {} layers to {} stages", sum, stages),
                 fmt::format("wanted model.layers = {}{} over pp · vpp = {}", scenario.model.layers,
                             where(scenario, "model.layers"), s.pp * s.vpp),
                 scenario.position("strategy.stage_layers")};
}

Verdict layout_adds_up(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const Model& model = scenario.model;
  if (s.layout.empty()) return std::nullopt;
  const auto stages = static_cast<std::int64_t>(s.layout.size());
  std::int64_t layers = 0;
  std::int64_t ahead = 0;
  for (const StageShare& share : s.layout) {
    layers += share.layers;
    ahead += share.mtp_layers;
  }
  const bool right = stages == s.pp * s.vpp && layers == model.layers && ahead == model.mtp_layers;
  if (right) return std::nullopt;
  return Finding{
      "layout_wrong", Severity::error,
      fmt::format("strategy.layout gives {} layers (t) and {} that predict ahead (m) to "
                  "{} virtual stages",
                  layers, ahead, stages),
      fmt::format("wanted model.layers = {}{} and mtp_layers = {} over pp · vpp = {}", model.layers,
                  where(scenario, "model.layers"), model.mtp_layers, s.pp * s.vpp),
      scenario.position("strategy.layout")};
}

Verdict global_batch_divides(const Scenario& scenario) {
  const Job& job = scenario.job;
  if (!scenario.strategy.replica_batch.empty()) return std::nullopt;  // shares_of_replicas_add_up
  const std::int64_t share = scenario.strategy.dp * job.micro_batch;
  if (job.global_batch % share == 0) return std::nullopt;
  const std::int64_t below = job.global_batch / share * share;
  const std::string wanted = below == 0 ? fmt::format("wanted at least {}", share)
                                        : fmt::format("wanted {} or {}", below, below + share);
  return Finding{
      "batch_not_divisible", Severity::error,
      fmt::format("workload.global_batch = {} is no multiple of dp · micro_batch = {} · {} "
                  "= {}",
                  job.global_batch, scenario.strategy.dp, job.micro_batch, share),
      wanted, scenario.position("workload.global_batch")};
}

Verdict shares_of_replicas_add_up(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const Job& job = scenario.job;
  if (s.replica_batch.empty()) return std::nullopt;
  const auto wrong = [&](std::string what, std::string wanted) {
    return Finding{"replica_batch_wrong", Severity::error, std::move(what), std::move(wanted),
                   scenario.position("strategy.replica_batch")};
  };
  const auto entries = static_cast<std::int64_t>(s.replica_batch.size());
  if (s.dp % entries != 0) {
    return wrong(
        fmt::format("strategy.replica_batch has {} entries for dp = {} replicas", entries, s.dp),
        fmt::format("wanted {} or a divisor of it, each for as many neighbours", s.dp));
  }
  for (const std::int64_t share : s.replica_batch) {
    if (share % job.micro_batch == 0) continue;
    return wrong(
        fmt::format("strategy.replica_batch gives a replica {} sequences, no multiple of "
                    "workload.micro_batch = {}{}",
                    share, job.micro_batch, where(scenario, "workload.micro_batch")),
        fmt::format("wanted {}",
                    share / job.micro_batch == 0
                        ? fmt::format("at least {}", job.micro_batch)
                        : fmt::format("{} or {}", share / job.micro_batch * job.micro_batch,
                                      (share / job.micro_batch + 1) * job.micro_batch)));
  }
  double sum = 0.0;
  for (const std::int64_t share : s.replica_batch) sum += static_cast<double>(share);
  sum *= static_cast<double>(s.dp / entries);
  if (sum == static_cast<double>(job.global_batch)) return std::nullopt;
  return wrong(fmt::format("strategy.replica_batch gives {:.0f} sequences to {} replicas, but "
                           "workload.global_batch = {}{}",
                           sum, s.dp, job.global_batch, where(scenario, "workload.global_batch")),
               fmt::format("wanted global_batch = {:.0f} or other shares", sum));
}

Verdict micro_batches_are_countable(const Scenario& scenario) {
  const std::int64_t count = micro_batches(scenario);
  if (count <= limits::micro_batches) return std::nullopt;
  return Finding{
      "too_many_micro_batches", Severity::error,
      fmt::format("a step has {} micro-batches on each rank", count),
      fmt::format("wanted at most {}: a larger micro_batch or more dp", limits::micro_batches),
      scenario.position("workload.global_batch")};
}

Verdict sequence_fits_positions(const Scenario& scenario) {
  const std::int64_t positions = scenario.model.positions;
  const std::int64_t length = scenario.job.sequence_length + scenario.job.context_length;
  if (positions == 0 || length <= positions) return std::nullopt;
  return Finding{"sequence_too_long", Severity::error,
                 fmt::format("a sequence of {} tokens is longer than model.positions = {}{}",
                             length, positions, where(scenario, "model.positions")),
                 fmt::format("wanted at most {}", positions),
                 scenario.position("workload.sequence_length")};
}

/// Megatron-LM switches sequence parallelism off, with a warning, when there is no tensor group.
Verdict sp_needs_tp(const Scenario& scenario) {
  if (!scenario.strategy.sp || scenario.strategy.tp > 1) return std::nullopt;
  return Finding{"sp_without_tp", Severity::warning,
                 "strategy.sp = true does nothing with tp = 1: there is no tensor group to work in",
                 "leave it out, or tp of 2 or more", scenario.position("strategy.sp")};
}

/// ZeRO divides over dp · cp / dp_replicate ranks, and experts over expert_dp / dp_replicate.
Verdict replicas_of_shares_divide(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const bool experts = scenario.model.experts.has_value();
  const std::int64_t common = experts ? std::gcd(s.dp, s.expert_dp()) : s.dp;
  if (common % s.dp_replicate == 0) return std::nullopt;
  const std::string of_experts =
      experts ? fmt::format(" and the {} replicas of an expert", s.expert_dp()) : "";
  return Finding{"replicas_not_divisible", Severity::error,
                 fmt::format("strategy.dp_replicate = {} does not divide dp = {}{}", s.dp_replicate,
                             s.dp, of_experts),
                 fmt::format("wanted {}", nearest_divisors(common, s.dp_replicate)),
                 scenario.position("strategy.dp_replicate")};
}

Verdict replicas_of_shares_need_zero(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (s.dp_replicate == 1 || s.zero > 0) return std::nullopt;
  return Finding{"nothing_divided", Severity::error,
                 fmt::format("strategy.dp_replicate = {} says how many copies there are of what "
                             "zero divides, but strategy.zero = 0 divides nothing",
                             s.dp_replicate),
                 "wanted zero = 1, 2 or 3, or dp_replicate = 1",
                 scenario.position("strategy.dp_replicate")};
}

/// Keys of ZeRO 2 and 3 that were set without it.
Verdict units_need_zero(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  struct Use {
    std::string_view key;
    bool given;
    std::int64_t least;  ///< the first level at which it means something
  };
  const Use uses[] = {{"reshard_after_forward", s.reshard_after_forward.has_value(), 3},
                      {"fsdp_prefetch", s.fsdp_prefetch != 1, 3},
                      {"fsdp_unit_layers", s.fsdp_unit_layers != 1, 2},
                      {"no_sync", s.no_sync.has_value(), 2}};
  for (const Use& use : uses) {
    if (!use.given || s.zero >= use.least) continue;
    return Finding{"no_effect", Severity::warning,
                   fmt::format("strategy.{} does nothing with zero = {}", use.key, s.zero),
                   fmt::format("leave it out, or zero = {}", use.least == 2 ? "2 or 3" : "3"),
                   scenario.position(fmt::format("strategy.{}", use.key))};
  }
  return std::nullopt;
}

}  // namespace orrery::rules
