// ZeRO 2 and 3 as a walk over a stage's layers: which parameters are gathered and given up around a
// pass, which gradients are held whole and when they are reduced (Rajbhandari et al. 2020; Zhao et
// al. 2023, PyTorch FSDP). Knows neither time nor links: lowering makes tasks of what it says, the
// estimate of memory counts bytes, and both find the same.
//
// A unit is `fsdp_unit_layers` neighbouring layers of a chunk; embedding and head are units of
// their own and stay gathered until their backward, as FSDP's root does. With ZeRO 3 a unit that
// computes is gathered whole, and as it begins so are the `fsdp_prefetch` units after it in the
// same pass (none without the overlap of parameters): at most 1 + fsdp_prefetch units, and what
// stays, are alive. It is given up after its forward (unless reshard_after_forward = false) and
// after its backward (with deferred reduction, after the last one of the step).
//
// Gradients of a unit are whole from the beginning of its backward to its end, or with deferred
// reduction from the first to the last micro-batch; then they are laid into a buffer of the wire's
// type and reduced. One buffer is under way at a time: the next unit waits for it, as FSDP2 does.
//
// What has one replica only is neither gathered nor reduced. Bytes of P parameters of a unit:
// gathered P · gather type; gradients P · gather type, deferred P · wire type; buffer P · wire
// type.
#pragma once

#include "parallel/plan.hpp"

#include <cstddef>
#include <optional>
#include <vector>

namespace orrery {

/// The type in which parameters travel, and in which gradients do.
NumberType gather_type(const Plan& plan);
NumberType gradient_wire(const Plan& plan);

struct ShardedUnit {
  std::size_t chunk = 0;
  std::size_t first = 0;  ///< among the chunk's layers
  std::size_t last = 0;   ///< the last one, itself included
  bool stays = false;     ///< gathered until its backward, whatever reshard_after_forward says
  double dense_parameters = 0.0;  ///< that have replicas
  double expert_parameters = 0.0;
  Bytes gathered;
  Bytes gradients;
  Bytes buffer;
};

/// Indices of units.
struct UnitEvents {
  std::vector<std::size_t> gathers;  ///< in this order
  std::optional<std::size_t> takes_gradients;
  std::optional<std::size_t> reduces;
  std::optional<std::size_t> gives_up;  ///< its parameters
};

/// By chunk: the step after which its gradients are whole; the number of steps if none is.
std::vector<std::size_t> last_backward_steps(const std::vector<Step>& steps, std::size_t chunks);

/// One pass of one micro-batch over a layer.
struct LayerPass {
  StepKind kind = StepKind::forward;
  std::size_t chunk = 0;
  std::size_t layer = 0;  ///< among the chunk's
  bool last = false;      ///< no later pass of the step adds to the layer's gradients
};

class UnitWalk {
 public:
  UnitWalk(const Plan& plan, const StagePlan& stage);

  /// False with ZeRO 0 and 1: there are no units then, and nothing happens.
  bool divides() const { return !units_.empty(); }
  const ShardedUnit& unit(std::size_t index) const { return units_[index]; }
  std::size_t unit_of(const LayerPass& pass) const { return unit_of_[pass.chunk][pass.layer]; }

  /// Passes must be told of in the order in which they are executed.
  UnitEvents enter(const LayerPass& pass);
  UnitEvents leave(const LayerPass& pass);

 private:
  ShardedUnit make_unit(std::size_t chunk, std::size_t first, std::size_t last) const;
  void divide_chunk(std::size_t chunk);
  bool gathers(const LayerPass& pass) const;
  void gather_ahead(const LayerPass& pass, std::size_t unit, UnitEvents& events);
  bool gives_up(const LayerPass& pass, const ShardedUnit& unit) const;

  const Plan& plan_;
  const StagePlan& stage_;
  std::vector<ShardedUnit> units_;                 ///< by chunk, in forward order
  std::vector<std::vector<std::size_t>> unit_of_;  ///< by chunk, layer
  std::vector<bool> gathered_;
  std::vector<bool> whole_gradients_;
};

}  // namespace orrery
