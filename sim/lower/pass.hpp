// One micro-batch's pass through a chunk of layers, as tasks on the lanes of its stage's script.
//
// A pass is a list of small parts (an exchange, the kernels of an op) that are stamped out in
// order. Alone it is finished at once. Two passes that run together, a forward and a backward of
// different micro-batches, are advanced in turn, each as far as its next exchange with experts:
// that travels while the other computes, and is waited for when its own pass has its turn again
// (DeepSeek-V3 Technical Report, section 3.2.1; Megatron-Core, overlap_moe_expert_parallel_comm).
// With `delay_wgrad` the weight gradients of a backward come after the next such exchange has been
// queued, so that they run beside it.
//
// A backward in two halves: the input gradient rebuilds what is recomputed, keeps the operands of
// the weight gradients (LayerPlan::until_weights) and gives back the rest; the weight gradient
// gathers what it alone needs, one op ahead, and gives back what was kept.
#pragma once

#include "lower/host_transfers.hpp"
#include "lower/layer_template.hpp"
#include "lower/replicas.hpp"
#include "lower/sharded_units.hpp"

#include <deque>
#include <map>
#include <utility>
#include <vector>

namespace orrery {

/// By plan of the layer and, where its experts have a load of their own, by its number.
using TemplateKey = std::pair<std::size_t, std::uint16_t>;
using LayerTemplates = std::map<TemplateKey, LayerTemplate>;
TemplateKey template_key(const Plan& plan, const PlacedLayer& layer);

struct PassTools {
  StageTools& stage;
  Replicas& replicas;
  ShardedUnits& units;
  OffloadedActivations& offloaded;
  const LayerTemplates& templates;
};

struct PassPlan {
  Step step;
  const ChunkPlan& chunk;
  bool completes_gradients = false;  ///< the last backward of the chunk
  bool runs_beside = false;          ///< together with another pass
};

class Pass {
 public:
  /// `pending`: what its first computation must wait for.
  Pass(const PassTools& tools, const PassPlan& plan, const WaitSet& pending);

  bool is_done() const { return next_ == parts_.size(); }
  /// Runs up to and with its next exchange with experts, or to its end.
  void advance();
  void finish();

  void hold(Bytes bytes);
  void give_back(Bytes bytes);

  const Step& step() const { return plan_.step; }
  const ChunkPlan& chunk() const { return plan_.chunk; }
  /// What its next computation must wait for; after its end, what comes after it.
  const WaitSet& pending() const { return pending_; }
  void wait_for(TaskPlace place) { pending_.add(place); }
  /// Its last task on the compute lane so far, or the one before it began.
  TaskPlace last() const { return last_; }

 private:
  /// A part: what is done, of which layer (by its index in the chunk) and op.
  struct Part {
    void (Pass::*run)(const Part& part);
    std::size_t layer = 0;
    const OpStamp* op = nullptr;
    bool travels = false;  ///< it ends with an exchange with experts
  };
  struct WeightGradient {
    const OpStamp* op;
    std::uint16_t layer;
    WaitSet gathered;
  };

  void plan_forward();
  void plan_backward();
  void plan_backward_op(std::size_t layer, const OpStamp& op);
  void plan_weights();
  void plan_rebuild(std::size_t layer, std::size_t begin, std::size_t end);
  void add(void (Pass::*run)(const Part&), std::size_t layer, const OpStamp* op, bool travels);
  bool travels(const std::vector<ExchangeStamp>& stamps) const;

  void enter_forward(const Part& part);
  void leave_forward(const Part& part);
  void gather_input(const Part& part);
  void run_forward(const Part& part);
  void run_again(const Part& part);
  void enter_backward(const Part& part);
  void leave_backward(const Part& part);
  void gather_gradient(const Part& part);
  void run_input_gradient(const Part& part);
  void run_weight_gradient(const Part& part);
  void gather_operand(const Part& part);
  void run_gathered(const Part& part);

  void forward_op(const OpStamp& op, const std::vector<KindId>& kernels);
  bool is_first() const;
  void run_kernels(const RingStamp& ring, const std::vector<KindId>& kernels);
  TaskPlace pass_on(const RingStamp& ring, const RingStepStamp& step);
  void run_weights(const WeightGradient& weights);
  void run_delayed();
  void compute(KindId kind);
  void compute_all(const std::vector<KindId>& kinds);
  TaskPlace exchange(const ExchangeStamp& stamp);
  WaitSet exchange_beside(const std::vector<ExchangeStamp>& stamps);

  void enter_unit(std::size_t layer);
  void leave_unit(std::size_t layer);
  LayerPass over(std::size_t layer) const {
    return {plan_.step.kind, plan_.step.chunk, layer, plan_.completes_gradients};
  }
  const LayerTemplate& layer_template(std::size_t layer) const;
  bool is_half(StepKind half) const { return plan_.step.kind == half; }

  PassTools tools_;
  PassPlan plan_;
  std::vector<Part> parts_;
  std::size_t next_ = 0;
  TaskOptions options_;  ///< micro-batch, layer and chunk of what is stamped
  WaitSet pending_;
  TaskPlace last_;
  WaitSet gradients_;  ///< in backward: what both gradients of the op at hand wait for
  WaitSet operand_;    ///< in backward: what its weight gradient alone waits for
  WaitSet sent_;       ///< in backward: what the op before it waits for
  std::deque<WeightGradient> weights_;  ///< gathered or delayed, not yet run
  Bytes owed_;                          ///< to be given back after delayed weight gradients
  bool delays_ = false;
};

/// Both passes, the backward first, in turn from one exchange with experts to the next.
void run_together(Pass& forward, Pass& backward);

}  // namespace orrery
