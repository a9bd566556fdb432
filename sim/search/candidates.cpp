#include "search/candidates.hpp"

#include "scenario/validate.hpp"
#include "schedule/schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <numeric>

namespace orrery {

namespace {

// Costs of changes; see the header for their order.
constexpr int replicas_cost = 1;
constexpr int sequence_parallel_cost = 1;
constexpr int degree_cost = 2;
constexpr int micro_batch_cost = 2;
constexpr int selective_cost = 2;
constexpr int recompute_cost = 3;
constexpr int zero_cost = 3;
constexpr int precision_cost = 10;
constexpr int narrow_states_cost = 14;
constexpr int smaller_model_cost = 40;

constexpr std::int64_t widest_tensor_group = 64;
/// Sequences are divided further only while this many tokens are left of them on a rank: below, the
/// other degrees serve better.
constexpr std::int64_t least_tokens_of_a_sequence = 8192;

bool is_wide(NumberType type) { return bytes_per_element(type) > 2.0; }

std::vector<std::int64_t> divisors(std::int64_t number, std::int64_t most) {
  std::vector<std::int64_t> all;
  for (std::int64_t d = 1; d <= std::min(number, most); ++d) {
    if (number % d == 0) all.push_back(d);
  }
  return all;
}

/// The largest dp for which tp · pp · dp GPUs exist, experts fold into a stage and the batch
/// divides; 0 if there is none.
std::int64_t best_dp(const Scenario& scenario, const Knobs& knobs) {
  if (scenario.job.global_batch % knobs.micro_batch != 0) return 0;
  const std::int64_t shares = scenario.job.global_batch / knobs.micro_batch;
  const std::int64_t most = gpus_available(scenario) / (knobs.tp * knobs.pp * knobs.cp);
  const auto works = [&](std::int64_t dp) {
    const bool folds = knobs.tp * knobs.cp * dp % (knobs.ep * scenario.strategy.etp) == 0;
    return dp <= most && shares % dp == 0 && folds;
  };
  // Divisors come in pairs, the larger ones of which fall as the smaller ones rise.
  std::int64_t smaller = 1;
  for (; smaller * smaller <= shares; ++smaller) {
    if (shares % smaller == 0 && works(shares / smaller)) return shares / smaller;
  }
  while (--smaller >= 1) {
    if (works(smaller)) return smaller;
  }
  return 0;
}

/// Whether experts and their replicas still fill the plan: EP16_DP4 and EP16_DP1 differ in
/// replicas.
double replicas(const Knobs& knobs) {
  return static_cast<double>(knobs.dp) / static_cast<double>(knobs.ep);
}

class Comparison {
 public:
  Comparison(const Knobs& from, const Knobs& to) : from_(from), to_(to) {}

  Candidate candidate() {
    degree("tp", from_.tp, to_.tp);
    degree("cp", from_.cp, to_.cp);
    degree("pp", from_.pp, to_.pp);
    degree("ep", from_.ep, to_.ep);
    const bool same_degrees = cost_ == 0;
    if (from_.dp != to_.dp) {
      const bool counts = same_degrees || replicas(from_) != replicas(to_);
      change(counts ? replicas_cost : 0, fmt::format("dp {} → {}", from_.dp, to_.dp));
    }
    if (from_.sp != to_.sp) change(sequence_parallel_cost, "sequence parallelism");
    number("micro-batch", micro_batch_cost, from_.micro_batch, to_.micro_batch);
    recomputation();
    number("ZeRO", zero_cost, from_.zero, to_.zero);
    if (from_.precision != to_.precision) {
      change(precision_cost, fmt::format("precision {} → {}", to_string(from_.precision),
                                         to_string(to_.precision)));
    }
    if (from_.narrow_states != to_.narrow_states) {
      change(narrow_states_cost, "gradients and optimizer state in bf16 too, no fp32 weights");
    }
    shrink("experts ÷ ", to_.expert_divisor);
    shrink("expert width ÷ ", to_.width_divisor);
    return {to_, cost_, std::move(changes_)};
  }

 private:
  void change(int cost, std::string text) {
    cost_ += cost;
    changes_.push_back(std::move(text));
  }
  void recomputation() {
    if (from_.recompute == to_.recompute) return;
    if (to_.recompute == Recompute::full) return change(recompute_cost, "full recomputation");
    change(selective_cost, "selective recomputation (norm, moe_activation)");
  }
  void degree(std::string_view name, std::int64_t from, std::int64_t to) {
    number(name, degree_cost, from, to);
  }
  void number(std::string_view name, int cost, std::int64_t from, std::int64_t to) {
    if (from != to) change(cost, fmt::format("{} {} → {}", name, from, to));
  }
  void shrink(std::string_view text, std::int64_t divisor) {
    for (std::int64_t d = divisor; d > 1; d /= 2) cost_ += smaller_model_cost;
    if (divisor > 1) changes_.push_back(fmt::format("{}{}", text, divisor));
  }

  const Knobs& from_;
  const Knobs& to_;
  int cost_ = 0;
  std::vector<std::string> changes_;
};

using Alternatives = std::vector<Knobs>;

/// Every alternative so far, and each again with what `vary` makes of it.
void multiply(Alternatives& all, const std::function<std::vector<Knobs>(const Knobs&)>& vary) {
  Alternatives more;
  for (const Knobs& knobs : all) {
    for (const Knobs& other : vary(knobs)) {
      if (other != knobs) more.push_back(other);
    }
  }
  all.insert(all.end(), more.begin(), more.end());
}

Alternatives with_degrees(const Scenario& scenario, const Knobs& base) {
  const std::int64_t gpus = gpus_available(scenario);
  const std::int64_t experts = scenario.model.experts ? scenario.model.experts->experts : 1;
  Alternatives all;
  for (const std::int64_t tp : divisors(gpus, widest_tensor_group)) {
    for (const std::int64_t pp : divisors(gpus / tp, scenario.model.layers)) {
      for (const std::int64_t ep : divisors(experts, gpus)) {
        Knobs knobs = base;
        knobs.tp = tp;
        knobs.pp = pp;
        knobs.ep = ep;
        knobs.sp = base.sp && tp > 1;
        knobs.dp = best_dp(scenario, knobs);
        if (knobs.dp > 0) all.push_back(knobs);
      }
    }
  }
  return all;
}

/// Twice the context ranks, and twice that, as long as sequences are long enough; none where the
/// sizes of levels are given.
std::vector<std::int64_t> longer_context_groups(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  std::vector<std::int64_t> groups;
  if (!s.hierarchical_context_parallel_sizes.empty()) return groups;
  if (scenario.job.kind == JobKind::decode) return groups;
  const std::int64_t most = scenario.job.sequence_length / least_tokens_of_a_sequence;
  const std::int64_t gpus = gpus_available(scenario);
  for (std::int64_t cp = 2 * s.cp; cp <= std::min(most, gpus); cp *= 2) groups.push_back(cp);
  return groups;
}

void vary_training(const Scenario& scenario, Alternatives& all) {
  if (!scenario.job.trains()) return;
  multiply(all, [](const Knobs& k) -> std::vector<Knobs> {
    Knobs some = k;
    if (k.recompute == Recompute::none) some.recompute = Recompute::selective;
    Knobs everything = k;
    everything.recompute = Recompute::full;
    return {some, everything};
  });
  multiply(all, [](Knobs k) -> std::vector<Knobs> {
    k.zero = std::max<std::int64_t>(k.zero, 1);
    return {k};
  });
}

void vary_numbers(const Scenario& scenario, Alternatives& all) {
  const std::vector<GpuShare> shares = scenario.cluster.first_gpus(gpus_available(scenario));
  const auto all_support = [&](NumberType type) {
    return std::ranges::all_of(shares,
                               [type](const GpuShare& share) { return share.gpu->supports(type); });
  };
  const bool brain = all_support(NumberType::bf16);
  if (is_wide(scenario.job.precision) && (brain || all_support(NumberType::fp16))) {
    multiply(all, [&](Knobs k) -> std::vector<Knobs> {
      k.precision = brain ? NumberType::bf16 : NumberType::fp16;
      return {k};
    });
  }
  if (!scenario.job.trains()) return;
  if (!brain) return;  // fp16 without a copy in fp32 does not converge
  multiply(all, [](Knobs k) -> std::vector<Knobs> {
    if (is_wide(k.precision)) return {};
    k.precision = NumberType::bf16;
    k.narrow_states = true;
    return {k};
  });
}

void vary_model(const Scenario& scenario, Alternatives& all) {
  if (!scenario.model.experts) return;
  const Experts& experts = *scenario.model.experts;
  Alternatives smaller;
  for (const Knobs& knobs : all) {
    for (const std::int64_t fewer : {1, 2, 4, 8}) {
      for (const std::int64_t narrower : {1, 2, 4}) {
        if (fewer * narrower == 1 || experts.experts % (fewer * knobs.ep) != 0) continue;
        if (experts.experts / fewer < experts.top_k || experts.expert_ffn % narrower != 0) continue;
        Knobs k = knobs;
        k.expert_divisor = fewer;
        k.width_divisor = narrower;
        smaller.push_back(k);
      }
    }
  }
  all = std::move(smaller);
}

void narrow(Job& job) {
  job.gradient_type = job.parameter_type;
  job.optimizer_state_type = job.parameter_type;
  job.master_weights = false;
}

/// The types follow the precision as they do when a scenario is read.
void set_precision(const Software& software, NumberType precision, Job& job) {
  job.precision = precision;
  job.parameter_type = precision;
  const std::string& gradient =
      precision == NumberType::fp16 ? software.types.gradient_fp16 : software.types.gradient;
  job.gradient_type = parse_number_type(gradient).value_or(precision);
  job.master_weights = job.optimizer != Optimizer::none && software.types.master != "none";
}

/// Whether uneven shares of replicas still say what they said.
bool keeps_shares(const Scenario& scenario, const Knobs& knobs) {
  const bool same = knobs.dp == scenario.strategy.dp &&
                    knobs.micro_batch == scenario.job.micro_batch && knobs.ep == 1 &&
                    knobs.zero < 2;
  return scenario.strategy.replica_batch.empty() || same;
}

}  // namespace

Knobs knobs_of(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  return {.tp = s.tp,
          .cp = s.cp,
          .pp = s.pp,
          .ep = s.ep,
          .dp = s.dp,
          .sp = s.sp,
          .micro_batch = scenario.job.micro_batch,
          .recompute = s.recompute,
          .zero = s.zero,
          .precision = scenario.job.precision,
          .narrow_states = false,
          .expert_divisor = 1,
          .width_divisor = 1};
}

Scenario with_knobs(const Scenario& scenario, const Knobs& knobs) {
  Scenario changed = scenario;
  Strategy& s = changed.strategy;
  if (s.pp != knobs.pp) {
    s.stage_layers.clear();
    s.layout.clear();
    s.vpp = 1;
    const Schedule* schedule = find_schedule(s.schedule);
    if (schedule == nullptr || schedule->chunks != 1) s.schedule = "1f1b";
  }
  if (!keeps_shares(scenario, knobs)) s.replica_batch.clear();
  s.tp = knobs.tp;
  s.cp = knobs.cp;
  s.pp = knobs.pp;
  s.ep = knobs.ep;
  s.dp = knobs.dp;
  s.dp_given = true;
  s.sp = knobs.sp;
  s.zero = knobs.zero;
  if (s.recompute != Recompute::selective && knobs.recompute == Recompute::selective) {
    s.recompute_modules = {"norm", "moe_activation"};
  }
  s.recompute = knobs.recompute;
  changed.job.micro_batch = knobs.micro_batch;
  if (knobs.precision != changed.job.precision) {
    set_precision(changed.software, knobs.precision, changed.job);
  }
  if (knobs.narrow_states) narrow(changed.job);
  if (changed.model.experts) {
    changed.model.experts->experts /= knobs.expert_divisor;
    changed.model.experts->expert_ffn /= knobs.width_divisor;
    // What was recorded is of as many experts as there were.
    const bool recorded = changed.job.routing.kind == RoutingKind::trace;
    if (recorded && knobs.expert_divisor > 1) changed.job.routing.kind = RoutingKind::uniform;
  }
  changed.gpus = std::min(gpus_available(scenario), s.world_size());
  changed.findings.clear();
  return changed;
}

std::vector<Candidate> candidates(const Scenario& scenario, ModelSize size) {
  const Knobs base = knobs_of(scenario);
  Alternatives all = with_degrees(scenario, base);
  for (const std::int64_t cp : longer_context_groups(scenario)) {
    multiply(all, [&](Knobs k) -> std::vector<Knobs> {
      if (k.cp != base.cp) return {};
      k.cp = cp;
      k.dp = best_dp(scenario, k);
      return {k};
    });
  }
  multiply(all, [](Knobs k) -> std::vector<Knobs> {
    k.sp = k.tp > 1;
    return {k};
  });
  multiply(all, [&](Knobs k) -> std::vector<Knobs> {
    k.micro_batch = 1;
    k.dp = best_dp(scenario, k);
    return {k};
  });
  vary_training(scenario, all);
  vary_numbers(scenario, all);
  if (size == ModelSize::smaller) vary_model(scenario, all);
  std::vector<Candidate> found;
  for (const Knobs& knobs : all) {
    if (knobs.dp == 0 || knobs == base) continue;
    found.push_back(Comparison(base, knobs).candidate());
    if (!keeps_shares(scenario, knobs)) {
      found.back().changes.emplace_back("as many sequences for each replica");
    }
  }
  std::ranges::stable_sort(found, {}, &Candidate::cost);
  return found;
}

}  // namespace orrery
