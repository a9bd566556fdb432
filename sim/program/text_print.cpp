#include "program/text.hpp"
#include "program/text_units.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

namespace orrery {

namespace {

/// In quotes; what would end the quotes, the line or the escape is written as \ and two hex digits.
std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    const bool plain = c != '"' && c != '\\' && (static_cast<unsigned char>(c) >= 0x20);
    if (plain) {
      text += c;
    } else {
      text += fmt::format("\\{:02x}", static_cast<unsigned char>(c));
    }
  }
  return text += '"';
}

template <typename Units>
std::string whole(std::int64_t value, const Units& units) {
  const auto unit = std::ranges::find_if(
      units, [&](const TextUnit& u) { return u.size == 1 || (value != 0 && value % u.size == 0); });
  return fmt::format("{} {}", value / unit->size, unit->name);
}

std::string print(Duration duration) { return whole(duration.count(), duration_units); }
std::string print(Bytes bytes) { return whole(bytes.value(), byte_units); }

class Printer {
 public:
  explicit Printer(const Program& program) : program_(program) {}

  std::string print() && {
    line("program {}", quoted(program_.name));
    for (std::size_t i = 0; i < program_.resources.size(); ++i) resource(id_at<ResourceId>(i));
    for (std::size_t i = 0; i < program_.patterns.size(); ++i) pattern(id_at<PatternId>(i));
    for (std::size_t i = 0; i < program_.plans.size(); ++i) plan(id_at<PlanId>(i));
    for (std::size_t i = 0; i < program_.kinds.size(); ++i) kind(id_at<KindId>(i));
    for (std::size_t i = 0; i < program_.scripts.size(); ++i) script(id_at<ScriptId>(i));
    for (std::size_t i = 0; i < program_.groups.size(); ++i) group(id_at<GroupId>(i));
    for (std::size_t i = 0; i < program_.classes.size(); ++i) rank_class(id_at<ClassId>(i));
    ranks();
    return std::move(text_);
  }

 private:
  template <typename... Values>
  void add(fmt::format_string<Values...> format, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Values>(values)...);
  }
  template <typename... Values>
  void line(fmt::format_string<Values...> format, Values&&... values) {
    add(format, std::forward<Values>(values)...);
    text_ += '\n';
  }
  /// " key value", unless the value is the one that parsing assumes.
  template <typename Value>
  void option(std::string_view key, const Value& value, const Value& assumed) {
    if (value != assumed) add(" {} {}", key, value);
  }

  void resource(ResourceId id) {
    const Resource& resource = program_.resources[id];
    add("resource r{} {} kind {} capacity {} B/s", index_of(id), quoted(resource.name),
        quoted(resource.kind), resource.capacity.value());
    option("count", resource.count, 1U);
    line("");
  }

  void pattern(PatternId id) {
    add("pattern x{}", index_of(id));
    for (const Crossing& crossing : program_.patterns[id]) {
      add(" r{}*", index_of(crossing.resource));
      weight(crossing.weight);
    }
    line("");
  }

  /// A number of transfers, as a fraction.
  void weight(std::uint64_t units) {
    const std::uint64_t common = std::gcd(units, one_transfer);
    add("{}", units / common);
    if (common != one_transfer) add("/{}", one_transfer / common);
  }

  void plan(PlanId id) {
    const TransferPlan& plan = program_.plans[id];
    add("plan p{} {} {} operation {} size {}", index_of(id), quoted(plan.name),
        to_string(plan.component), quoted(plan.operation), orrery::print(plan.size));
    option("sends", plan.bytes_sent_per_member, 0.0);
    option("sm", plan.sm, 0.0F);
    line("");
    for (const Phase& phase : plan.phases) {
      add("  phase");
      option("repeat", phase.repeat, 1U);
      line("");
      for (const Bundle& bundle : phase.bundles) this->bundle(bundle);
    }
  }

  void bundle(const Bundle& bundle) {
    add("    bundle pattern {} bytes {} latency {}", bundle.pattern, bundle.bytes,
        orrery::print(bundle.latency));
    option("cap", bundle.rate_cap, std::numeric_limits<double>::infinity());
    if (bundle.memory > 0) {
      add(" memory ");
      weight(bundle.memory);
    }
    line("");
  }

  void kind(KindId id) {
    const Kind& kind = program_.kinds[id];
    add("kind k{} {} {}", index_of(id), quoted(kind.name), to_string(kind.component));
    std::visit([this](const auto& action) { this->action(action); }, kind.action);
    option("flops", kind.flops, 0.0);
    line("{}", kind.recomputed ? " recomputed" : "");
  }

  void action(const Compute& compute) {
    add(" takes {}", orrery::print(compute.duration));
    option("sm", compute.sm, 0.0F);
    option("memory", compute.memory, 0.0F);
  }
  void action(const Communicate& communicate) {
    add(" joins slot {} plan {}", communicate.slot, communicate.plan);
  }
  void action(const Allocate& change) {
    add(" allocates {} {}", to_string(change.category), orrery::print(change.bytes));
  }
  void action(const Release& change) {
    add(" releases {} {}", to_string(change.category), orrery::print(change.bytes));
  }

  void script(ScriptId id) {
    const Script& script = program_.scripts[id];
    add("script s{} {} capacity {}", index_of(id), quoted(script.name),
        orrery::print(script.memory_capacity));
    const double bandwidth = script.memory_bandwidth.value();
    line("{}", bandwidth > 0.0 ? fmt::format(" bandwidth {} B/s", bandwidth) : "");
    for (std::size_t i = 0; i < script.resident.size(); ++i) {
      const Bytes bytes = script.resident[i];
      if (bytes == Bytes(0)) continue;
      line("  holds {} {}", to_string(static_cast<MemoryCategory>(i)), orrery::print(bytes));
    }
    for (std::size_t i = 0; i < script.slots.size(); ++i) {
      line("  slot {} {}", i, quoted(script.slots[i]));
    }
    for (std::size_t i = 0; i < script.lanes.size(); ++i) lane(script, i);
  }

  void lane(const Script& script, std::size_t index) {
    const Lane& lane = script.lanes[index];
    line("  lane {} {}", index, quoted(lane.name));
    for (std::size_t i = 0; i < lane.tasks.size(); ++i) {
      add("    {}: ", i);
      task(script, lane.tasks[i]);
    }
  }

  void task(const Script& script, const Task& task) {
    add("k{}", index_of(task.kind));
    option("mb", task.micro_batch, none_16);
    option("layer", task.layer, none_16);
    option("chunk", task.chunk, std::uint16_t{0});
    const std::size_t first = std::min<std::size_t>(task.first_wait, script.waits.size());
    const std::size_t last = std::min(first + task.wait_count, script.waits.size());
    if (first != last) text_ += " after";
    for (std::size_t i = first; i < last; ++i) {
      add(" {}:{}", script.waits[i].lane, script.waits[i].position);
    }
    const bool known = index_of(task.kind) < program_.kinds.size();
    line("{}{}", known ? "  # " : "", known ? printable(program_.kinds[task.kind].name) : "");
  }

  /// As the rest of a line.
  static std::string printable(std::string name) {
    std::ranges::replace_if(
        name, [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    return name;
  }

  void group(GroupId id) {
    const Group& group = program_.groups[id];
    add("group g{} {}", index_of(id), quoted(group.name));
    option("count", group.count, 1U);
    if (!group.members.empty()) text_ += " members";
    for (const Member& member : group.members) {
      add(" c{}*{}", index_of(member.rank_class), member.count);
    }
    identities("plans", 'p', group.plans);
    identities("patterns", 'x', group.patterns);
    line("");
  }

  void rank_class(ClassId id) {
    const RankClass& rank_class = program_.classes[id];
    add("class c{} script s{}", index_of(id), index_of(rank_class.script));
    option("count", rank_class.count, 1U);
    option("representative", index_of(rank_class.representative), std::size_t{0});
    option("slowdown", rank_class.slowdown, 1.0);
    identities("groups", 'g', rank_class.groups);
    line("");
  }

  template <typename Id>
  void identities(std::string_view key, char prefix, const std::vector<Id>& ids) {
    if (!ids.empty()) add(" {}", key);
    for (const Id id : ids) add(" {}{}", prefix, index_of(id));
  }

  /// Runs of ranks of one class as c0*8, sixteen runs a line.
  void ranks() {
    const auto& classes = program_.class_of_rank;
    std::size_t runs = 0;
    for (auto run = classes.begin(); run != classes.end();) {
      const auto end = std::find_if(run, classes.end(), [&](ClassId c) { return c != *run; });
      if (runs % 16 == 0) add("{}ranks", runs == 0 ? "" : "\n");
      add(" c{}*{}", index_of(*run), end - run);
      run = end;
      ++runs;
    }
    if (runs > 0) line("");
  }

  const Program& program_;
  std::string text_;
};

}  // namespace

std::string print_program(const Program& program) { return Printer(program).print(); }

}  // namespace orrery
