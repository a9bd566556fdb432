#include "cli/validate_json.hpp"

#include <nlohmann/json.hpp>

namespace orrery {

namespace {

using Json = nlohmann::ordered_json;

void add_statistics(const ErrorStatistics& errors, Json& json) {
  json["rows"] = errors.rows;
  json["mean_absolute_error"] = errors.mean_absolute;
  json["median_absolute_error"] = errors.median_absolute;
  json["p90_absolute_error"] = errors.p90_absolute;
  json["worst"] = errors.worst;
  json["bias"] = errors.bias;
  if (errors.inside) json["inside_interval"] = *errors.inside;
}

/// What the row sets and says of itself: all but what was measured.
Json columns_json(const MeasuredRow& row) {
  Json json = Json::object();
  for (const auto& [column, cell] : row.cells) {
    if (column != "id" && !column.starts_with("measured.")) json[column] = cell;
  }
  return json;
}

Json row_json(const Validation& validation, const Comparison& comparison) {
  const MeasuredRow& row = validation.table.rows[comparison.row];
  Json json = {{"id", row.id},
               {"group", validation.group_of(row)},
               {"metric", comparison.metric},
               {"predicted", comparison.predicted},
               {"measured", comparison.measured},
               {"error", comparison.error()}};
  if (comparison.interval) {
    json["low"] = comparison.interval->low;
    json["high"] = comparison.interval->high;
  }
  const Prediction& prediction = validation.predictions[comparison.row];
  if (!prediction.components.empty()) {
    json["time_s"] = prediction.components;
    json["columns"] = columns_json(row);
  }
  return json;
}

Json group_json(const GroupErrors& group) {
  Json json = {{"group", group.group}, {"metric", group.metric}};
  add_statistics(group.errors, json);
  return json;
}

Json overall_json(const OverallErrors& overall) {
  const bool known = overall.which == OverallErrors::Rows::known;
  Json json = {
      {"metric", overall.metric}, {"which", known ? "known" : "all"}, {"sources", overall.sources}};
  add_statistics(overall.errors, json);
  return json;
}

}  // namespace

std::string validate_json(const Validation& validation) {
  Json json = {{"rows", Json::array()},
               {"groups", Json::array()},
               {"overall", Json::array()},
               {"skipped", Json::array()}};
  for (const Comparison& comparison : validation.comparisons) {
    json["rows"].push_back(row_json(validation, comparison));
  }
  for (const GroupErrors& group : validation.groups) json["groups"].push_back(group_json(group));
  for (const OverallErrors& overall : validation.overall) {
    json["overall"].push_back(overall_json(overall));
  }
  for (const SkippedRow& row : validation.skipped) {
    json["skipped"].push_back({{"id", row.id}, {"reason", row.reason}});
  }
  return json.dump(2);
}

}  // namespace orrery
