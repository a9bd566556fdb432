#include "parallel/plan.hpp"

#include "base/check.hpp"
#include "parallel/placement.hpp"
#include "parallel/shard.hpp"
#include "workload/flops.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>
#include <utility>

namespace orrery {

namespace {

LayerInput layer_input(const PlanInput& input, std::int64_t layer) {
  const Strategy& s = input.strategy;
  return {input.model, input.software, layer, input.job, {s.dispatcher, s.ep}};
}

/// Plans each distinct layer once.
class LayerPlanner {
 public:
  LayerPlanner(const PlanInput& input, std::vector<LayerPlan>& plans)
      : input_(input), plans_(plans) {}

  /// `place` counts the layers of a virtual stage: the first recompute_layers are recomputed.
  PlacedLayer transformer(std::int64_t layer, std::int64_t place) {
    const Model& model = input_.model;
    const bool mtp = layer >= model.layers;
    const std::int64_t most = input_.strategy.recompute_layers;
    const bool again = most == 0 || place < most;
    const std::string name = mtp                            ? "mtp layer"
                             : model.is_expert_layer(layer) ? "expert layer"
                                                            : "dense layer";
    const bool wide = input_.job.low_precision.in_bf16(layer, model.layers);
    const auto key =
        std::tuple(name, model.has_window(layer), model.is_expert_layer(layer), again, wide);
    const auto [found, fresh] = index_of_.try_emplace(key, plans_.size());
    if (fresh) {
      const Recomputable recomputable = again ? Recomputable::yes : Recomputable::no;
      plans_.push_back(
          plan_layer(name, layer_ops(layer_input(input_, layer)), recomputable, input_));
    }
    return {found->second, static_cast<std::uint16_t>(layer)};
  }

  PlacedLayer embedding() { return single("embedding", embedding_ops(layer_input(input_, 0))); }
  PlacedLayer head() {
    return single("head", head_ops(layer_input(input_, input_.model.layers - 1)));
  }

 private:
  PlacedLayer single(const std::string& name, const std::vector<Op>& ops) {
    const auto [found, fresh] =
        index_of_.try_emplace(std::tuple(name, false, false, false, false), plans_.size());
    if (fresh) plans_.push_back(plan_layer(name, ops, Recomputable::no, input_));
    return {found->second, none_16};
  }

  const PlanInput& input_;
  std::vector<LayerPlan>& plans_;
  std::map<std::tuple<std::string, bool, bool, bool, bool>, std::size_t> index_of_;
};

/// The stage with the head holds the embedding's rows again where its head is tied to them or a
/// layer that predicts ahead looks tokens up (Megatron-LM, _allreduce_word_embedding_grads), unless
/// its rank holds an embedding anyway, as in a V or with two directions. Called when the last plan
/// is the head's.
void copy_embedding(const PlanInput& input, std::int64_t rank, Plan& plan) {
  const bool needs = input.model.tied_embeddings || input.model.mtp_layers > 0;
  for (std::int64_t d = 0; d < plan.schedule->directions; ++d) {
    if (plan.schedule->place(plan.pipeline, {0, d}).rank == rank) return;
  }
  if (!needs) return;
  plan.embedding_copy = plan.layers.front().ops.front().parameters;
  plan.layers.back().dense_parameters += plan.embedding_copy;
}

ChunkPlan& chunk_at(const StagePlace& place, Plan& plan) {
  return plan.stages[static_cast<std::size_t>(place.rank)]
      .chunks[static_cast<std::size_t>(place.chunk)];
}

/// One copy of the model: chunks of every stage with their layers, in the order of virtual stages.
void place_layers(const PlanInput& input, std::int64_t direction, LayerPlanner& planner,
                  Plan& plan) {
  const std::vector<StageShare> shares = shares_of_virtual_stages(input.model, input.strategy);
  std::int64_t next_layer = 0;
  std::int64_t next_mtp = input.model.layers;
  for (std::size_t s = 0; s < shares.size(); ++s) {
    const StageShare& share = shares[s];
    const VirtualStage stage{static_cast<std::int64_t>(s), direction};
    const StagePlace place = plan.schedule->place(plan.pipeline, stage);
    ChunkPlan& chunk = chunk_at(place, plan);
    chunk.virtual_stage = stage;
    if (share.embedding) chunk.layers.push_back(planner.embedding());
    for (std::int64_t i = 0; i < share.layers; ++i) {
      chunk.layers.push_back(planner.transformer(next_layer++, i));
    }
    if (share.loss) {
      chunk.layers.push_back(planner.head());
      if (direction == 0) copy_embedding(input, place.rank, plan);
    }
    for (std::int64_t i = 0; i < share.mtp_layers; ++i) {
      chunk.layers.push_back(planner.transformer(next_mtp++, share.layers + i));
    }
  }
  CHECK(next_layer == input.model.layers, next_layer, input.model.layers);
}

void place_layers(const PlanInput& input, Plan& plan) {
  LayerPlanner planner(input, plan.layers);
  plan.stages.resize(static_cast<std::size_t>(input.strategy.pp));
  for (StagePlan& stage : plan.stages) {
    stage.chunks.resize(static_cast<std::size_t>(input.strategy.vpp * plan.schedule->directions));
  }
  for (std::int64_t d = 0; d < plan.schedule->directions; ++d) {
    place_layers(input, d, planner, plan);
  }
}

void count_stage(const PlanInput& input, const std::vector<LayerPlan>& layers, StagePlan& stage) {
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      stage.dense_parameters += layers[placed.plan].dense_parameters;
      stage.expert_parameters += layers[placed.plan].expert_parameters;
      stage.narrow_dense += layers[placed.plan].narrow_dense;
      stage.narrow_expert += layers[placed.plan].narrow_expert;
    }
  }
  stage.resident = resident_memory(stage, input);
  if (input.strategy.offloads("optimizer")) {
    constexpr auto optimizer = static_cast<std::size_t>(MemoryCategory::optimizer);
    std::swap(stage.optimizer_on_host, stage.resident[optimizer]);
  }
}

/// Key and value cache of the layers of a stage: every token of the context, of the rank's own
/// heads.
double cache_bytes(const StagePlan& stage, const PlanInput& input) {
  const Attention& a = input.model.attention;
  const auto heads = static_cast<double>(a.kv_heads) /
                     static_cast<double>(std::min(input.strategy.tp, a.kv_heads));
  const double per_token = a.kind == AttentionKind::mla
                               ? static_cast<double>(a.kv_lora_rank + a.qk_rope_head_dim)
                               : heads * static_cast<double>(a.qk_dim() + a.v_dim());
  const auto sequences =
      static_cast<double>(input.job.global_batch) / static_cast<double>(input.strategy.dp);
  // Pages of a whole number of blocks.
  const auto block = static_cast<double>(input.software.kv_block_tokens);
  const double context =
      std::ceil(static_cast<double>(input.job.context_length + 1) / block) * block;
  double bytes = 0.0;
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& placed : chunk.layers) {
      if (placed.number == none_16) continue;
      const bool windowed = input.model.has_window(placed.number);
      const double kept = windowed ? std::min(context, static_cast<double>(a.window)) : context;
      bytes += per_token * kept * sequences * activation_element_bytes(input.job);
    }
  }
  return bytes / static_cast<double>(input.strategy.cp);
}

/// Bytes of optimizer state per parameter: Adam's two moments, and the master copy if there is one.
double optimizer_bytes(const Job& job) {
  const double master = job.master_weights ? bytes_per_element(NumberType::fp32) : 0.0;
  switch (job.optimizer) {
    case Optimizer::none:
      return 0.0;
    case Optimizer::sgd:
      return master + bytes_per_element(job.optimizer_state_type);
    case Optimizer::adam:
      return master + 2.0 * bytes_per_element(job.optimizer_state_type);
  }
  return 0.0;
}

/// Over how many replicas ZeRO divides a kind of state that it divides from `level` on.
double divided_from(std::int64_t level, const Strategy& strategy, double replicas) {
  return strategy.zero >= level ? replicas : 1.0;
}

/// What the copies of weights in 8 or 4 bits take that a stack keeps over a step, beside the
/// parameters or, with fp8_param_gather, in their place. Stacks that cast before every product keep
/// none, nor do ranks that hold a share of the parameters.
Bytes narrow_copies(const StagePlan& stage, const PlanInput& input) {
  const Job& job = input.job;
  const bool kept = input.software.types.fp8_weights_cached && input.strategy.zero < 3;
  const bool casts = job.trains() && !input.software.fuses("quantization");
  if (!kept || !casts || !job.low_precision.casts()) return Bytes(0);
  const double instead =
      job.low_precision.param_gather ? bytes_per_element(job.parameter_type) : 0.0;
  const double per_parameter = cached_bytes(job.low_precision, job.precision) - instead;
  return Bytes(std::llround(per_parameter * (stage.narrow_dense + stage.narrow_expert)));
}

/// Forwards and backwards run together where one has exchanges with experts to hide for the other.
Pairing pairing_of(const PlanInput& input) {
  const Strategy& s = input.strategy;
  // Units of ZeRO 2 and 3 are gathered and given up for one pass after the other.
  const bool alone = !input.job.trains() || s.zero >= 2;
  const bool pairs = !alone && input.model.experts && s.ep > 1 && s.overlaps("experts");
  return pairs ? Pairing::with_next : Pairing::alone;
}

std::size_t slot_of(MemoryCategory category) { return static_cast<std::size_t>(category); }

Bytes rounded(double bytes) { return Bytes(std::llround(bytes)); }

/// Tokens of a micro-batch on a rank of its context group.
double micro_batch_rows(const PlanInput& input) {
  return static_cast<double>(input.job.micro_batch * input.job.tokens_per_sequence()) /
         static_cast<double>(input.strategy.cp);
}

/// Overlap of tensor-parallel exchanges keeps a registered buffer for each of the ten tensors that
/// a transformer layer gathers (six) or sums up (four), shared by all layers (Transformer Engine,
/// initialize_ub).
Bytes registered_buffers(const PlanInput& input) {
  const Strategy& s = input.strategy;
  if (s.tp == 1 || !s.sp || !s.overlaps("tensor")) return Bytes(0);
  const double elements = micro_batch_rows(input) * static_cast<double>(input.model.hidden);
  const double summed = activation_element_bytes(input.job);
  const double gathered = std::min(summed, bytes_per_element(input.job.precision));
  return rounded(elements * (6.0 * gathered + 4.0 * summed));
}

}  // namespace

std::vector<StageShare> shares_of_virtual_stages(const Model& model, const Strategy& strategy) {
  if (!strategy.layout.empty()) return strategy.layout;
  const std::int64_t stages = strategy.pp * strategy.vpp;
  std::vector<StageShare> shares(static_cast<std::size_t>(stages));
  const std::int64_t most = (model.layers + stages - 1) / stages;
  const std::int64_t missing = most * stages - model.layers;
  for (std::int64_t i = 0; i < stages; ++i) {
    const bool lacks_all = missing < most && i + 1 == stages;
    const bool lacks_one = missing >= most && i >= stages - missing;
    shares[static_cast<std::size_t>(i)].layers = most - (lacks_all ? missing : lacks_one ? 1 : 0);
  }
  const std::size_t given = std::min(strategy.stage_layers.size(), shares.size());
  for (std::size_t i = 0; i < given; ++i) shares[i].layers = strategy.stage_layers[i];
  shares.front().embedding = true;
  shares.back().loss = true;
  shares.back().mtp_layers = model.mtp_layers;
  return shares;
}

std::vector<std::int64_t> layers_per_virtual_stage(const Model& model, const Strategy& strategy) {
  std::vector<std::int64_t> layers;
  for (const StageShare& share : shares_of_virtual_stages(model, strategy)) {
    layers.push_back(share.layers);
  }
  return layers;
}

const LayerLoad* load_of(const Plan& plan, const PlacedLayer& layer) {
  if (plan.loads.empty() || layer.number == none_16) return nullptr;
  const LayerLoad& load = plan.loads[layer.number];
  return load.ranks == 0 ? nullptr : &load;
}

LayerPlan layer_on(const Plan& plan, const PlacedLayer& layer, std::int64_t expert_rank) {
  const LayerLoad* const load = load_of(plan, layer);
  const LayerPlan& even = plan.layers[layer.plan];
  if (load == nullptr) return even;
  const PlanInput input{plan.model, plan.software, plan.job, plan.strategy};
  return plan_layer(even.name, layer_ops(layer_input(input, layer.number)), even.recomputable,
                    input, {load, expert_rank});
}

std::vector<std::int64_t> alike_expert_ranks(const Plan& plan, const StagePlan& stage) {
  std::vector<const LayerLoad*> loads;
  for (const ChunkPlan& chunk : stage.chunks) {
    for (const PlacedLayer& layer : chunk.layers) {
      if (const LayerLoad* load = load_of(plan, layer)) loads.push_back(load);
    }
  }
  if (loads.empty()) return {0};
  std::map<std::vector<std::int64_t>, std::int64_t> first;
  std::vector<std::int64_t> alike;
  for (std::int64_t rank = 0; rank < plan.strategy.ep; ++rank) {
    std::vector<std::int64_t> rows;
    for (const LayerLoad* load : loads) {
      const auto own = load->rows_of(rank);
      rows.insert(rows.end(), own.begin(), own.end());
    }
    alike.push_back(first.try_emplace(std::move(rows), rank).first->second);
  }
  return alike;
}

BytesByCategory resident_memory(const StagePlan& stage, const PlanInput& input) {
  const Strategy& s = input.strategy;
  const Job& job = input.job;
  BytesByCategory held{};
  const auto dense_replicas = static_cast<double>(s.dense_shards());
  const auto expert_replicas = static_cast<double>(s.expert_shards());
  const auto bytes = [&](std::int64_t level, double per_parameter) {
    return rounded(per_parameter *
                   (stage.dense_parameters / divided_from(level, s, dense_replicas) +
                    stage.expert_parameters / divided_from(level, s, expert_replicas)));
  };
  held[slot_of(MemoryCategory::parameters)] =
      bytes(3, bytes_per_element(job.parameter_type)) + narrow_copies(stage, input);
  if (job.trains()) {
    held[slot_of(MemoryCategory::gradients)] = bytes(2, bytes_per_element(job.gradient_type));
    held[slot_of(MemoryCategory::optimizer)] = bytes(1, optimizer_bytes(job));
  }
  if (job.kind == JobKind::decode) {
    held[slot_of(MemoryCategory::kv_cache)] = rounded(cache_bytes(stage, input));
  }
  held[slot_of(MemoryCategory::overhead)] = input.software.overhead;
  std::int64_t communicators = 0;
  for (const std::int64_t degree : {s.tp, s.cp, s.ep, s.etp, s.dp, s.pp}) {
    communicators += degree > 1 ? 1 : 0;
  }
  held[slot_of(MemoryCategory::communication)] =
      input.software.communication_buffers * communicators + registered_buffers(input);
  return held;
}

std::int64_t Plan::micro_batches_of(RankId rank) const {
  if (!strategy.has_uneven_batches()) return micro_batches;
  return strategy.batch_of_replica(mesh.at(rank).dp, job.global_batch) / job.micro_batch;
}

Plan make_plan(const PlanInput& input) {
  const Strategy& s = input.strategy;
  const std::int64_t per_step = s.largest_batch(input.job.global_batch) / input.job.micro_batch;
  Plan plan{.model = input.model,
            .software = input.software,
            .job = input.job,
            .strategy = s,
            .mesh = Mesh(s),
            .micro_batches = per_step,
            .schedule = find_schedule(s.schedule),
            .pipeline = {s.pp, s.vpp, per_step, pairing_of(input)},
            .layers = {},
            .loads = {},
            .stages = {},
            .boundary_bytes = {},
            .model_flops = model_flops(input.model, input.job, MfuConvention::full),
            .gpu_of_rank = {}};
  CHECK(plan.schedule != nullptr, s.schedule);
  if (input.model.experts) {
    plan.loads = expert_loads({input.model, s, input.job, {}}, expert_copies(input));
  }
  place_layers(input, plan);
  for (StagePlan& stage : plan.stages) count_stage(input, plan.layers, stage);
  plan.boundary_bytes = plan.layers.front().boundary;
  plan.gpu_of_rank = place(plan.mesh);
  return plan;
}

}  // namespace orrery
