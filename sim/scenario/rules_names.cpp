#include "base/limits.hpp"
#include "scenario/rules.hpp"
#include "scenario/validate.hpp"
#include "schedule/schedule.hpp"
#include "workload/flops.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

namespace orrery::rules {

namespace {

using Names = std::vector<std::string>;

Names schedule_names() {
  Names names;
  for (const Schedule* schedule : registered_schedules()) names.emplace_back(schedule->name);
  return names;
}

/// The honest answer for what a user may state but this version does not simulate.
Finding not_executed(const Scenario& scenario, std::string_view key, const std::string& value,
                     const std::string& wanted) {
  return Finding{"not_executed", Severity::error,
                 fmt::format("{} = {} is not executed by this version", key, value),
                 "wanted " + wanted, scenario.position(key)};
}

/// Whether the schedule has forwards that run together with backwards.
bool has_pairs(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const Schedule* schedule = find_schedule(s.schedule);
  const PipelineShape shape{s.pp, s.vpp, micro_batches(scenario), Pairing::with_next};
  const bool alone = scenario.job.kind != JobKind::training || s.zero >= 2;
  if (alone || schedule == nullptr) return false;
  if (schedule->objection(shape)) return false;
  return std::ranges::any_of(schedule->steps(shape, 0),
                             [](const Step& step) { return step.pairing == Pairing::with_next; });
}

}  // namespace

Verdict schedule_is_known(const Scenario& scenario) {
  const std::string& name = scenario.strategy.schedule;
  if (find_schedule(name) != nullptr) return std::nullopt;
  const Names names = schedule_names();
  return Finding{"unknown_schedule", Severity::error,
                 fmt::format("there is no schedule '{}'", name),
                 fmt::format("wanted one of {}{}", enumerate(names), did_you_mean(name, names)),
                 scenario.position("strategy.schedule")};
}

Verdict schedule_accepts_the_shape(const Scenario& scenario) {
  const Schedule* schedule = find_schedule(scenario.strategy.schedule);
  if (schedule == nullptr || scenario.job.kind != JobKind::training) return std::nullopt;
  std::vector<std::int64_t> batches = scenario.strategy.replica_batch;
  for (std::int64_t& batch : batches) batch /= scenario.job.micro_batch;
  if (batches.empty()) batches.push_back(micro_batches(scenario));
  std::optional<std::string> objection;
  for (const std::int64_t count : batches) {
    if (count < 1) return std::nullopt;  // global_batch_divides speaks of it
    if (!objection) {
      objection = schedule->objection(
          {.ranks = scenario.strategy.pp, .chunks = scenario.strategy.vpp, .micro_batches = count});
    }
  }
  if (!objection) return std::nullopt;
  return Finding{"schedule_objects", Severity::error, *objection, "",
                 scenario.position("strategy.schedule")};
}

/// Replicas with unequal numbers of micro-batches can meet once a step, but not with each of them.
Verdict uneven_replicas_meet_once(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  if (!s.has_uneven_batches()) return std::nullopt;
  std::string beside;
  std::string wanted;
  if (scenario.job.kind != JobKind::training) {
    beside = "a workload that does not train";
    wanted = "training, or as many sequences for each replica";
  } else if (s.ep > 1) {
    beside = fmt::format("ep = {}, whose ranks exchange tokens in every micro-batch", s.ep);
    wanted = "ep = 1, or as many sequences for each replica";
  } else if (s.zero >= 2) {
    beside = fmt::format("zero = {}, which reduces or gathers in every micro-batch", s.zero);
    wanted = "zero of 0 or 1, or as many sequences for each replica";
  } else if (s.weight_copies() > 1) {
    beside = fmt::format("schedule \"{}\", whose two directions share each batch", s.schedule);
    wanted = "another schedule, or as many sequences for each replica";
  }
  if (beside.empty()) return std::nullopt;
  return not_executed(scenario, "strategy.replica_batch",
                      fmt::format("[{}] with {}", fmt::join(s.replica_batch, ", "), beside),
                      wanted);
}

/// What operands are cast and turned for is planned once for all ranks.
Verdict gpus_cast_alike(const Scenario& scenario) {
  const std::vector<GpuShare> shares = scenario.cluster.first_gpus(scenario.gpus);
  if (!scenario.job.low_precision.casts() || shares.empty()) return std::nullopt;
  const Gpu& first = *shares.front().gpu;
  for (const GpuShare& share : shares) {
    if (share.gpu->transposes_fp8 == first.transposes_fp8) continue;
    return not_executed(scenario, "workload.precision",
                        fmt::format("\"{}\" on {} and {}, which need different copies of operands",
                                    to_string(scenario.job.precision), first.name, share.gpu->name),
                        "\"bf16\", or GPUs that are alike in this");
  }
  return std::nullopt;
}

Verdict two_directions_divide_once(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const bool more = s.zero >= 2 || s.dp_replicate > 1;
  if (s.weight_copies() == 1 || !more) return std::nullopt;
  return not_executed(
      scenario, s.zero >= 2 ? "strategy.zero" : "strategy.dp_replicate",
      fmt::format("{} with schedule \"{}\"", s.zero >= 2 ? s.zero : s.dp_replicate, s.schedule),
      "zero of 0 or 1 over all replicas, as DeepSeek-V3 was trained");
}

Verdict two_directions_need_training(const Scenario& scenario) {
  const Schedule* schedule = find_schedule(scenario.strategy.schedule);
  const bool forward = scenario.job.kind != JobKind::training;
  if (!forward || schedule == nullptr || schedule->directions == 1) return std::nullopt;
  return Finding{"schedule_trains_only", Severity::error,
                 fmt::format("schedule \"{}\" is for training: it holds the weights twice so that "
                             "backwards meet forwards",
                             schedule->name),
                 "wanted another, as \"1f1b\"", scenario.position("strategy.schedule")};
}

Verdict precision_is_supported(const Scenario& scenario) {
  const std::vector<GpuShare> shares = scenario.cluster.first_gpus(scenario.gpus);
  const auto lacking = std::ranges::find_if(
      shares, [&](const GpuShare& share) { return !share.gpu->supports(scenario.job.precision); });
  if (lacking == shares.end()) return std::nullopt;
  const Gpu& gpu = *lacking->gpu;
  Names supported;
  for (std::size_t i = 0; i < number_type_count; ++i) {
    const auto type = static_cast<NumberType>(i);
    if (gpu.supports(type)) supported.emplace_back(to_string(type));
  }
  return Finding{"precision_not_supported", Severity::error,
                 fmt::format("workload.precision = \"{}\": {} does not compute in it",
                             to_string(scenario.job.precision), gpu.name),
                 "wanted one of " + enumerate(supported), scenario.position("workload.precision")};
}

Verdict units_are_gathered_in_sixteen_bits(const Scenario& scenario) {
  if (!scenario.job.low_precision.param_gather || scenario.strategy.zero < 3) return std::nullopt;
  return not_executed(scenario, "workload.fp8_param_gather", "true with zero = 3", "zero below 3");
}

bool chooses_no_modules(const Software& software) {
  return std::ranges::find(software.selective, alternate_products) != software.selective.end();
}

/// A remark only, as the stack does what it does.
Verdict modules_are_the_stacks(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const bool named = s.recompute == Recompute::selective && s.recompute_modules_given;
  if (!named || !chooses_no_modules(scenario.software)) return std::nullopt;
  return Finding{"no_effect", Severity::warning,
                 fmt::format("strategy.recompute_modules has no effect: {} chooses no modules, its "
                             "selective recomputation is {}",
                             scenario.software.name, fmt::join(s.recompute_modules, ", ")),
                 "leave it out, or another software",
                 scenario.position("strategy.recompute_modules")};
}

/// A remark only: profiles of training stacks that can do it have it in their defaults.
Verdict expert_overlap_has_effect(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const bool matters = s.overlaps("experts") && scenario.model.experts && s.ep > 1;
  if (!matters || has_pairs(scenario)) return std::nullopt;
  const std::string from =
      s.overlap_given ? "" : fmt::format(", as {} has it by default,", scenario.software.name);
  return Finding{
      "no_effect", Severity::warning,
      fmt::format("strategy.overlap with \"experts\"{} has no effect here", from),
      "a forward hides the exchanges of a backward in training with zero of 0 or 1 and schedule "
      "\"interleaved\", \"dualpipe\" or \"dualpipev\", or \"1f1b\" without a pipeline; elsewhere "
      "they are waited for",
      scenario.position("strategy.overlap")};
}

/// Kernels, exchanges and memory events of a layer, forward and backward, as lowering stamps them
/// out: further ones for each step beside a ring, through attention and through six products.
Verdict tasks_are_within_limits(const Scenario& scenario) {
  const Strategy& s = scenario.strategy;
  const auto attention_steps = static_cast<double>(s.cp_ring() - 1);
  const auto product_steps = s.overlaps("tensor") && s.sp ? static_cast<double>(s.tp - 1) : 0.0;
  const double per_layer = 60.0 + 9.0 * attention_steps + 18.0 * product_steps;
  const double layers = static_cast<double>(scenario.model.layers + scenario.model.mtp_layers);
  const bool all_differ = !scenario.fidelity.fold || scenario.jitter;
  const bool even = scenario.job.routing.even() || !scenario.model.experts;
  const double copies = all_differ ? static_cast<double>(gpus_required(scenario)) /
                                         static_cast<double>(scenario.strategy.pp)
                        : even ? 1.0
                               : static_cast<double>(s.ep);
  const double tasks = per_layer * layers * copies * static_cast<double>(micro_batches(scenario));
  if (tasks <= static_cast<double>(limits::tasks)) return std::nullopt;
  return Finding{
      "too_many_tasks", Severity::error,
      fmt::format("the program would have about {:.1e} tasks, more than the limit of {:.0e}", tasks,
                  static_cast<double>(limits::tasks)),
      !scenario.fidelity.fold ? "fold = \"on\""
      : scenario.jitter ? "no jitter, which makes every rank differ from every other, or fewer GPUs"
      : !even           ? "routing.kind = \"forced\", with which ranks that share experts are alike"
                        : "a larger micro_batch or a smaller global_batch",
      scenario.position("workload.global_batch")};
}

/// The clock holds 106 days; kernels and exchanges take several times what peak rates alone would.
Verdict step_is_within_the_clock(const Scenario& scenario) {
  const double peak =
      scenario.cluster.peak_of(gpus_required(scenario), scenario.job.precision).value();
  const double flops = model_flops(scenario.model, scenario.job, MfuConvention::full);
  const double seconds = flops / peak;
  if (seconds <= limits::step_seconds) return std::nullopt;
  return Finding{
      "step_too_long", Severity::error,
      fmt::format("a step takes at least {:.1e} s at peak rate, more than the limit of {:.0e} s",
                  seconds, limits::step_seconds),
      "more GPUs, a smaller global_batch or shorter sequences",
      scenario.position("workload.sequence_length")};
}

}  // namespace orrery::rules
