#include "report/text.hpp"

#include "base/units_text.hpp"
#include "report/metrics.hpp"
#include "report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <optional>

namespace orrery {

namespace {

constexpr std::size_t text_width = 96;
constexpr std::size_t bar_width = 30;
/// Rows of the table of stages; of more, those in the middle are left out.
constexpr std::size_t shown_stages = 8;

class Page {
 public:
  explicit Page(Colour colour) : colour_(colour) {}

  void line(std::string_view words) { text_ += std::string(words) + "\n"; }
  /// The remark stands beside the heading, or below it when it is long.
  void section(std::string_view heading, std::string_view remark = "") {
    const bool beside = display_width(heading) + 2 + display_width(remark) <= text_width;
    text_ += "\n" + in(heading, Tone::strong);
    if (!remark.empty()) text_ += (beside ? "  " : "\n  ") + in(remark, Tone::faint);
    text_ += "\n";
  }
  void table(const AlignedTable& table) { text_ += table.text(2, colour_); }
  void paragraph(std::string_view words, std::string_view lead) {
    text_ += wrap(words, text_width, lead);
  }
  std::string in(std::string_view words, Tone tone) const { return toned(words, tone, colour_); }
  std::string take() { return std::move(text_); }

 private:
  Colour colour_;
  std::string text_;
};

std::string count_of(std::int64_t number, std::string_view one, std::string_view many) {
  return group_digits(number) + " " + std::string(number == 1 ? one : many);
}

// --- what was run --------------------------------------------------------------------------------

std::string kind_text(const Job& job) {
  const std::string_view precision = to_string(job.precision);
  const std::string batch = count_of(job.global_batch, "sequence", "sequences");
  switch (job.kind) {
    case JobKind::training:
      return fmt::format("one training step in {}: {} of {} tokens", precision, batch,
                         group_digits(job.sequence_length));
    case JobKind::forward:
      return fmt::format("one forward pass in {}: {} of {} tokens", precision, batch,
                         group_digits(job.sequence_length));
    case JobKind::decode:
      return fmt::format("one generation step in {}: {} with {} tokens cached", precision, batch,
                         group_digits(job.context_length));
  }
  return "";
}

std::string batches_text(const RunFacts& run) {
  if (run.micro_batches < 2) return "";
  const Strategy& s = run.strategy;
  const std::string least =
      s.has_uneven_batches()
          ? fmt::format("{} to ", std::ranges::min(s.replica_batch) / run.job.micro_batch)
          : "";
  return fmt::format(", {}{} micro-batches of {}", least, run.micro_batches, run.job.micro_batch);
}

std::string model_text(const ModelFacts& model) {
  const std::string total = format_count(model.parameters_total) + " parameters";
  if (model.parameters_active == model.parameters_total) return model.name + ", " + total;
  return fmt::format("{}, {}, {} active", model.name, total, format_count(model.parameters_active));
}

std::string strategy_text(const RunFacts& run) {
  const Strategy& s = run.strategy;
  std::string text = to_string(s);
  if (s.pp > 1) text += fmt::format(" · {}", s.schedule);
  if (s.zero > 0) text += fmt::format(" · zero {}", s.zero);
  if (s.recompute != Recompute::none) {
    text += s.recompute == Recompute::full ? " · recompute full" : " · recompute selective";
  }
  return text;
}

void add_heading(const Summary& s, Page& page) {
  page.line(page.in(s.run.scenario, Tone::strong));
  page.paragraph(model_text(s.model), "  model     ");
  page.paragraph(kind_text(s.run.job) + batches_text(s.run), "  work      ");
  const std::string borrowed =
      s.run.kernels_from.empty() ? "" : fmt::format("; kernels as on {}", s.run.kernels_from);
  page.paragraph(fmt::format("{} ({}{})", s.run.cluster, s.run.gpu, borrowed), "  cluster   ");
  page.paragraph(s.run.software, "  software  ");
  page.paragraph(strategy_text(s.run), "  strategy  ");
}

// --- the verdict ---------------------------------------------------------------------------------

std::string fits_text(const Summary& s) {
  const std::string rank = s.stages.size() > 1
                               ? fmt::format("the fullest rank (stage {})", s.memory.stage)
                               : std::string("the fullest rank");
  return fmt::format("{} holds {} of {}; {} stay free ({})", rank, format_bytes(s.memory.reserved),
                     format_bytes(s.memory.capacity), format_bytes(s.memory.headroom()),
                     format_percent(1.0 - s.memory.reserved_fraction()));
}

std::string_view verdict_word(const Summary& s) {
  if (s.feasible) return "FITS";
  return s.memory.fits() ? "CANNOT RUN" : "DOES NOT FIT";
}

/// What the figures below mean when the verdict is bad.
std::string supposition(const Summary& s) {
  const bool gpus = s.run.gpus_required > s.run.gpus_available;
  if (gpus && !s.memory.fits()) return "the figures below suppose more GPUs and more memory";
  if (gpus) return "the figures below suppose the GPUs that are missing";
  return s.memory.fits() ? "the figures below are what they would be"
                         : "the figures below suppose GPUs with more memory";
}

void add_finding(const Verdict& verdict, std::string_view lead, Page& page) {
  page.paragraph(verdict.message, lead);
  const std::string indent(display_width(lead), ' ');
  if (!verdict.remedy.empty()) page.paragraph(verdict.remedy, indent + "→ ");
}

void add_verdict(const Summary& s, Page& page) {
  page.line("");
  const std::string word = page.in(verdict_word(s), s.feasible ? Tone::good : Tone::bad);
  if (s.feasible) {
    page.paragraph(fits_text(s), word + "  ");
    return;
  }
  page.paragraph(supposition(s), word + "  ");
  for (const Verdict& verdict : s.verdicts) {
    if (verdict.weight == Weight::error) add_finding(verdict, page.in("  • ", Tone::bad), page);
  }
}

// --- how sure it is ------------------------------------------------------------------------------

constexpr std::string_view extrapolated_lead = "  unmeasured   ";
constexpr std::size_t shown_extrapolated = 3;

/// "38.1 % of the time: ffn_up.forward 12.0 %, … and 6 more".
std::string extrapolated_text(const StepInterval& interval) {
  double all = 0.0;
  for (const Extrapolated& one : interval.extrapolated) all += one.share;
  std::string text = format_percent(all) + " of the time:";
  const std::size_t count = interval.extrapolated.size();
  const std::size_t shown = count <= shown_extrapolated + 1 ? count : shown_extrapolated;
  for (std::size_t i = 0; i < shown; ++i) {
    const Extrapolated& one = interval.extrapolated[i];
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", one.name, format_percent(one.share));
  }
  if (shown < count) text += fmt::format(" and {} more", count - shown);
  return text;
}

// --- speed ---------------------------------------------------------------------------------------

void add_speed(const Summary& s, Page& page) {
  const bool trains = s.run.job.trains();
  const Speed& speed = s.speed;
  AlignedTable table({{}, {}, {}, {}});
  const auto row = [&](std::string_view a, std::string b, std::string_view c, std::string d) {
    table.add({std::string(a), pad(b, 18), std::string(c), std::move(d)});
  };
  row(trains ? "step time" : "latency", format_seconds(s.step_time), "model FLOP/s",
      format_flops_rate(FlopsPerSecond(speed.model_tflops_per_gpu * 1e12)) + " per GPU");
  row("tokens/s", format_metric(MetricUnit::number, speed.tokens_per_s), "MFU",
      fmt::format("{} (attention counted causally {})", format_percent(speed.mfu),
                  format_percent(speed.mfu_causal)));
  const std::string recomputed =
      speed.hfu > speed.mfu ? format_percent(speed.hfu) + " with recomputation" : "as MFU";
  row("  per GPU", format_metric(MetricUnit::number, speed.tokens_per_s_per_gpu), "HFU",
      recomputed);
  row("sequences/s", format_metric(MetricUnit::number, speed.sequences_per_s), "GPUs computing",
      format_percent(speed.gpu_busy_fraction) + " of the time");
  if (s.price.known()) {
    row("price", fmt::format("${:.4g} a {}", s.price.per_step, trains ? "step" : "pass"),
        "per 1 M tokens",
        fmt::format("${:.4g} (at ${:.4g}/h)", s.price.per_million_tokens, s.price.per_hour));
  }
  page.line("");
  page.table(table);
}

/// The interval of the step time, and the kernels and exchanges that nobody measured.
void add_interval(const Summary& s, Page& page) {
  if (!s.interval) return;
  const StepInterval& interval = *s.interval;
  const double rate = s.speed.tokens_per_s;
  const auto tokens = [](double value) { return format_metric(MetricUnit::number, value); };
  page.line(fmt::format("  10 to 90 %   {} to {} · {} to {} tokens/s",
                        format_seconds(s.step_time * interval.low),
                        format_seconds(s.step_time * interval.high), tokens(rate / interval.high),
                        tokens(rate / interval.low)));
  if (!interval.extrapolated.empty())
    page.paragraph(extrapolated_text(interval), extrapolated_lead);
}

// --- where the time and the memory went ----------------------------------------------------------

struct Part {
  std::string_view name;
  double amount = 0.0;
};

void add_time(const Summary& s, Page& page) {
  const TimeShares& t = s.time;
  std::array parts = {Part{"computing", t.compute.value()},
                      Part{"tensor exchanges", t.exposed_tp.value()},
                      Part{"context exchanges", t.exposed_cp.value()},
                      Part{"expert exchanges", t.exposed_ep.value()},
                      Part{"pipeline exchanges", t.exposed_pp.value()},
                      Part{"data exchanges", t.exposed_dp.value()},
                      Part{"bubble", t.bubble.value()},
                      Part{"optimizer", t.optimizer.value()},
                      Part{"other", t.other.value()}};
  std::ranges::stable_sort(parts, std::greater<>{}, &Part::amount);
  AlignedTable table({{}, {{}, Align::right}, {{}, Align::right}, {}});
  for (const Part& part : parts) {
    if (part.amount <= 0.0) continue;
    const double share = part.amount / s.step_time.value();
    table.add({std::string(part.name), format_seconds(Seconds(part.amount)), format_percent(share),
               bar(share, bar_width)});
  }
  page.section("Where the time goes", "average rank; exchanges: only what computing does not hide");
  page.table(table);
}

void add_memory(const Summary& s, Page& page) {
  const MemorySummary& memory = s.memory;
  std::vector<Part> parts;
  for (std::size_t i = 0; i < memory_category_count; ++i) {
    parts.push_back(
        {to_string(static_cast<MemoryCategory>(i)), static_cast<double>(memory.held[i].value())});
  }
  std::ranges::stable_sort(parts, std::greater<>{}, &Part::amount);
  const auto capacity = static_cast<double>(memory.capacity.value());
  AlignedTable table({{}, {{}, Align::right}, {{}, Align::right}, {}});
  const auto row = [&](std::string_view name, double amount, std::string drawn) {
    table.add({std::string(name == "kv_cache" ? "KV cache" : name),
               format_bytes(Bytes(std::llround(amount))), format_percent(amount / capacity),
               std::move(drawn)});
  };
  for (const Part& part : parts) {
    if (part.amount > 0.0) row(part.name, part.amount, bar(part.amount / capacity, bar_width));
  }
  const auto peak = static_cast<double>(memory.peak.value());
  row("together", peak, fmt::format("of {}", format_bytes(memory.capacity)));
  if (memory.reserved > memory.peak) {
    row("reserved", static_cast<double>(memory.reserved.value()),
        fmt::format("{} of it for rounding and gaps", format_bytes(memory.reserved - memory.peak)));
  }
  const std::string when =
      memory.at.value() > 0.0 && !memory.during.empty()
          ? fmt::format(" at {}, before {}", format_seconds(memory.at), memory.during)
          : std::string();
  page.section("Where the memory goes",
               fmt::format("rank {}{}", static_cast<std::uint32_t>(memory.peak_rank), when));
  page.table(table);
}

// --- stages, links, claims -----------------------------------------------------------------------

void add_stage(const StageSummary& stage, const Summary& s, AlignedTable& table) {
  const auto share = [&](Seconds part) { return format_percent(part / s.step_time); };
  table.add({fmt::format("{}", stage.stage), group_digits(stage.ranks),
             fmt::format("{}", stage.layers), share(stage.busy), share(stage.exposed),
             share(stage.bubble), format_bytes(stage.peak),
             bar(stage.peak / s.memory.capacity, 16)});
}

void add_stages(const Summary& s, Page& page) {
  if (s.stages.size() < 2) return;
  AlignedTable table({{"stage", Align::right},
                      {"ranks", Align::right},
                      {"layers", Align::right},
                      {"busy", Align::right},
                      {"exchanges", Align::right},
                      {"bubble", Align::right},
                      {"peak memory", Align::right},
                      {}});
  const std::size_t count = s.stages.size();
  const std::size_t head = count <= shown_stages ? count : shown_stages / 2;
  const std::size_t tail = count <= shown_stages ? count : count - shown_stages / 2;
  for (std::size_t i = 0; i < head; ++i) add_stage(s.stages[i], s, table);
  if (head < tail) table.add_remark(fmt::format("  … {} more stages between", tail - head));
  for (std::size_t i = tail; i < count; ++i) add_stage(s.stages[i], s, table);
  page.section("Pipeline stages");
  page.table(table);
}

std::string routing_text(const Routing& routing) {
  switch (routing.kind) {
    case RoutingKind::zipf:
      return fmt::format("routing zipf, exponent {:g}", routing.exponent);
    case RoutingKind::dirichlet:
      return fmt::format("routing dirichlet, concentration {:g}", routing.concentration);
    case RoutingKind::trace:
      return fmt::format("routing as recorded in {}", routing.trace_path);
    default:
      return fmt::format("routing {}", to_string(routing.kind));
  }
}

void add_experts(const Summary& s, Page& page) {
  const RoutingSummary& r = s.routing;
  if (!r.uneven) return;
  AlignedTable table({{}, {}});
  const auto row = [&](std::string_view name, std::string text) {
    table.add({std::string(name), std::move(text)});
  };
  row("fullest rank", fmt::format("{:.2f} times the mean; {:.2f} in layer {}, the worst",
                                  r.imbalance, r.worst_imbalance, r.worst_layer));
  row("fullest expert", fmt::format("{:.2f} times the mean", r.expert_imbalance));
  if (s.run.strategy.redundant_experts > 0) {
    row("replicas", fmt::format("{} a layer, {} experts on each rank",
                                s.run.strategy.redundant_experts, s.share.experts));
  }
  if (r.dropped > 0.0) {
    row("dropped", fmt::format("{} of the copies of tokens, {} a step",
                               format_percent(r.dropped_fraction), format_count(r.dropped)));
  }
  if (r.padded_fraction > 0.0) {
    row("padding", fmt::format("{} more rows than copies", format_percent(r.padded_fraction)));
  }
  row("forced even", fmt::format("{}; the routing costs {:+.1f} %",
                                 format_seconds(r.forced_step_time), 100.0 * r.cost(s.step_time)));
  page.section("Experts", routing_text(s.run.job.routing) + "; averages over layers");
  page.table(table);
}

void add_links(const Summary& s, Page& page) {
  if (s.links.empty()) return;
  AlignedTable table({{},
                      {"average", Align::right},
                      {"busiest", Align::right},
                      {"its peak", Align::right},
                      {"which one"}});
  for (const LinkSummary& link : s.links) {
    table.add({link.kind, format_percent(link.average_utilization),
               format_percent(link.mean_utilization), format_percent(link.peak_utilization),
               fmt::format("{} ({})", elide(link.busiest, 40), format_rate(link.capacity))});
  }
  page.section("Links", "share of their bandwidth over the step, and at the busiest moment");
  page.table(table);
}

std::string got_text(const std::optional<MetricValue>& metric) {
  return metric ? format_metric(*metric) : "none";
}

/// The user's words, except where they would not line up with the figure beside them.
std::string claim_text(const Judgement& judgement, const std::optional<MetricValue>& metric) {
  const bool bare = metric && judgement.tolerance &&
                    (metric->unit == MetricUnit::flag || metric->unit == MetricUnit::number);
  return bare ? format_metric(metric->unit, judgement.expected) : judgement.claim;
}

/// How far from a claimed value; of a bound only when it is broken.
std::string error_text(const Judgement& judgement) {
  const bool tells = judgement.error && (judgement.tolerance || !judgement.ok);
  return tells ? fmt::format("{:+.1f} %", 100.0 * *judgement.error) : "";
}

void add_expects(const Summary& s, Page& page) {
  if (s.expects.empty()) return;
  AlignedTable table({{},
                      {"metric"},
                      {"simulated", Align::right},
                      {"claimed", Align::right},
                      {"error", Align::right},
                      {"source"}});
  for (const Judgement& judgement : s.expects) {
    const auto metric = find_metric(s, judgement.metric);
    table.add({judgement.ok ? page.in("ok", Tone::good) : page.in("NO", Tone::bad),
               judgement.metric, got_text(metric), claim_text(judgement, metric),
               error_text(judgement), elide(judgement.source, 40)});
  }
  const auto held = std::ranges::count_if(s.expects, &Judgement::ok);
  page.section("Claims", fmt::format("{} of {} hold", held, s.expects.size()));
  page.table(table);
  for (const Judgement& judgement : s.expects) {
    const std::string& why = judgement.reason.empty() ? judgement.note : judgement.reason;
    if (!judgement.ok && !why.empty()) page.paragraph(judgement.metric + ": " + why, "  ↳ ");
  }
}

void add_advice(const Summary& s, Page& page) {
  const auto stops = [](const Verdict& v) { return v.weight == Weight::error; };
  if (std::ranges::all_of(s.verdicts, stops)) return;
  page.section("What to change");
  int number = 0;
  for (const Verdict& verdict : s.verdicts) {
    if (stops(verdict)) continue;
    const Tone tone = verdict.weight == Weight::warning ? Tone::warning : Tone::plain;
    add_finding(verdict, page.in(fmt::format("{:>3}. ", ++number), tone), page);
  }
}

}  // namespace

std::string simulation_line(const Summary& summary) {
  const SimulationFacts& facts = summary.simulation;
  std::string text =
      fmt::format("simulated {} as {} with {} events in {}", count_of(facts.ranks, "rank", "ranks"),
                  count_of(facts.classes, "class", "classes"),
                  group_digits(static_cast<long long>(facts.events)),
                  format_seconds(Seconds(facts.cost.wall_s)));
  if (facts.cost.peak_rss_bytes > 0) {
    text += fmt::format(", {}", format_bytes(Bytes(facts.cost.peak_rss_bytes)));
  }
  return text;
}

std::string to_text(const Summary& summary, Colour colour) {
  Page page(colour);
  add_heading(summary, page);
  add_verdict(summary, page);
  add_speed(summary, page);
  add_interval(summary, page);
  add_time(summary, page);
  add_memory(summary, page);
  add_stages(summary, page);
  add_experts(summary, page);
  add_links(summary, page);
  add_expects(summary, page);
  add_advice(summary, page);
  page.line("");
  page.line(page.in(simulation_line(summary), Tone::faint));
  return page.take();
}

}  // namespace orrery
