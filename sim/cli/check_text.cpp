#include "cli/check_text.hpp"

#include "base/units_text.hpp"
#include "report/table.hpp"
#include "scenario/validate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

constexpr std::size_t most_shares = 6;
constexpr std::size_t most_stages = 16;

std::string indented(const std::string& text) {
  std::string out;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find('\n', begin), text.size() - 1);
    out += "  " + text.substr(begin, end - begin + 1);
    begin = end + 1;
  }
  return out;
}

std::string section(const std::string& title, const std::string& text) {
  return text.empty() ? "" : fmt::format("\n{}\n{}", title, indented(text));
}

std::string part_text(const Share& share) {
  return share.first == share.last ? fmt::format("{}", share.first)
                                   : fmt::format("{}–{}", share.first, share.last);
}

void add_module(const ModuleDivision& module, AlignedTable& table) {
  const std::size_t count = module.shares.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Share& share = module.shares[i];
    if (count > most_shares && i >= most_shares - 2 && i + 1 < count) {
      if (i == most_shares - 2) table.add({"", "…"});
      continue;
    }
    table.add({i == 0 ? module.what : "", part_text(share), "ranks " + to_string(share.ranks)});
  }
}

std::string difference_text(const Claim& claim) {
  if (!claim.error || std::abs(*claim.error) < 1e-9) return "";
  const double ratio = *claim.error + 1.0;
  if (ratio >= 10.0) return fmt::format("× {:.3g}", ratio);
  if (ratio > 0.0 && ratio <= 0.1) return fmt::format("÷ {:.3g}", 1.0 / ratio);
  if (ratio <= 0.0) return "";
  return fmt::format("{:+.1f} %", 100.0 * *claim.error);
}

std::string state_text(ClaimState state, const Paint& paint) {
  switch (state) {
    case ClaimState::holds:
      return paint.good("holds");
    case ClaimState::fails:
      return paint.error("fails");
    case ClaimState::open:
      return paint.dim("open");
  }
  return "";
}

void add_claim(const Claim& claim, const Paint& paint, AlignedTable& table) {
  table.add({claim.metric, claim.claimed,
             claim.found ? format_figure(claim.metric, *claim.found) : "–", difference_text(claim),
             state_text(claim.state, paint), claim.reason});
}

std::string identity_text(const Identity& identity, const Paint& paint) {
  const std::string state =
      state_text(identity.holds ? ClaimState::holds : ClaimState::fails, paint);
  std::string text =
      fmt::format("{}  {} = {}: {}", state, identity.metric,
                  format_figure(identity.metric, identity.claimed), identity.formula);
  if (!identity.reason.empty()) text += "; " + identity.reason;
  return text + "\n";
}

std::string head(const Scenario& scenario, const CheckReport& report, const Paint& paint) {
  const bool works = report.feasibility.feasible();
  return fmt::format("{}: {}\n  {}, {} available\n", paint.bold(scenario.name),
                     works ? paint.good("works") : paint.error("does not work"),
                     to_string(scenario.strategy), gpus_available(scenario));
}

std::string alert_text(const Alert& alert) {
  return fmt::format("{} {} {} (expected {})\n", alert.metric, alert.above ? "above" : "below",
                     format_figure(alert.metric, alert.limit),
                     format_figure(alert.metric, alert.expected));
}

std::string launch_text(const CheckReport& report) {
  if (!report.launch) return "";
  std::string watch;
  for (const Alert& alert : report.launch->alerts) watch += alert_text(alert);
  const std::string_view which =
      report.remedies.empty() ? "Launch it with" : "Launch the first with";
  return section(std::string(which), report.launch->command + "\n") + section("Alert when", watch);
}

bool differ(const std::vector<Bytes>& capacities) {
  return std::ranges::adjacent_find(capacities, std::ranges::not_equal_to{}) != capacities.end();
}

std::string effect_of(const Remedy& remedy) {
  const Bytes capacity = memory_capacity(remedy.scenario);
  return fmt::format("{} ({:.0f} %)", format_bytes(remedy.forecast.peak),
                     100.0 * (remedy.forecast.peak / capacity));
}

}  // namespace

std::string verdict_text(const Feasibility& feasibility, const Paint& paint) {
  std::string text;
  for (const Finding& finding : feasibility.verdicts) {
    const bool error = finding.severity == Severity::error;
    text += fmt::format("{} {}: {}\n", error ? paint.error("error") : paint.warning("warning"),
                        finding.code, to_sentence(finding));
  }
  return text;
}

std::string division_text(const Division& division) {
  AlignedTable table({{}, {}, {}});
  for (const ModuleDivision& module : division.modules) add_module(module, table);
  return table.text();
}

std::string memory_text(const Scenario& scenario, const Feasibility& feasibility) {
  AlignedTable table({{}, {"", Align::right}, {"", Align::right}, {}});
  const std::vector<Bytes> capacities = memory_capacities(scenario);
  for (const StageMemory& stage : feasibility.memory) {
    if (static_cast<std::size_t>(stage.stage) >= most_stages) break;
    const Bytes capacity = capacities[static_cast<std::size_t>(stage.stage)];
    const std::string of = differ(capacities) ? " of " + format_bytes(capacity) : "";
    table.add({fmt::format("stage {}", stage.stage), format_bytes(stage.total) + of,
               fmt::format("{:.1f} %", 100.0 * (stage.total / capacity)), describe(stage.held)});
  }
  return table.text();
}

std::string claim_text(const CheckReport& report, const Paint& paint) {
  AlignedTable table({{"metric"},
                      {"claimed", Align::right},
                      {"found", Align::right},
                      {"difference", Align::right},
                      {},
                      {"reason"}});
  for (const Claim& claim : report.claims) add_claim(claim, paint, table);
  return section("Claims", table.empty() ? "" : table.text()) +
         identities_text(report.identities, paint);
}

std::string identities_text(const std::vector<Identity>& identities, const Paint& paint) {
  std::string together;
  for (const Identity& identity : identities) together += identity_text(identity, paint);
  return section("Claims against one another", together);
}

std::string remedy_text(const CheckReport& report, const Paint& paint) {
  if (report.remedies.empty() && !report.feasibility.feasible()) {
    if (report.figures.find("gpus_available") == 0.0) {
      return "\nNo plan works without a GPU in service.\n";
    }
    return "\nNo plan near this one works on these GPUs: more of them, or a smaller model.\n";
  }
  if (report.remedies.empty()) return launch_text(report);
  AlignedTable table({{"", Align::right},
                      {"plan"},
                      {"memory", Align::right},
                      {"time", Align::right},
                      {"what changes"}});
  for (std::size_t i = 0; i < report.remedies.size(); ++i) {
    const Remedy& remedy = report.remedies[i];
    table.add({fmt::format("{}.", i + 1), remedy.strategy, effect_of(remedy),
               format_seconds(remedy.forecast.step_time),
               fmt::format("{}", fmt::join(remedy.candidate.changes, ", "))});
  }
  return section(paint.bold("Plans that work, nearest first"), table.text()) + launch_text(report);
}

std::string check_text(const Scenario& scenario, const CheckReport& report, const Paint& paint) {
  const Feasibility& feasibility = report.feasibility;
  std::string text = head(scenario, report, paint);
  text += indented(verdict_text(feasibility, paint));
  if (feasibility.division) text += section("Division", division_text(*feasibility.division));
  const std::string title =
      differ(memory_capacities(scenario))
          ? "Memory of a rank, of the smallest GPU of its stage"
          : fmt::format("Memory of a rank, of {}", format_bytes(memory_capacity(scenario)));
  text += section(title, memory_text(scenario, feasibility));
  return text + claim_text(report, paint) + remedy_text(report, paint);
}

}  // namespace orrery
