#include "scenario/rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace orrery::rules {

namespace {

Verdict illegal(const Scenario& scenario, std::string code, std::string message,
                std::string wanted) {
  return Finding{std::move(code), Severity::error, std::move(message), std::move(wanted),
                 scenario.position("strategy.cp")};
}

std::string form_of(const Strategy& s) {
  return fmt::format("strategy.cp = {} with cp_comm_type = \"{}\"", s.cp, s.cp_comm_type);
}

bool has_windows(const Model& model) {
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    if (model.has_window(layer)) return true;
  }
  return false;
}

}  // namespace

/// A context-parallel rank holds two chunks of the sequence, one from either end, so that causal
/// work is even (Megatron-LM).
Verdict cp_divides_the_sequence(const Scenario& scenario) {
  const std::int64_t cp = scenario.strategy.cp;
  const std::int64_t length = scenario.job.sequence_length;
  if (cp == 1 || length % (2 * cp) == 0) return std::nullopt;
  return illegal(
      scenario, "sequence_not_divisible",
      fmt::format("workload.sequence_length = {} is no multiple of 2 · cp = {}", length, 2 * cp),
      "every rank of cp holds two chunks of it");
}

/// What tensor parallelism leaves of the heads is divided again (Transformer Engine asks the same
/// of queries' heads and of key and value heads).
Verdict cp_divides_heads(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const std::int64_t by = s.cp_heads();
  const Attention& a = scenario.model.attention;
  if (s.cp == 1 || by == 1) return std::nullopt;
  const bool latent = a.kind == AttentionKind::mla;
  const std::int64_t heads = a.heads / s.tp;
  const std::int64_t kv_heads = latent ? heads : a.kv_heads / std::min(s.tp, a.kv_heads);
  if (heads % by == 0 && kv_heads % by == 0) return std::nullopt;
  return illegal(
      scenario, "heads_not_divisible_by_cp",
      fmt::format("{} exchanges tokens for heads over {} ranks, and a rank of tp = {} has "
                  "{} heads and {} of keys and values",
                  form_of(s), by, s.tp, heads, kv_heads),
      fmt::format("wanted at most {} ranks, or cp_comm_type = \"p2p\"",
                  std::max<std::int64_t>(1, std::gcd(heads, kv_heads))));
}

/// Megatron-Core: the sizes of the levels multiply to the degree.
Verdict cp_levels_multiply_to_cp(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const std::vector<std::int64_t>& sizes = s.hierarchical_context_parallel_sizes;
  const bool levels = s.cp_comm_type == "a2a+p2p";
  if (!levels && sizes.empty()) return std::nullopt;
  if (!levels) {
    return illegal(scenario, "context_levels_unused",
                   fmt::format("strategy.hierarchical_context_parallel_sizes is given, and "
                               "cp_comm_type = \"{}\" has no levels",
                               s.cp_comm_type),
                   "wanted cp_comm_type = \"a2a+p2p\", or no sizes");
  }
  const bool fits =
      sizes.size() == 2 && sizes[0] > 1 && sizes[1] > 1 && sizes[0] * sizes[1] == s.cp;
  if (fits) return std::nullopt;
  return illegal(
      scenario, "context_levels_wrong",
      fmt::format("strategy.hierarchical_context_parallel_sizes = [{}] are not two sizes "
                  "that multiply to cp = {}",
                  fmt::join(sizes, ", "), s.cp),
      "wanted [ranks that divide heads, ranks around a ring], each of 2 or more");
}

/// Each step of a ring sees a part of the keys, and Transformer Engine has no window over parts.
Verdict cp_ring_has_no_window(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (s.cp == 1 || s.cp_ring() == 1 || !has_windows(scenario.model)) return std::nullopt;
  return illegal(
      scenario, "window_around_ring",
      fmt::format("{} sends keys and values around a ring, and layers of {} see a window "
                  "of {} tokens",
                  form_of(s), scenario.model.name, scenario.model.attention.window),
      "wanted cp_comm_type = \"all_gather\" or \"a2a\"");
}

/// Partial results are put together by the statistics that only such kernels give.
Verdict cp_needs_fused_attention(const Scenario& scenario) {
  const bool fused = scenario.software.attention != AttentionForm::unfused;
  if (scenario.strategy.cp == 1 || fused) return std::nullopt;
  return illegal(scenario, "context_without_fused_attention",
                 fmt::format("strategy.cp = {}, but the attention of {} is unfused: its products "
                             "run over whole sequences",
                             scenario.strategy.cp, scenario.software.name),
                 "wanted cp = 1, or a stack with flash attention");
}

/// One token has no sequence to divide; a divided cache needs an exchange of results that no stack
/// here makes.
Verdict cp_is_not_for_decoding(const Scenario& scenario) {
  const bool decodes = scenario.job.kind == JobKind::decode;
  if (scenario.strategy.cp == 1 || !decodes) return std::nullopt;
  return illegal(scenario, "context_parallel_decoding",
                 fmt::format("strategy.cp = {}, but decoding puts one token of a sequence through "
                             "the layers: there is no sequence to divide",
                             scenario.strategy.cp),
                 "wanted cp = 1, and more dp or tp");
}

}  // namespace orrery::rules
