#include "workload/routing_trace.hpp"

#include "base/csv.hpp"
#include "base/shortened.hpp"

#include <fmt/format.h>

#include <charconv>
#include <numeric>

namespace orrery {

namespace {

/// Counts of a layer add up far below what 63 bits hold.
constexpr std::int64_t most_picks = std::int64_t{1} << 40;

class TraceReader {
 public:
  TraceReader(const std::string& file, const Model& model, Diagnostics& diagnostics)
      : file_(file), model_(model), diagnostics_(diagnostics) {}

  RoutingTrace read(const CsvTable& table, std::optional<std::int64_t> step) {
    if (!understand_header(table.header)) return {};
    for (const CsvRecord& record : table.records) add(record, step);
    require_layers(step);
    return std::move(trace_);
  }

 private:
  std::int64_t experts() const { return model_.experts ? model_.experts->experts : 0; }
  std::size_t first_expert() const { return has_steps_ ? 2 : 1; }

  bool understand_header(const CsvRecord& header) {
    has_steps_ = header.size() > 1 && header[0].text == "step" && header[1].text == "layer";
    if (header.empty() || (!has_steps_ && header[0].text != "layer")) {
      error(header.empty() ? SourcePosition{file_, 1, 1} : header[0].position,
            "a trace begins with the columns layer or step,layer and goes on with one for each "
            "expert");
      return false;
    }
    const auto columns = static_cast<std::int64_t>(header.size() - first_expert());
    if (columns == experts()) return true;
    error(header.back().position, fmt::format("the trace has columns for {} experts; {} has {} in "
                                              "a layer",
                                              columns, model_.name, experts()));
    return false;
  }

  void add(const CsvRecord& record, std::optional<std::int64_t> step) {
    if (has_steps_) {
      const std::optional<std::int64_t> here = whole_number(record[0]);
      if (!here) return;
      if (!step_) step_ = step.value_or(*here);
      if (*here != *step_) return;
    }
    const CsvCell& cell = record[first_expert() - 1];
    const std::optional<std::int64_t> layer = whole_number(cell);
    if (!layer) return;
    if (*layer >= model_.layers + model_.mtp_layers || !model_.is_expert_layer(*layer)) {
      error(cell.position, fmt::format("layer {} of {} has no experts", *layer, model_.name));
      return;
    }
    add_counts(record, *layer);
  }

  void add_counts(const CsvRecord& record, std::int64_t layer) {
    std::vector<std::int64_t> counts;
    for (std::size_t i = first_expert(); i < record.size(); ++i) {
      const std::optional<std::int64_t> count = whole_number(record[i]);
      if (!count) return;
      counts.push_back(*count);
    }
    const std::int64_t total = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
    if (total == 0) return error(record[0].position, fmt::format("layer {} has no picks", layer));
    for (std::size_t e = 0; e < counts.size(); ++e) {
      if (counts[e] * model_.experts->top_k <= total) continue;
      return error(
          record[first_expert() + e].position,
          fmt::format("{} of {} picks are of one expert; a token picks {} different ones, "
                      "so that it can have at most {}",
                      counts[e], total, model_.experts->top_k, total / model_.experts->top_k));
    }
    if (trace_.emplace(layer, std::move(counts)).second) return;
    error(record[first_expert() - 1].position, fmt::format("a second row for layer {}", layer));
  }

  void require_layers(std::optional<std::int64_t> step) {
    if (diagnostics_.has_errors()) return;
    if (step && !has_steps_) {
      return error({file_, 1, 1}, fmt::format("trace_step = {} is asked for, but the trace has no "
                                              "column step",
                                              *step));
    }
    for (std::int64_t layer = 0; layer < model_.layers + model_.mtp_layers; ++layer) {
      if (!model_.is_expert_layer(layer) || trace_.contains(layer)) continue;
      const std::string of_step = step_ ? fmt::format(" of step {}", *step_) : "";
      return error({file_, 0, 0}, fmt::format("there is no row for layer {}{}; wanted one for "
                                              "every layer with experts",
                                              layer, of_step));
    }
  }

  std::optional<std::int64_t> whole_number(const CsvCell& cell) {
    std::int64_t value = 0;
    const char* const end = cell.text.data() + cell.text.size();
    const auto [rest, failure] = std::from_chars(cell.text.data(), end, value);
    if (failure == std::errc{} && rest == end && value >= 0 && value <= most_picks) return value;
    error(cell.position,
          fmt::format("'{}' is no whole number from 0 to {}", shortened(cell.text), most_picks));
    return std::nullopt;
  }

  void error(const SourcePosition& at, std::string message) {
    diagnostics_.error(at, std::move(message));
  }

  const std::string& file_;
  const Model& model_;
  Diagnostics& diagnostics_;
  bool has_steps_ = false;
  std::optional<std::int64_t> step_;  ///< that is read
  RoutingTrace trace_;
};

}  // namespace

RoutingTrace parse_routing_trace(std::string_view text, const std::string& file,
                                 std::optional<std::int64_t> step, const Model& model,
                                 Diagnostics& diagnostics) {
  Diagnostics found;
  const CsvTable table = parse_csv(text, file, found);
  RoutingTrace trace = TraceReader(file, model, found).read(table, step);
  for (const Diagnostic& diagnostic : found.all()) {
    diagnostics.error(diagnostic.position, diagnostic.message);
  }
  return trace;
}

}  // namespace orrery
