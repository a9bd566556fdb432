#include "validation/layer_times.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <variant>

namespace orrery {

namespace {

constexpr ClassId observed{0};

double to_number(Duration duration) { return to_seconds(duration).value(); }

/// Ops of the part of a layer that routes tokens and computes experts.
bool is_of_experts(std::string_view name) {
  constexpr std::array<std::string_view, 5> beginnings = {"router", "dispatch", "expert_",
                                                          "combine", "shared_"};
  return std::ranges::any_of(beginnings, [&](auto start) { return name.starts_with(start); });
}

bool is_attention(std::string_view name) { return name.starts_with("attention_core."); }

/// The hull of pieces; nothing where there are none.
struct Hull {
  Instant begin = end_of_time;
  Instant end{};

  void add(Instant from, Instant to) {
    begin = std::min(begin, from);
    end = std::max(end, to);
  }
  double seconds() const { return end > begin ? to_number(end - begin) : 0.0; }
};

}  // namespace

void LayerTimes::add(const Span& span) {
  if (span.rank_class != observed) return;
  const Script& script = program_.scripts[program_.classes[observed].script];
  const Task& task = script.lanes[span.lane].tasks[span.position];
  if (task.micro_batch != 0 || task.layer == none_16) return;
  const Instant end = span.begin + span.duration;
  const auto [place, fresh] = layers_.try_emplace(task.layer, Layer{span.begin, end, {}});
  Layer& layer = place->second;
  layer.begin = std::min(layer.begin, span.begin);
  layer.end = std::max(layer.end, end);
  layer.pieces.push_back({span.begin + span.waited, end, span.duration - span.waited, task.kind});
}

/// "dispatch" of an exchange, "" of a kernel.
std::string LayerTimes::operation_of(const Kind& kind) const {
  const auto* join = std::get_if<Communicate>(&kind.action);
  if (join == nullptr) return "";
  const Group& group = program_.groups[program_.classes[observed].groups[join->slot]];
  return program_.plans[group.plans[join->plan]].operation;
}

void LayerTimes::add_parts(const Layer& layer, const Layer& next,
                           std::map<std::string, double, std::less<>>& out) const {
  Hull forward;
  Hull backward;
  std::map<std::string, double, std::less<>> sums;
  for (const Piece& piece : layer.pieces) {
    const Kind& kind = program_.kinds[piece.kind];
    const bool goes_forward = piece.begin < next.begin;
    const std::string operation = operation_of(kind);
    if (is_of_experts(kind.name)) (goes_forward ? forward : backward).add(piece.begin, piece.end);
    if (is_attention(kind.name)) {
      sums[goes_forward ? "attention_forward_s" : "attention_backward_s"] += to_number(piece.moved);
    }
    if (operation == "dispatch" || operation == "combine") {
      sums[operation + "_s"] += to_number(piece.moved);
    }
  }
  sums["experts_forward_s"] = forward.seconds();
  sums["experts_backward_s"] = backward.seconds();
  for (const auto& [name, seconds] : sums) {
    if (seconds > 0.0) out.emplace(name, seconds);
  }
}

std::map<std::string, double, std::less<>> LayerTimes::seconds() const {
  std::map<std::string, double, std::less<>> out;
  if (layers_.size() < 2) return out;
  const Layer& first = layers_.begin()->second;
  const Layer& second = std::next(layers_.begin())->second;
  const Layer& last = std::prev(layers_.end())->second;
  const auto steps = static_cast<double>(layers_.size() - 1);
  out.emplace("layer_forward_s", to_number(last.begin - first.begin) / steps);
  if (first.end > last.end)
    out.emplace("layer_backward_s", to_number(first.end - last.end) / steps);
  add_parts(first, second, out);
  return out;
}

}  // namespace orrery
