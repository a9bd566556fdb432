#include "engine/engine.hpp"

#include "base/check.hpp"
#include "base/event_queue.hpp"
#include "engine/books.hpp"
#include "engine/cursor.hpp"
#include "engine/rendezvous.hpp"
#include "memory/pool.hpp"

#include <algorithm>
#include <bit>
#include <utility>

namespace orrery {
namespace {

using Progress = Rendezvous::Progress;

class Engine {
 public:
  Engine(const Program& program, Network& network, TimelineSink& sink,
         const EngineOptions& options);
  RunResult run();

 private:
  void place_cursors();
  void place_pools(const AllocatorModel& model);
  void sample_resident(std::uint32_t rank_class);
  void settle();
  bool step();
  Instant advance_network(Instant limit);
  void report_rates();
  void forget_void_events();
  bool is_void(LaneRef ref, std::uint64_t event) const { return lane_of(ref).event != event; }

  void run_lane(LaneRef ref);
  bool waits_met(ClassCursor& rank, LaneRef ref);
  void note_begin(ClassCursor& rank, LaneRef ref);
  bool begin_task(ClassCursor& rank, LaneRef ref);
  void change_memory(ClassCursor& rank, LaneRef ref, const FlatAction& step);
  static void change_pool(MemoryPool& pool, const LaneCursor& lane, const FlatAction& step);
  bool compute(ClassCursor& rank, LaneRef ref, const FlatAction& step);
  void join(ClassCursor& rank, LaneRef ref, const FlatAction& step);

  void end_computation(LaneRef ref);
  void end_operation(GroupId group);
  void end_task(LaneRef ref, Instant since, Component component);
  void end_instantly(ClassCursor& rank, LaneRef ref);
  void step_past(ClassCursor& rank, LaneRef ref);

  void hold_shares(GroupId group);
  void give_back_shares(GroupId group);
  void note_company(LaneRef ref);
  void place_kernels();
  void place_kernels(std::uint32_t rank_class);
  void place_kernel(ClassCursor& rank, LaneRef ref, bool alone);

  RunResult close();
  void add_flops(RunResult& result) const;

  ClassCursor& rank_of(LaneRef ref) { return classes_[id_at<ClassId>(ref.rank_class)]; }
  LaneCursor& lane_of(LaneRef ref) { return rank_of(ref).lanes[ref.lane]; }
  const LaneCursor& lane_of(LaneRef ref) const {
    return classes_[id_at<ClassId>(ref.rank_class)].lanes[ref.lane];
  }
  const FlatAction& step_of(const LaneCursor& lane) const {
    return steps_[lane.tasks[lane.position].kind];
  }
  void schedule_end(LaneCursor& lane, LaneRef ref, Instant at) {
    lane.event = ++events_;
    queue_.push({.at = at, .sequence = lane.event, .payload = ref});
  }
  static std::uint32_t bit_of(std::size_t lane) { return std::uint32_t{1} << lane; }

  const Program& program_;
  Network& network_;
  TimelineSink& sink_;
  SharedGpus gpus_;
  Instant now_ = simulation_start;
  Instant end_ = simulation_start;  ///< of the last task
  std::uint64_t events_ = 0;
  bool keeps_capacities_;
  bool rates_due_ = false;  ///< transfers ended, and the network has not been asked since
  IdVector<KindId, FlatAction> steps_;
  IdVector<ClassId, ClassCursor> classes_;
  std::vector<MemoryPool> pools_;  ///< by class, where an allocator is simulated
  Rendezvous rendezvous_;
  EventQueue<LaneRef> queue_;
  std::vector<LaneRef> ready_;  ///< lanes whose next task may be able to begin
  std::vector<std::uint32_t> completed_;
  std::vector<std::uint32_t> company_changes_;  ///< classes, in this instant
  IdVector<ResourceId, double> peak_rates_;
};

Engine::Engine(const Program& program, Network& network, TimelineSink& sink,
               const EngineOptions& options)
    : program_(program),
      network_(network),
      sink_(sink),
      gpus_(program, network, options.interference),
      keeps_capacities_(network.keeps_capacities()),
      classes_(program.classes.size()),
      rendezvous_(program, network, gpus_),
      peak_rates_(program.resources.size()) {
  for (const Kind& kind : program.kinds) steps_.push_back(flatten(kind));
  place_cursors();
  if (options.allocator != nullptr) place_pools(*options.allocator);
}

void Engine::place_cursors() {
  for (std::size_t c = 0; c < classes_.size(); ++c) {
    ClassCursor& rank = classes_[id_at<ClassId>(c)];
    rank.rank_class = &program_.classes[id_at<ClassId>(c)];
    const Script& script = program_.scripts[rank.rank_class->script];
    CHECK(script.lanes.size() <= max_lanes, script.name, script.lanes.size());
    rank.waits = script.waits.data();
    rank.ledger = MemoryLedger(script.resident);
    rank.book = TimeBook(script.lanes.size());
    for (const Lane& lane : script.lanes) {
      rank.lanes.push_back({.tasks = lane.tasks.data(),
                            .task_count = static_cast<std::uint32_t>(lane.tasks.size())});
    }
  }
}

void Engine::place_pools(const AllocatorModel& model) {
  for (const ClassCursor& rank : classes_) {
    const Script& script = program_.scripts[rank.rank_class->script];
    pools_.emplace_back(model, script.resident, script.memory_capacity);
  }
}

RunResult Engine::run() {
  for (std::uint32_t c = 0; c < classes_.size(); ++c) {
    sample_resident(c);
    const auto lanes = static_cast<std::uint16_t>(classes_[id_at<ClassId>(c)].lanes.size());
    for (std::uint16_t lane = 0; lane < lanes; ++lane) {
      ready_.push_back({.rank_class = c, .lane = lane});
    }
  }
  settle();
  while (step()) settle();
  return close();
}

void Engine::sample_resident(std::uint32_t rank_class) {
  const auto id = id_at<ClassId>(rank_class);
  for (std::size_t category = 0; category < memory_category_count; ++category) {
    const Bytes bytes = classes_[id].ledger.held()[category];
    if (bytes == Bytes(0)) continue;
    sink_.add(MemorySample{.at = now_,
                           .rank_class = id,
                           .category = static_cast<MemoryCategory>(category),
                           .bytes = bytes});
  }
}

/// Begins everything that can begin now, to a fixed point.
void Engine::settle() {
  while (!ready_.empty()) {
    const LaneRef ref = ready_.back();
    ready_.pop_back();
    run_lane(ref);
  }
  if (!company_changes_.empty()) place_kernels();
}

/// Moves to the next instant at which something ends and ends it; false when nothing is left to
/// end.
bool Engine::step() {
  forget_void_events();
  completed_.clear();
  const bool flying = rendezvous_.transfers_out() + gpus_.inside() > 0;
  if (queue_.empty() && !flying) {
    if (rates_due_) advance_network(now_);
    return false;
  }
  const Instant limit = queue_.empty() ? end_of_time : queue_.top().at;
  now_ = flying || rates_due_ ? advance_network(limit) : limit;
  while (!queue_.empty() && queue_.top().at == now_) {
    const auto event = queue_.pop();
    if (!is_void(event.payload, event.sequence)) end_computation(event.payload);
  }
  for (const std::uint32_t owner : completed_) {
    if (gpus_.owns(owner)) {
      end_computation(gpus_.lane_of(owner));
      continue;
    }
    const auto group = id_at<GroupId>(owner);
    if (rendezvous_.transfer_ended(group, now_) == Progress::over) {
      give_back_shares(group);
      end_operation(group);
    }
  }
  return true;
}

Instant Engine::advance_network(Instant limit) {
  const Instant reached = network_.advance(limit, completed_);
  rates_due_ = !completed_.empty();
  report_rates();
  return reached;
}

void Engine::report_rates() {
  for (const RateChange& change : network_.take_rate_changes()) {
    if (index_of(change.resource) >= peak_rates_.size()) continue;  // inside a GPU
    if (keeps_capacities_) check_rate(program_.resources[change.resource], change.bytes_per_second);
    double& peak = peak_rates_[change.resource];
    peak = std::max(peak, change.bytes_per_second);
    sink_.add(LinkSample{
        .at = change.at, .resource = change.resource, .bytes_per_second = change.bytes_per_second});
  }
}

void Engine::forget_void_events() {
  while (!queue_.empty() && is_void(queue_.top().payload, queue_.top().sequence)) queue_.pop();
}

/// Begins the tasks of an idle lane until one takes time or must wait.
void Engine::run_lane(LaneRef ref) {
  ClassCursor& rank = rank_of(ref);
  const LaneCursor& lane = rank.lanes[ref.lane];
  while (lane.position < lane.task_count) {
    if (!waits_met(rank, ref)) return;
    note_begin(rank, ref);
    if (begin_task(rank, ref)) return;
  }
}

bool Engine::waits_met(ClassCursor& rank, LaneRef ref) {
  LaneCursor& lane = rank.lanes[ref.lane];
  const Task& task = lane.tasks[lane.position];
  for (; lane.waits_met < task.wait_count; ++lane.waits_met) {
    const Wait& wait = rank.waits[task.first_wait + lane.waits_met];
    LaneCursor& other = rank.lanes[wait.lane];
    if (other.position > wait.position) continue;
    other.waiters |= bit_of(ref.lane);
    lane.wanted = wait.position;
    lane.blocked = true;
    return false;
  }
  return true;
}

void Engine::note_begin(ClassCursor& rank, LaneRef ref) {
  LaneCursor& lane = rank.lanes[ref.lane];
  lane.begin = now_;
  if (std::exchange(lane.blocked, false)) {
    const Task& task = lane.tasks[lane.position];
    lane.cause = rank.book.released_by({rank.waits + task.first_wait, task.wait_count}, now_);
    if (ref.lane == 0 && rank.book.booked() < now_) rank.book.add_idle(now_, lane.cause);
  } else {
    lane.cause = {.position = lane.position - 1, .lane = ref.lane};
  }
}

/// True when the task takes time, or the lane will be called again.
bool Engine::begin_task(ClassCursor& rank, LaneRef ref) {
  const FlatAction& step = step_of(rank.lanes[ref.lane]);
  switch (step.verb) {
    case ActionKind::compute:
      return compute(rank, ref, step);
    case ActionKind::communicate:
      join(rank, ref, step);
      return true;
    case ActionKind::allocate:
    case ActionKind::release:
      change_memory(rank, ref, step);
      return false;
  }
  return true;
}

void Engine::change_memory(ClassCursor& rank, LaneRef ref, const FlatAction& step) {
  const Bytes bytes(step.amount);
  const std::uint32_t position = rank.lanes[ref.lane].position;
  const Bytes held =
      step.verb == ActionKind::allocate
          ? rank.ledger.allocate(step.category, bytes,
                                 {.at = now_, .lane = ref.lane, .position = position})
          : rank.ledger.release(step.category, bytes);
  sink_.add(MemorySample{.at = now_,
                         .rank_class = id_at<ClassId>(ref.rank_class),
                         .category = step.category,
                         .bytes = held});
  if (!pools_.empty()) change_pool(pools_[ref.rank_class], rank.lanes[ref.lane], step);
  end_instantly(rank, ref);
}

void Engine::change_pool(MemoryPool& pool, const LaneCursor& lane, const FlatAction& step) {
  const Task& task = lane.tasks[lane.position];
  if (step.verb == ActionKind::allocate) {
    pool.allocate(step.category, Bytes(step.amount), task);
  } else {
    pool.release(step.category, Bytes(step.amount), task);
  }
}

bool Engine::compute(ClassCursor& rank, LaneRef ref, const FlatAction& step) {
  const Duration alone = lengthen(Duration{step.amount}, rank.rank_class->slowdown);
  LaneCursor& lane = rank.lanes[ref.lane];
  if (alone == Duration{0}) {
    sink_.add(Span{.begin = now_,
                   .rank_class = id_at<ClassId>(ref.rank_class),
                   .lane = ref.lane,
                   .position = lane.position});
    end_instantly(rank, ref);
    return false;
  }
  if (!gpus_.any() || step.shares.nothing()) {
    schedule_end(lane, ref, now_ + alone);
    return true;
  }
  const bool company = rank.kernels != 0 || gpus_.felt(ref.rank_class);
  rank.kernels |= bit_of(ref.lane);
  if (company) {
    note_company(ref);  // which decides when all has begun that begins now
  } else {
    schedule_end(lane, ref, now_ + alone);
  }
  return true;
}

void Engine::join(ClassCursor& rank, LaneRef ref, const FlatAction& step) {
  const GroupId group = rank.rank_class->groups[step.slot];
  const Progress progress = rendezvous_.join(group, step.plan, ref, now_);
  if (progress == Progress::moving) hold_shares(group);
  if (progress == Progress::over) end_operation(group);
}

void Engine::end_computation(LaneRef ref) {
  ClassCursor& rank = rank_of(ref);
  LaneCursor& lane = rank.lanes[ref.lane];
  rank.kernels &= ~bit_of(ref.lane);
  if (std::exchange(lane.shared, false)) gpus_.leave();
  if (ref.lane == 0) rank.book.add_busy(now_ - lane.begin);
  lane.event = 0;
  end_task(ref, lane.begin, step_of(lane).component);
}

void Engine::end_operation(GroupId group) {
  const Component component = rendezvous_.plan(group).component;
  for (const LaneRef ref : rendezvous_.joined(group)) {
    end_task(ref, rendezvous_.begin(group), component);
  }
  rendezvous_.close(group);
}

/// A task that took time is over; since `since` it got ahead, before that it waited for others.
void Engine::end_task(LaneRef ref, Instant since, Component component) {
  ClassCursor& rank = rank_of(ref);
  LaneCursor& lane = rank.lanes[ref.lane];
  sink_.add(Span{.begin = lane.begin,
                 .duration = now_ - lane.begin,
                 .waited = since - lane.begin,
                 .rank_class = id_at<ClassId>(ref.rank_class),
                 .lane = ref.lane,
                 .position = lane.position});
  if (ref.lane == 0) {
    if (since > lane.begin) rank.book.add_waiting(since);
    rank.book.add_work(now_, component);
  } else {
    rank.book.remember(ref.lane, {.begin = lane.begin,
                                  .since = since,
                                  .until = now_,
                                  .cause = lane.cause,
                                  .position = lane.position,
                                  .component = component});
  }
  step_past(rank, ref);
  if (ref.lane == 0 && lane.position == lane.task_count) rank.book.retire();
  ready_.push_back(ref);
}

/// A task that takes no time passes on what it was held up by.
void Engine::end_instantly(ClassCursor& rank, LaneRef ref) {
  LaneCursor& lane = rank.lanes[ref.lane];
  if (ref.lane != 0 && lane.cause.lane != ref.lane) {
    rank.book.remember(ref.lane, {.begin = now_,
                                  .since = now_,
                                  .until = now_,
                                  .cause = lane.cause,
                                  .position = lane.position});
  }
  step_past(rank, ref);
}

void Engine::step_past(ClassCursor& rank, LaneRef ref) {
  LaneCursor& lane = rank.lanes[ref.lane];
  end_ = now_;
  ++lane.position;
  lane.waits_met = 0;
  for (std::uint32_t waiters = lane.waiters; waiters != 0; waiters &= waiters - 1) {
    const auto other = static_cast<std::uint16_t>(std::countr_zero(waiters));
    if (rank.lanes[other].wanted >= lane.position) continue;
    lane.waiters &= ~bit_of(other);
    ready_.push_back({.rank_class = ref.rank_class, .lane = other});
  }
}

void Engine::hold_shares(GroupId group) {
  const TransferPlan& plan = rendezvous_.plan(group);
  if (!gpus_.is_felt(group, plan)) return;
  for (const LaneRef ref : rendezvous_.joined(group)) {
    gpus_.hold(ref.rank_class, plan);
    if (rank_of(ref).kernels != 0) note_company(ref);
  }
}

void Engine::give_back_shares(GroupId group) {
  const TransferPlan& plan = rendezvous_.plan(group);
  if (!gpus_.is_felt(group, plan)) return;
  for (const LaneRef ref : rendezvous_.joined(group)) gpus_.give_back(ref.rank_class, plan);
}

void Engine::note_company(LaneRef ref) {
  if (std::exchange(rank_of(ref).company_changed, true)) return;
  company_changes_.push_back(ref.rank_class);
}

/// Once all has begun and ended: what came and went in between was no company.
void Engine::place_kernels() {
  for (const std::uint32_t c : company_changes_) place_kernels(c);
  company_changes_.clear();
}

void Engine::place_kernels(std::uint32_t rank_class) {
  ClassCursor& rank = classes_[id_at<ClassId>(rank_class)];
  rank.company_changed = false;
  const bool alone = std::has_single_bit(rank.kernels) && !gpus_.felt(rank_class);
  for (unsigned kernels = rank.kernels; kernels != 0; kernels &= kernels - 1) {
    const auto lane = static_cast<std::uint16_t>(std::countr_zero(kernels));
    place_kernel(rank, {.rank_class = rank_class, .lane = lane}, alone);
  }
}

/// The short way for a kernel that is alone, the network for one that is not; from there none
/// returns.
void Engine::place_kernel(ClassCursor& rank, LaneRef ref, bool alone) {
  LaneCursor& lane = rank.lanes[ref.lane];
  const bool scheduled = lane.event != 0;
  if (lane.shared || (alone && scheduled)) return;
  const FlatAction& step = step_of(lane);
  const Instant end = lane.begin + lengthen(Duration{step.amount}, rank.rank_class->slowdown);
  if (alone) return schedule_end(lane, ref, end);
  lane.event = 0;
  lane.shared = true;
  gpus_.enter(ref, step.shares, end - now_, now_);
}

RunResult Engine::close() {
  check_finished(program_, classes_, rendezvous_);
  const auto bytes = bytes_by_plan(program_, rendezvous_, gpus_);
  const std::vector<double> crossed = network_.bytes_crossed();
  check_bytes(program_, bytes, crossed);
  if (keeps_capacities_) check_capacities(program_, crossed, end_);
  RunResult result{
      .end = end_, .task_events = task_count(program_), .network_events = rendezvous_.transfers()};
  for (ClassCursor& rank : classes_) {
    result.time.push_back(rank.book.close(end_));
    const std::size_t c = result.memory.size();
    result.memory.push_back(rank.ledger.peak());
    MemoryPeak& peak = result.memory[id_at<ClassId>(c)];
    peak.reserved = pools_.empty() ? peak.bytes : pools_[c].reserved_peak();
  }
  result.shared_kernels = gpus_.entered();
  for (std::size_t r = 0; r < program_.resources.size(); ++r) {
    const auto id = id_at<ResourceId>(r);
    result.resources.push_back({.bytes = bytes[id], .peak_rate = peak_rates_[id]});
  }
  add_flops(result);
  return result;
}

/// Every task ran once, so what a script's tasks do is what each rank of its classes did.
void Engine::add_flops(RunResult& result) const {
  IdVector<ScriptId, TimeUse> by_script;
  for (const Script& script : program_.scripts) {
    TimeUse use;
    for (const Lane& lane : script.lanes) {
      for (const Task& task : lane.tasks) {
        const Kind& kind = program_.kinds[task.kind];
        (kind.recomputed ? use.recomputed_flops : use.flops) += kind.flops;
      }
    }
    by_script.push_back(use);
  }
  for (std::size_t c = 0; c < result.time.size(); ++c) {
    const auto id = id_at<ClassId>(c);
    const TimeUse& use = by_script[program_.classes[id].script];
    result.time[id].flops = use.flops;
    result.time[id].recomputed_flops = use.recomputed_flops;
  }
}

}  // namespace

RunResult execute(const Program& program, Network& network, TimelineSink& sink,
                  const EngineOptions& options) {
  return Engine(program, network, sink, options).run();
}

}  // namespace orrery
