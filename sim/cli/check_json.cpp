#include "cli/check_json.hpp"

#include "scenario/validate.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Strategy& s) {
  return {{"tp", s.tp}, {"cp", s.cp},   {"pp", s.pp}, {"vpp", s.vpp},
          {"ep", s.ep}, {"etp", s.etp}, {"dp", s.dp}, {"world_size", s.world_size()}};
}

Json to_json(const Finding& finding) {
  return {{"code", finding.code},
          {"severity", finding.severity == Severity::error ? "error" : "warning"},
          {"message", finding.message},
          {"remedy", finding.remedy}};
}

Json to_json(const BytesByCategory& held) {
  Json json = Json::object();
  for (std::size_t i = 0; i < held.size(); ++i) {
    json[std::string(to_string(static_cast<MemoryCategory>(i)))] = held[i].value();
  }
  return json;
}

Json to_json(const ModuleDivision& module) {
  Json shares = Json::array();
  for (const Share& share : module.shares) {
    Json ranks = Json::array();
    for (const RankBlocks& blocks : share.ranks) {
      ranks.push_back({{"first", blocks.first},
                       {"length", blocks.length},
                       {"period", blocks.period},
                       {"count", blocks.count}});
    }
    shares.push_back({{"first", share.first}, {"last", share.last}, {"ranks", std::move(ranks)}});
  }
  return {{"what", module.what}, {"shares", std::move(shares)}};
}

Json to_json(const Division& division) {
  Json modules = Json::array();
  for (const ModuleDivision& module : division.modules) modules.push_back(to_json(module));
  return {{"layers_per_rank", division.layers_per_rank},
          {"hidden_columns", division.hidden_columns},
          {"heads_per_rank", division.heads_per_rank},
          {"experts_per_rank", division.experts_per_rank},
          {"expert_instances", division.expert_instances},
          {"expert_copies", division.expert_copies},
          {"sequences_per_rank", division.sequences_per_rank},
          {"sequences_per_replica", division.sequences_per_replica},
          {"modules", std::move(modules)}};
}

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json to_json(const Claim& claim) {
  return {{"metric", claim.metric},           {"claimed", claim.claimed},
          {"expected", or_null(claim.value)}, {"got", or_null(claim.found)},
          {"error", or_null(claim.error)},    {"state", to_string(claim.state)},
          {"reason", claim.reason},           {"source", claim.source}};
}

Json to_json(const Identity& identity) {
  return {{"metric", identity.metric},   {"claimed", identity.claimed},
          {"implied", identity.implied}, {"formula", identity.formula},
          {"holds", identity.holds},     {"reason", identity.reason}};
}

Json to_json(const Forecast& forecast) {
  return {{"step_time_s", forecast.step_time.value()},
          {"tokens_per_s", forecast.tokens_per_s},
          {"sequences_per_s", forecast.sequences_per_s},
          {"gpu_busy_fraction", forecast.busy_fraction},
          {"communication_s", forecast.communication.value()},
          {"expert_imbalance", forecast.expert_imbalance},
          {"peak_bytes", forecast.peak.value()},
          {"memory", to_json(forecast.held)}};
}

Json to_json(const Remedy& remedy) {
  return {{"strategy", to_json(remedy.scenario.strategy)},
          {"changes", remedy.candidate.changes},
          {"cost", remedy.candidate.cost},
          {"forecast", to_json(remedy.forecast)}};
}

Json to_json(const Launch& launch) {
  Json alerts = Json::array();
  for (const Alert& alert : launch.alerts) {
    alerts.push_back({{"metric", alert.metric},
                      {"when", alert.above ? "above" : "below"},
                      {"limit", alert.limit},
                      {"expected", alert.expected}});
  }
  return {{"command", launch.command}, {"alerts", std::move(alerts)}};
}

template <typename T>
Json list(const std::vector<T>& items) {
  Json json = Json::array();
  for (const T& item : items) json.push_back(to_json(item));
  return json;
}

Json memory_json(const Scenario& scenario, const Feasibility& feasibility) {
  Json stages = Json::array();
  for (const StageMemory& stage : feasibility.memory) {
    Json json = to_json(stage.held);
    json["stage"] = stage.stage;
    json["peak_bytes"] = stage.total.value();
    json["micro_batches_live"] = stage.live;
    stages.push_back(std::move(json));
  }
  return {{"capacity_bytes", memory_capacity(scenario).value()}, {"stages", std::move(stages)}};
}

}  // namespace

std::string check_json(const Scenario& scenario, const CheckReport& report) {
  const Feasibility& feasibility = report.feasibility;
  const Json json = {
      {"scenario", scenario.name},
      {"strategy", to_json(scenario.strategy)},
      {"feasible", feasibility.feasible()},
      {"verdicts", list(feasibility.verdicts)},
      {"gpus_required", gpus_required(scenario)},
      {"gpus_available", gpus_available(scenario)},
      {"division", feasibility.division ? to_json(*feasibility.division) : Json(nullptr)},
      {"memory", memory_json(scenario, feasibility)},
      {"forecast", report.forecast ? to_json(*report.forecast) : Json(nullptr)},
      {"claims", list(report.claims)},
      {"identities", list(report.identities)},
      {"remedies", list(report.remedies)},
      {"launch", report.launch ? to_json(*report.launch) : Json(nullptr)}};
  return json.dump(2) + "\n";
}

std::string with_remedies(const std::string& result, const CheckReport& report) {
  Json json = Json::parse(result);
  json["identities"] = list(report.identities);
  json["remedies"] = list(report.remedies);
  json["launch"] = report.launch ? to_json(*report.launch) : Json(nullptr);
  constexpr auto replace = Json::error_handler_t::replace;
  return json.dump(2, ' ', false, replace) + "\n";
}

}  // namespace orrery
