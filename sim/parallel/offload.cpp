#include "parallel/offload.hpp"

#include <algorithm>

namespace orrery {

namespace {

/// Transformer layers of a chunk whose activations leave.
std::int64_t layers_that_leave(const Plan& plan, const ChunkPlan& chunk) {
  const auto layers =
      std::ranges::count_if(chunk.layers, [](const PlacedLayer& l) { return l.number != none_16; });
  const std::int64_t wanted = plan.strategy.offload_layers;
  return wanted > 0 ? std::min<std::int64_t>(wanted, layers)
                    : std::max<std::int64_t>(0, layers - 1);
}

/// What one micro-batch has on the host when it has gone forward through the chunk.
Bytes offloaded_bytes(const Plan& plan, const ChunkPlan& chunk) {
  Bytes bytes;
  for (std::size_t layer = 0; layer < chunk.layers.size(); ++layer) {
    if (!offloads_activations(plan, chunk, layer)) continue;
    bytes += plan.layers[chunk.layers[layer].plan].saved;
  }
  return bytes;
}

Bytes most_activations(const Plan& plan, std::int64_t stage) {
  const StagePlan& at = plan.stages[static_cast<std::size_t>(stage)];
  std::vector<Bytes> of_chunk;
  for (const ChunkPlan& chunk : at.chunks) of_chunk.push_back(offloaded_bytes(plan, chunk));
  Bytes held;
  Bytes most;
  for (const Step& step : plan.schedule->steps(plan.pipeline, stage)) {
    if (step.kind == StepKind::forward) {
      held += of_chunk[step.chunk];
    } else {
      held -= of_chunk[step.chunk];
    }
    most = std::max(most, held);
  }
  return most;
}

}  // namespace

bool offloads_activations(const Plan& plan, const ChunkPlan& chunk, std::size_t layer) {
  if (!plan.strategy.offloads("activations") || chunk.layers[layer].number == none_16) return false;
  std::int64_t before = 0;
  for (std::size_t i = 0; i < layer; ++i) before += chunk.layers[i].number == none_16 ? 0 : 1;
  const bool leaves = before < layers_that_leave(plan, chunk);
  return leaves && plan.layers[chunk.layers[layer].plan].saved > Bytes(0);
}

std::optional<std::size_t> offloaded_before(const Plan& plan, const ChunkPlan& chunk,
                                            std::size_t layer) {
  while (layer-- > 0) {
    if (offloads_activations(plan, chunk, layer)) return layer;
  }
  return std::nullopt;
}

Bytes host_memory(const Plan& plan, std::int64_t stage) {
  if (!plan.training()) return Bytes(0);
  const Bytes state = plan.stages[static_cast<std::size_t>(stage)].optimizer_on_host;
  return plan.strategy.offloads("activations") ? state + most_activations(plan, stage) : state;
}

}  // namespace orrery
