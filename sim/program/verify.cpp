#include "program/verify.hpp"

#include "base/limits.hpp"
#include "program/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <variant>

namespace orrery {

namespace {

/// Sentences after which looking on helps nobody.
constexpr std::size_t enough_findings = 100;

/// How a script uses one of its slots: from which lane, and which plans in which order.
struct SlotUse {
  std::optional<std::size_t> lane{};
  std::vector<std::uint16_t> plans{};
};

/// Of one task or one category: a petabyte. Keeps the sums of the dry run inside 63 bits.
constexpr Bytes most_bytes{std::int64_t{1} << 50};

bool is_amount(double value) { return value >= 0.0 && std::isfinite(value); }
bool is_byte_count(Bytes bytes) { return bytes >= Bytes(0) && bytes <= most_bytes; }
bool is_share(float value) { return value >= 0.0F && value <= 1.0F; }

class Verifier {
 public:
  explicit Verifier(const Program& program) : program_(program) {}

  /// From the most fundamental to the subtlest; each stage relies on the ones before.
  std::vector<std::string> findings() && {
    values();
    references();
    if (!findings_.empty()) return std::move(findings_);
    tasks();
    if (!findings_.empty()) return std::move(findings_);
    counts();
    memory();
    slots();
    operations();
    if (!findings_.empty()) return std::move(findings_);
    return dry_run(program_);
  }

 private:
  template <typename... Values>
  void require(bool holds, fmt::format_string<Values...> format, Values&&... values) {
    if (holds || findings_.size() >= enough_findings) return;
    findings_.push_back(fmt::format(format, std::forward<Values>(values)...));
  }

  // --- numbers that mean something -----------------------------------------------------------

  void values() {
    for (std::size_t i = 0; i < program_.kinds.size(); ++i) kind(i);
    for (std::size_t i = 0; i < program_.plans.size(); ++i) plan(i);
    for (std::size_t i = 0; i < program_.patterns.size(); ++i) pattern(i);
    for (std::size_t i = 0; i < program_.resources.size(); ++i) {
      const Resource& resource = program_.resources[id_at<ResourceId>(i)];
      const double capacity = resource.capacity.value();
      require(is_amount(capacity) && capacity > 0.0, "resource r{} has a capacity of {} B/s", i,
              capacity);
    }
    for (std::size_t i = 0; i < program_.scripts.size(); ++i) {
      const Script& script = program_.scripts[id_at<ScriptId>(i)];
      require(script.lanes.size() <= max_lanes, "script s{} has {} lanes, more than {}", i,
              script.lanes.size(), max_lanes);
      const bool holds = std::ranges::all_of(script.resident, is_byte_count);
      require(holds, "script s{} holds fewer than no or more than 2^50 bytes", i);
      const double bandwidth = script.memory_bandwidth.value();
      require(is_amount(bandwidth), "script s{} has a bandwidth of {} B/s", i, bandwidth);
    }
    for (std::size_t i = 0; i < program_.classes.size(); ++i) {
      const double slowdown = program_.classes[id_at<ClassId>(i)].slowdown;
      require(is_amount(slowdown) && slowdown > 0.0, "class c{} has a slowdown of {}", i, slowdown);
    }
  }

  void kind(std::size_t i) {
    const Kind& kind = program_.kinds[id_at<KindId>(i)];
    require(is_amount(kind.flops), "kind k{} '{}' has {} flops", i, kind.name, kind.flops);
    if (const auto* compute = std::get_if<Compute>(&kind.action)) {
      require(compute->duration >= Duration{0}, "kind k{} '{}' takes negative time", i, kind.name);
      require(is_share(compute->sm) && is_share(compute->memory),
              "kind k{} '{}' uses a share outside of 0 to 1", i, kind.name);
    }
    require(is_byte_count(bytes_of(kind.action)),
            "kind k{} '{}' has fewer than no or more than 2^50 bytes", i, kind.name);
  }

  static Bytes bytes_of(const Action& action) {
    if (const auto* allocate = std::get_if<Allocate>(&action)) return allocate->bytes;
    if (const auto* release = std::get_if<Release>(&action)) return release->bytes;
    return Bytes(0);
  }

  void plan(std::size_t i) {
    const TransferPlan& plan = program_.plans[id_at<PlanId>(i)];
    require(is_share(plan.sm), "plan p{} '{}' holds a share outside of 0 to 1", i, plan.name);
    require(is_amount(plan.bytes_sent_per_member), "plan p{} '{}' sends {} bytes", i, plan.name,
            plan.bytes_sent_per_member);
    for (const Phase& phase : plan.phases) {
      require(phase.repeat > 0, "plan p{} '{}' has a phase that is done zero times", i, plan.name);
      for (const Bundle& bundle : phase.bundles) {
        const bool sound =
            is_amount(bundle.bytes) && bundle.latency >= Duration{0} && bundle.rate_cap > 0.0;
        require(sound, "plan p{} '{}' has a bundle of {} bytes, latency {} ps, cap {} B/s", i,
                plan.name, bundle.bytes, bundle.latency.count(), bundle.rate_cap);
      }
    }
  }

  void pattern(std::size_t i) {
    const Pattern& pattern = program_.patterns[id_at<PatternId>(i)];
    const auto not_ascending = [](const Crossing& a, const Crossing& b) {
      return a.resource >= b.resource;
    };
    require(std::ranges::adjacent_find(pattern, not_ascending) == pattern.end(),
            "pattern x{} names its resources twice or not in ascending order", i);
    const bool weighty =
        std::ranges::all_of(pattern, [](const Crossing& c) { return c.weight > 0; });
    require(weighty, "pattern x{} crosses a resource with weight zero", i);
  }

  // --- identities in range -------------------------------------------------------------------

  template <typename Id, typename T>
  void in_range(const IdVector<Id, T>& items, Id id, std::string_view who) {
    require(index_of(id) < items.size(), "{} names identity {} of {}", who, index_of(id),
            items.size());
  }

  void references() {
    for (std::size_t i = 0; i < program_.patterns.size(); ++i) {
      const std::string who = fmt::format("pattern x{}: a resource", i);
      for (const Crossing& crossing : program_.patterns[id_at<PatternId>(i)]) {
        in_range(program_.resources, crossing.resource, who);
      }
    }
    for (std::size_t i = 0; i < program_.classes.size(); ++i) class_references(i);
    for (std::size_t i = 0; i < program_.groups.size(); ++i) group_references(i);
    for (const ClassId id : program_.class_of_rank) {
      in_range(program_.classes, id, "the list of ranks: a class");
    }
  }

  void class_references(std::size_t i) {
    const RankClass& rank_class = program_.classes[id_at<ClassId>(i)];
    const std::string who = fmt::format("class c{}", i);
    in_range(program_.scripts, rank_class.script, who + ": the script");
    in_range(program_.class_of_rank, rank_class.representative, who + ": the representative");
    for (const GroupId id : rank_class.groups) in_range(program_.groups, id, who + ": a group");
    if (index_of(rank_class.script) >= program_.scripts.size()) return;
    const std::size_t slots = program_.scripts[rank_class.script].slots.size();
    require(rank_class.groups.size() == slots, "{} names {} groups for {} slots", who,
            rank_class.groups.size(), slots);
  }

  void group_references(std::size_t i) {
    const Group& group = program_.groups[id_at<GroupId>(i)];
    const std::string who = fmt::format("group g{} '{}'", i, group.name);
    for (const Member& member : group.members) {
      in_range(program_.classes, member.rank_class, who + ": a member");
    }
    const auto not_ascending = [](const Member& a, const Member& b) {
      return a.rank_class >= b.rank_class;
    };
    require(std::ranges::adjacent_find(group.members, not_ascending) == group.members.end(),
            "{} names its members twice or not in ascending order", who);
    for (const PatternId id : group.patterns) {
      in_range(program_.patterns, id, who + ": a pattern");
    }
    for (const PlanId id : group.plans) {
      in_range(program_.plans, id, who + ": a plan");
      if (index_of(id) >= program_.plans.size()) continue;
      require(patterns_needed(id) <= group.patterns.size(),
              "{} has {} patterns, its plan p{} needs {}", who, group.patterns.size(), index_of(id),
              patterns_needed(id));
    }
  }

  /// One more than the largest pattern that the plan's bundles name. Counted once per plan.
  std::size_t patterns_needed(PlanId id) {
    if (patterns_needed_.empty()) {
      for (const TransferPlan& plan : program_.plans) {
        std::size_t needed = 0;
        for (const Phase& phase : plan.phases) {
          for (const Bundle& bundle : phase.bundles) {
            needed = std::max<std::size_t>(needed, std::size_t{bundle.pattern} + 1);
          }
        }
        patterns_needed_.push_back(needed);
      }
    }
    return patterns_needed_[id];
  }

  // --- tasks -----------------------------------------------------------------------------------

  void tasks() {
    require(task_count_ok(), "more than {} tasks", limits::tasks);
    for (const Script& script : program_.scripts) {
      for (std::size_t lane = 0; lane < script.lanes.size(); ++lane) {
        for (std::size_t i = 0; i < script.lanes[lane].tasks.size(); ++i) task(script, lane, i);
      }
    }
  }

  bool task_count_ok() const {
    std::size_t count = 0;
    for (const Script& script : program_.scripts) count += task_count(script);
    return count <= static_cast<std::size_t>(limits::tasks);
  }

  static std::string place(const Script& script, std::size_t lane, std::size_t position) {
    return fmt::format("script '{}', lane '{}', task {}", script.name, script.lanes[lane].name,
                       position);
  }

  void task(const Script& script, std::size_t lane, std::size_t position) {
    const Task& task = script.lanes[lane].tasks[position];
    if (index_of(task.kind) >= program_.kinds.size()) {
      return require(false, "{}: kind {} of {}", place(script, lane, position), index_of(task.kind),
                     program_.kinds.size());
    }
    if (const auto* join = std::get_if<Communicate>(&program_.kinds[task.kind].action);
        join != nullptr && join->slot >= script.slots.size()) {
      require(false, "{}: slot {} of {}", place(script, lane, position), join->slot,
              script.slots.size());
    }
    if (std::size_t{task.first_wait} + task.wait_count > script.waits.size()) {
      return require(false, "{}: waits beyond the script's", place(script, lane, position));
    }
    for (const Wait& wait : std::span(script.waits).subspan(task.first_wait, task.wait_count)) {
      const bool exists =
          wait.lane < script.lanes.size() && wait.position < script.lanes[wait.lane].tasks.size();
      if (exists && (wait.lane != lane || wait.position < position)) continue;
      require(false, "{}: waits for {}:{}, which {}", place(script, lane, position), wait.lane,
              wait.position, exists ? "comes after it in its own lane" : "does not exist");
    }
  }

  // --- multiplicities --------------------------------------------------------------------------

  void counts() {
    IdVector<ClassId, std::size_t> ranks(program_.classes.size());
    for (const ClassId id : program_.class_of_rank) ++ranks[id];
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      const auto id = id_at<ClassId>(i);
      const RankClass& rank_class = program_.classes[id];
      require(rank_class.count > 0, "class c{} stands for no rank", i);
      require(rank_class.count == ranks[id], "class c{} stands for {} ranks, {} name it", i,
              rank_class.count, ranks[id]);
      require(program_.class_of_rank[rank_class.representative] == id,
              "class c{} is represented by rank {}, which is of another class", i,
              index_of(rank_class.representative));
      for (const GroupId group : rank_class.groups) membership(id, group);
    }
    for (std::size_t i = 0; i < program_.groups.size(); ++i) group_counts(id_at<GroupId>(i));
  }

  void membership(ClassId id, GroupId group_id) {
    const auto& members = program_.groups[group_id].members;
    const auto found = std::ranges::lower_bound(members, id, {}, &Member::rank_class);
    require(found != members.end() && found->rank_class == id,
            "class c{} takes part in group g{} '{}', which does not count it as a member",
            index_of(id), index_of(group_id), program_.groups[group_id].name);
  }

  /// Each rank of a class takes part in exactly one group per slot: seats and ranks must agree.
  void group_counts(GroupId id) {
    const Group& group = program_.groups[id];
    require(group.count > 0, "group g{} '{}' stands for no group", index_of(id), group.name);
    const bool through_memory = passes_memory(group);
    for (const Member& member : group.members) {
      const RankClass& rank_class = program_.classes[member.rank_class];
      const Script& script = program_.scripts[rank_class.script];
      require(!through_memory || script.memory_bandwidth.value() > 0.0,
              "group g{} '{}' passes bytes through memory, whose bandwidth script '{}' leaves open",
              index_of(id), group.name, script.name);
      const auto slots = static_cast<std::uint64_t>(std::ranges::count(rank_class.groups, id));
      const std::uint64_t seats = std::uint64_t{member.count} * group.count;
      const std::uint64_t ranks = slots * rank_class.count;
      require(seats == ranks && seats > 0,
              "group g{} '{}' has {} places for class c{} ({} groups of {}), which fills {} ({} "
              "ranks, {} slots)",
              index_of(id), group.name, seats, index_of(member.rank_class), group.count,
              member.count, ranks, rank_class.count, slots);
    }
  }

  bool passes_memory(const Group& group) const {
    return std::ranges::any_of(group.plans, [this](PlanId id) {
      return std::ranges::any_of(program_.plans[id].phases, [](const Phase& phase) {
        return std::ranges::any_of(phase.bundles, [](const Bundle& b) { return b.memory > 0; });
      });
    });
  }

  // --- memory ----------------------------------------------------------------------------------

  /// What was allocated must be released. Sums wrap around, which keeps their balance.
  void memory() {
    for (const Script& script : program_.scripts) {
      std::array<std::uint64_t, memory_category_count> change{};
      for (const Lane& lane : script.lanes) {
        for (const Task& task : lane.tasks) add_change(program_.kinds[task.kind].action, change);
      }
      for (std::size_t i = 0; i < change.size(); ++i) {
        const auto name = to_string(static_cast<MemoryCategory>(i));
        const auto kept = static_cast<std::int64_t>(change[i]);
        require(kept <= 0, "script '{}' never releases {} bytes of {}", script.name, kept, name);
        require(kept >= 0, "script '{}' releases {} bytes more {} than it allocates", script.name,
                std::uint64_t{0} - change[i], name);
      }
    }
  }

  static void add_change(const Action& action, std::span<std::uint64_t> change) {
    const auto bytes = static_cast<std::uint64_t>(bytes_of(action).value());
    if (const auto* allocate = std::get_if<Allocate>(&action)) {
      change[static_cast<std::size_t>(allocate->category)] += bytes;
    } else if (const auto* release = std::get_if<Release>(&action)) {
      change[static_cast<std::size_t>(release->category)] -= bytes;
    }
  }

  // --- groups ----------------------------------------------------------------------------------

  /// Who joins what from where; a slot belongs to one lane, or its order would be left to chance.
  void slots() {
    for (const Script& script : program_.scripts) {
      std::vector<SlotUse> uses(script.slots.size());
      for (std::size_t lane = 0; lane < script.lanes.size(); ++lane) {
        for (const Task& task : script.lanes[lane].tasks) {
          const auto* join = std::get_if<Communicate>(&program_.kinds[task.kind].action);
          if (join == nullptr) continue;
          SlotUse& use = uses[join->slot];
          require(use.lane.value_or(lane) == lane,
                  "script '{}' uses slot '{}' from the lanes '{}' and '{}'", script.name,
                  script.slots[join->slot], script.lanes[use.lane.value_or(lane)].name,
                  script.lanes[lane].name);
          use.lane = lane;
          use.plans.push_back(join->plan);
        }
      }
      number_sequences(std::move(uses));
    }
  }

  /// Equal sequences of plans get one number, so that comparing two members is one comparison.
  void number_sequences(std::vector<SlotUse> uses) {
    std::vector<std::size_t> numbers;
    for (SlotUse& use : uses) {
      const auto [found, added] = numbers_.try_emplace(std::move(use.plans), numbers_.size());
      if (added) sequences_.push_back(&found->first);
      numbers.push_back(found->second);
    }
    sequence_of_slot_.push_back(std::move(numbers));
  }

  void operations() {
    std::vector<std::optional<std::size_t>> sequence_of_group(program_.groups.size());
    for (std::size_t i = 0; i < program_.classes.size(); ++i) {
      const RankClass& rank_class = program_.classes[id_at<ClassId>(i)];
      for (std::size_t slot = 0; slot < rank_class.groups.size(); ++slot) {
        const std::size_t sequence = sequence_of_slot_[rank_class.script][slot];
        const GroupId group = rank_class.groups[slot];
        auto& agreed = sequence_of_group[index_of(group)];
        if (!agreed) plans_exist(group, sequence);
        agreed = agreed.value_or(sequence);
        if (*agreed != sequence) disagreement(group, i, *agreed, sequence);
      }
    }
  }

  void plans_exist(GroupId id, std::size_t sequence) {
    const Group& group = program_.groups[id];
    const std::vector<std::uint16_t>& plans = *sequences_[sequence];
    const std::size_t needed = plans.empty() ? 0 : std::size_t{std::ranges::max(plans)} + 1;
    require(needed <= group.plans.size(), "group g{} '{}' has {} plans, its members use {}",
            index_of(id), group.name, group.plans.size(), needed);
  }

  void disagreement(GroupId id, std::size_t class_index, std::size_t agreed, std::size_t other) {
    const std::vector<std::uint16_t>& a = *sequences_[agreed];
    const std::vector<std::uint16_t>& b = *sequences_[other];
    const std::string who = fmt::format("group g{} '{}': class c{}", index_of(id),
                                        program_.groups[id].name, class_index);
    require(a.size() == b.size(), "{} joins {} operations, the members before it {}", who, b.size(),
            a.size());
    const auto first = std::ranges::mismatch(a, b);
    if (first.in1 == a.end() || first.in2 == b.end()) return;
    require(false, "{} joins plan {} as operation {}, the members before it plan {}", who,
            *first.in2, first.in2 - b.begin(), *first.in1);
  }

  const Program& program_;
  std::vector<std::string> findings_;
  IdVector<PlanId, std::size_t> patterns_needed_;
  std::map<std::vector<std::uint16_t>, std::size_t> numbers_;
  std::vector<const std::vector<std::uint16_t>*> sequences_;  ///< by number
  IdVector<ScriptId, std::vector<std::size_t>> sequence_of_slot_;
};

}  // namespace

std::vector<std::string> verify(const Program& program) { return Verifier(program).findings(); }

}  // namespace orrery
