#include "parallel/sharding.hpp"

#include <algorithm>
#include <cmath>

namespace orrery {

namespace {

NumberType resolved(const std::string& name, const Job& job) {
  return parse_number_type(name).value_or(activation_type(job));
}

Bytes bytes_of(const ShardedUnit& unit, NumberType type) {
  const double width = bytes_per_element(type);
  return Bytes(std::llround(unit.dense_parameters * width)) +
         Bytes(std::llround(unit.expert_parameters * width));
}

bool adds_gradients(StepKind kind) {
  return kind == StepKind::backward || kind == StepKind::backward_weight;
}

}  // namespace

/// The type in which parameters are kept, unless the stack says that they travel in another.
NumberType gather_type(const Plan& plan) {
  const SoftwareTypes& types = plan.software.types;
  if (types.gather == types.parameter) return plan.job.parameter_type;
  return resolved(types.gather, plan.job);
}

/// Likewise of gradients.
NumberType gradient_wire(const Plan& plan) {
  const SoftwareTypes& types = plan.software.types;
  if (types.gradient_wire == types.gradient) return plan.job.gradient_type;
  return resolved(types.gradient_wire, plan.job);
}

std::vector<std::size_t> last_backward_steps(const std::vector<Step>& steps, std::size_t chunks) {
  std::vector<std::size_t> last(chunks, steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (adds_gradients(steps[i].kind)) last[steps[i].chunk] = i;
  }
  return last;
}

UnitWalk::UnitWalk(const Plan& plan, const StagePlan& stage) : plan_(plan), stage_(stage) {
  if (plan.strategy.zero < 2) return;
  for (const ChunkPlan& chunk : stage.chunks) unit_of_.emplace_back(chunk.layers.size());
  for (std::size_t chunk = 0; chunk < stage.chunks.size(); ++chunk) divide_chunk(chunk);
  gathered_.assign(units_.size(), false);
  whole_gradients_.assign(units_.size(), false);
}

void UnitWalk::divide_chunk(std::size_t chunk) {
  const std::vector<PlacedLayer>& layers = stage_.chunks[chunk].layers;
  const auto most = static_cast<std::size_t>(plan_.strategy.fsdp_unit_layers);
  std::size_t first = 0;
  while (first < layers.size()) {
    std::size_t last = first;
    const auto joins = [&](std::size_t next) {
      return next < layers.size() && next - first < most && layers[first].number != none_16 &&
             layers[next].number != none_16;
    };
    while (joins(last + 1)) ++last;
    for (std::size_t i = first; i <= last; ++i) unit_of_[chunk][i] = units_.size();
    units_.push_back(make_unit(chunk, first, last));
    first = last + 1;
  }
}

ShardedUnit UnitWalk::make_unit(std::size_t chunk, std::size_t first, std::size_t last) const {
  const std::vector<PlacedLayer>& layers = stage_.chunks[chunk].layers;
  const Strategy& s = plan_.strategy;
  ShardedUnit unit{.chunk = chunk,
                   .first = first,
                   .last = last,
                   .stays = layers[first].number == none_16,
                   .gathered = {},
                   .gradients = {},
                   .buffer = {}};
  for (std::size_t i = first; i <= last; ++i) {
    const LayerPlan& layer = plan_.layers[layers[i].plan];
    if (s.dp * s.cp > 1) unit.dense_parameters += layer.dense_parameters;
    if (s.expert_dp() > 1) unit.expert_parameters += layer.expert_parameters;
  }
  const NumberType wire = gradient_wire(plan_);
  const NumberType parameters = gather_type(plan_);
  unit.gathered = bytes_of(unit, parameters);
  unit.gradients = bytes_of(unit, s.defers_reduction() ? wire : parameters);
  unit.buffer = bytes_of(unit, wire);
  return unit;
}

bool UnitWalk::gathers(const LayerPass& pass) const {
  return plan_.strategy.zero == 3 && pass.kind != StepKind::backward_weight;
}

/// The unit itself, and those after it in the pass.
void UnitWalk::gather_ahead(const LayerPass& pass, std::size_t unit, UnitEvents& events) {
  const Strategy& s = plan_.strategy;
  const auto ahead = s.overlaps("parameters") ? static_cast<std::size_t>(s.fsdp_prefetch) : 0;
  const std::size_t begin = unit_of_[pass.chunk].front();
  const std::size_t end = unit_of_[pass.chunk].back();
  const bool forward = pass.kind == StepKind::forward;
  for (std::size_t n = 0; n <= ahead; ++n) {
    if (n > (forward ? end - unit : unit - begin)) break;
    const std::size_t next = forward ? unit + n : unit - n;
    if (gathered_[next]) continue;
    gathered_[next] = true;
    if (units_[next].gathered > Bytes(0)) events.gathers.push_back(next);
  }
}

UnitEvents UnitWalk::enter(const LayerPass& pass) {
  UnitEvents events;
  if (!divides()) return events;
  const std::size_t index = unit_of(pass);
  const ShardedUnit& unit = units_[index];
  const bool begins = pass.layer == (pass.kind == StepKind::forward ? unit.first : unit.last);
  if (!begins) return events;
  if (gathers(pass)) gather_ahead(pass, index, events);
  if (adds_gradients(pass.kind) && !whole_gradients_[index] && unit.gradients > Bytes(0)) {
    whole_gradients_[index] = true;
    events.takes_gradients = index;
  }
  return events;
}

bool UnitWalk::gives_up(const LayerPass& pass, const ShardedUnit& unit) const {
  const Strategy& s = plan_.strategy;
  if (!plan_.training()) return true;
  if (pass.kind == StepKind::forward) return s.reshards_after_forward() && !unit.stays;
  return s.reshards_after_forward() || !s.defers_reduction() || pass.last;
}

UnitEvents UnitWalk::leave(const LayerPass& pass) {
  UnitEvents events;
  if (!divides()) return events;
  const std::size_t index = unit_of(pass);
  const ShardedUnit& unit = units_[index];
  const bool ends = pass.layer == (pass.kind == StepKind::forward ? unit.last : unit.first);
  if (!ends) return events;
  if (gathered_[index] && gives_up(pass, unit)) {
    gathered_[index] = false;
    if (unit.gathered > Bytes(0)) events.gives_up = index;
  }
  const bool due = pass.last || !plan_.strategy.defers_reduction();
  if (adds_gradients(pass.kind) && due && whole_gradients_[index]) {
    whole_gradients_[index] = false;
    events.reduces = index;
  }
  return events;
}

}  // namespace orrery
