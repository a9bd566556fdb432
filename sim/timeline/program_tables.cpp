#include "timeline/program_tables.hpp"

#include "program/verify.hpp"

#include <algorithm>
#include <variant>

namespace orrery {

namespace {

enum class ActionCode : std::uint8_t { compute, communicate, allocate, release };

template <typename Enum>
std::vector<std::string> names_of(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.emplace_back(to_string(static_cast<Enum>(i)));
  return names;
}

/// One column: `value` of each item.
template <typename T, typename Items, typename Value>
std::vector<T> column(const Items& items, const Value& value) {
  std::vector<T> values;
  values.reserve(items.size());
  for (const auto& item : items) values.push_back(static_cast<T>(value(item)));
  return values;
}

template <typename Items, typename Value>
std::vector<std::string> text_column(const Items& items, const Value& value) {
  std::vector<std::string> values;
  for (const auto& item : items) values.push_back(value(item));
  return values;
}

// --- writing
// ---------------------------------------------------------------------------------------

struct WriteTables {
  hdf5::Writer& file;
  const Program& program;

  void all() const {
    for (const char* group :
         {"/program", "/program/kinds", "/program/scripts", "/program/lanes", "/program/tasks",
          "/program/waits", "/program/slots", "/program/plans", "/program/groups",
          "/program/group_members", "/program/group_plans", "/classes", "/resources"}) {
      file.group(group);
    }
    file.attribute("/program", "name", program.name);
    kinds();
    scripts();
    lanes();
    tasks();
    groups();
    classes();
    resources();
  }

  void kinds() const {
    const auto& kinds = program.kinds;
    file.attribute("/program/kinds", "components", names_of<Component>(component_count));
    file.attribute("/program/kinds", "categories", names_of<MemoryCategory>(memory_category_count));
    file.attribute("/program/kinds", "actions",
                   std::vector<std::string>{"compute", "communicate", "allocate", "release"});
    file.texts("/program/kinds/name", text_column(kinds, [](const Kind& k) { return k.name; }));
    file.numbers("/program/kinds/component",
                 column<std::uint8_t>(kinds, [](const Kind& k) { return k.component; }));
    file.numbers("/program/kinds/action",
                 column<std::uint8_t>(kinds, [](const Kind& k) { return k.action.index(); }));
    file.numbers("/program/kinds/flops",
                 column<double>(kinds, [](const Kind& k) { return k.flops; }));
    file.numbers("/program/kinds/recomputed",
                 column<std::uint8_t>(kinds, [](const Kind& k) { return k.recomputed; }));
    actions();
  }

  /// Each column means something for some of the actions only and is zero elsewhere.
  void actions() const {
    std::vector<std::int64_t> durations, bytes;
    std::vector<float> sm, memory;
    std::vector<std::uint16_t> slots, plans;
    std::vector<std::uint8_t> categories;
    for (const Kind& kind : program.kinds) {
      const auto compute = value_of<Compute>(kind);
      const auto communicate = value_of<Communicate>(kind);
      const auto allocate = value_of<Allocate>(kind);
      const auto release = value_of<Release>(kind);
      durations.push_back(compute.duration.count());
      sm.push_back(compute.sm);
      memory.push_back(compute.memory);
      slots.push_back(communicate.slot);
      plans.push_back(communicate.plan);
      bytes.push_back((allocate.bytes + release.bytes).value());
      const bool releases = std::holds_alternative<Release>(kind.action);
      const bool changes = releases || std::holds_alternative<Allocate>(kind.action);
      const MemoryCategory category = releases ? release.category : allocate.category;
      categories.push_back(changes ? static_cast<std::uint8_t>(category) : std::uint8_t{0});
    }
    file.numbers("/program/kinds/duration_ps", durations);
    file.numbers("/program/kinds/sm", sm);
    file.numbers("/program/kinds/memory", memory);
    file.numbers("/program/kinds/slot", slots);
    file.numbers("/program/kinds/plan", plans);
    file.numbers("/program/kinds/bytes", bytes);
    file.numbers("/program/kinds/category", categories);
  }

  template <typename T>
  static T value_of(const Kind& kind) {
    const T* const action = std::get_if<T>(&kind.action);
    return action == nullptr ? T{} : *action;
  }

  void scripts() const {
    const auto& scripts = program.scripts;
    file.texts("/program/scripts/name",
               text_column(scripts, [](const Script& s) { return s.name; }));
    file.numbers("/program/scripts/lanes",
                 column<std::uint32_t>(scripts, [](const Script& s) { return s.lanes.size(); }));
    file.numbers("/program/scripts/slots",
                 column<std::uint32_t>(scripts, [](const Script& s) { return s.slots.size(); }));
    file.numbers("/program/scripts/waits",
                 column<std::uint64_t>(scripts, [](const Script& s) { return s.waits.size(); }));
    file.numbers(
        "/program/scripts/memory_capacity_bytes",
        column<std::int64_t>(scripts, [](const Script& s) { return s.memory_capacity.value(); }));
    file.numbers(
        "/program/scripts/memory_bandwidth_bytes_per_s",
        column<double>(scripts, [](const Script& s) { return s.memory_bandwidth.value(); }));
    for (std::size_t i = 0; i < memory_category_count; ++i) {
      const auto category = static_cast<MemoryCategory>(i);
      file.numbers(
          "/program/scripts/resident_" + std::string(to_string(category)) + "_bytes",
          column<std::int64_t>(scripts, [i](const Script& s) { return s.resident[i].value(); }));
    }
  }

  void lanes() const {
    std::vector<std::string> names, slots;
    std::vector<std::uint64_t> tasks;
    for (const Script& script : program.scripts) {
      for (const Lane& lane : script.lanes) {
        names.push_back(lane.name);
        tasks.push_back(lane.tasks.size());
      }
      slots.insert(slots.end(), script.slots.begin(), script.slots.end());
    }
    file.texts("/program/lanes/name", names);
    file.numbers("/program/lanes/tasks", tasks);
    file.texts("/program/slots/name", slots);
  }

  void tasks() const {
    task_column<std::uint32_t>("kind", [](const Task& t) { return index_of(t.kind); });
    task_column<std::uint32_t>("first_wait", [](const Task& t) { return t.first_wait; });
    task_column<std::uint16_t>("wait_count", [](const Task& t) { return t.wait_count; });
    task_column<std::uint16_t>("micro_batch", [](const Task& t) { return t.micro_batch; });
    task_column<std::uint16_t>("layer", [](const Task& t) { return t.layer; });
    task_column<std::uint16_t>("chunk", [](const Task& t) { return t.chunk; });
    std::vector<std::uint32_t> positions;
    std::vector<std::uint16_t> wait_lanes;
    for (const Script& script : program.scripts) {
      for (const Wait& wait : script.waits) {
        positions.push_back(wait.position);
        wait_lanes.push_back(wait.lane);
      }
    }
    file.numbers("/program/waits/position", positions);
    file.numbers("/program/waits/lane", wait_lanes);
  }

  template <typename T, typename Value>
  void task_column(const std::string& name, const Value& value) const {
    std::vector<T> values;
    for (const Script& script : program.scripts) {
      for (const Lane& lane : script.lanes) {
        for (const Task& task : lane.tasks) values.push_back(static_cast<T>(value(task)));
      }
    }
    file.numbers("/program/tasks/" + name, values);
  }

  void groups() const {
    const auto& groups = program.groups;
    file.texts("/program/groups/name", text_column(groups, [](const Group& g) { return g.name; }));
    file.numbers("/program/groups/count",
                 column<std::uint32_t>(groups, [](const Group& g) { return g.count; }));
    file.numbers("/program/groups/members",
                 column<std::uint32_t>(groups, [](const Group& g) { return g.members.size(); }));
    file.numbers("/program/groups/plans",
                 column<std::uint32_t>(groups, [](const Group& g) { return g.plans.size(); }));
    std::vector<std::uint32_t> classes, counts, group_plans;
    for (const Group& group : groups) {
      for (const Member& member : group.members) {
        classes.push_back(static_cast<std::uint32_t>(member.rank_class));
        counts.push_back(member.count);
      }
      for (const PlanId plan : group.plans) group_plans.push_back(static_cast<std::uint32_t>(plan));
    }
    file.numbers("/program/group_members/class", classes);
    file.numbers("/program/group_members/count", counts);
    file.numbers("/program/group_plans/plan", group_plans);
    plans();
  }

  void plans() const {
    const auto& plans = program.plans;
    file.texts("/program/plans/name",
               text_column(plans, [](const TransferPlan& p) { return p.name; }));
    file.texts("/program/plans/operation",
               text_column(plans, [](const TransferPlan& p) { return p.operation; }));
    file.numbers("/program/plans/component",
                 column<std::uint8_t>(plans, [](const TransferPlan& p) { return p.component; }));
    file.numbers("/program/plans/size_bytes",
                 column<std::int64_t>(plans, [](const TransferPlan& p) { return p.size.value(); }));
    file.numbers(
        "/program/plans/bytes_sent_per_member",
        column<double>(plans, [](const TransferPlan& p) { return p.bytes_sent_per_member; }));
    file.numbers("/program/plans/sm",
                 column<float>(plans, [](const TransferPlan& p) { return p.sm; }));
  }

  void classes() const {
    const auto& classes = program.classes;
    file.numbers("/classes/of_rank",
                 column<std::uint32_t>(program.class_of_rank, [](ClassId id) { return id; }));
    file.numbers("/classes/multiplicity",
                 column<std::uint32_t>(classes, [](const RankClass& c) { return c.count; }));
    file.numbers("/classes/script",
                 column<std::uint32_t>(classes, [](const RankClass& c) { return c.script; }));
    file.numbers("/classes/representative", column<std::uint32_t>(classes, [](const RankClass& c) {
                   return c.representative;
                 }));
    file.numbers("/classes/slowdown",
                 column<double>(classes, [](const RankClass& c) { return c.slowdown; }));
    std::vector<std::uint32_t> groups;
    for (const RankClass& rank_class : classes) {
      for (const GroupId id : rank_class.groups) groups.push_back(static_cast<std::uint32_t>(id));
    }
    file.numbers("/classes/groups", groups);
  }

  void resources() const {
    const auto& resources = program.resources;
    file.texts("/resources/name", text_column(resources, [](const Resource& r) { return r.name; }));
    file.texts("/resources/kind", text_column(resources, [](const Resource& r) { return r.kind; }));
    file.numbers("/resources/capacity_bytes_per_s",
                 column<double>(resources, [](const Resource& r) { return r.capacity.value(); }));
    file.numbers("/resources/count",
                 column<std::uint32_t>(resources, [](const Resource& r) { return r.count; }));
  }
};

// --- reading
// ---------------------------------------------------------------------------------------

/// A long column from which lists are taken one after the other.
template <typename T>
class Supply {
 public:
  Supply(const hdf5::Reader& file, std::string place, std::vector<T> values)
      : file_(file), place_(std::move(place)), values_(std::move(values)) {}

  T next() {
    if (at_ == values_.size()) file_.refuse(place_ + " is shorter than the tables that use it");
    return std::move(values_[at_++]);
  }
  bool spent() const { return at_ == values_.size(); }

 private:
  const hdf5::Reader& file_;
  std::string place_;
  std::vector<T> values_;
  std::size_t at_ = 0;
};

class ReadTables {
 public:
  explicit ReadTables(const hdf5::Reader& file) : file_(file) {}

  Program all() && {
    program_.name = file_.text_attribute("/program", "name");
    kinds();
    scripts();
    tasks();
    plans();
    groups();
    classes();
    resources();
    if (const std::vector<std::string> wrong = verify(program_); !wrong.empty()) {
      file_.refuse("the file is damaged: " + wrong.front());
    }
    return std::move(program_);
  }

 private:
  template <typename T>
  Supply<T> numbers(const std::string& place) const {
    return {file_, place, file_.numbers<T>(place)};
  }
  Supply<std::string> texts(const std::string& place) const {
    return {file_, place, file_.texts(place)};
  }
  template <typename Enum>
  Enum checked(std::uint8_t code, std::size_t count) const {
    if (code >= count) file_.refuse("the file is damaged: a code is out of range");
    return static_cast<Enum>(code);
  }
  void kinds() {
    auto name = texts("/program/kinds/name");
    auto component = numbers<std::uint8_t>("/program/kinds/component");
    auto flops = numbers<double>("/program/kinds/flops");
    auto recomputed = numbers<std::uint8_t>("/program/kinds/recomputed");
    const std::vector<Action> actions = this->actions();
    for (const Action& action : actions) {
      program_.kinds.push_back({.name = name.next(),
                                .component = checked<Component>(component.next(), component_count),
                                .action = action,
                                .flops = flops.next(),
                                .recomputed = recomputed.next() != 0});
    }
  }

  std::vector<Action> actions() {
    auto code = numbers<std::uint8_t>("/program/kinds/action");
    auto duration = numbers<std::int64_t>("/program/kinds/duration_ps");
    auto sm = numbers<float>("/program/kinds/sm");
    auto memory = numbers<float>("/program/kinds/memory");
    auto slot = numbers<std::uint16_t>("/program/kinds/slot");
    auto plan = numbers<std::uint16_t>("/program/kinds/plan");
    auto bytes = numbers<std::int64_t>("/program/kinds/bytes");
    auto category = numbers<std::uint8_t>("/program/kinds/category");
    std::vector<Action> actions;
    while (!code.spent()) {
      const Compute compute{Duration{duration.next()}, sm.next(), memory.next()};
      const Communicate communicate{slot.next(), plan.next()};
      const auto kept = checked<MemoryCategory>(category.next(), memory_category_count);
      const Bytes size(bytes.next());
      switch (checked<ActionCode>(code.next(), 4)) {
        case ActionCode::compute:
          actions.emplace_back(compute);
          break;
        case ActionCode::communicate:
          actions.emplace_back(communicate);
          break;
        case ActionCode::allocate:
          actions.emplace_back(Allocate{kept, size});
          break;
        case ActionCode::release:
          actions.emplace_back(Release{kept, size});
          break;
      }
    }
    return actions;
  }

  void scripts() {
    auto name = texts("/program/scripts/name");
    auto lanes = numbers<std::uint32_t>("/program/scripts/lanes");
    auto slots = numbers<std::uint32_t>("/program/scripts/slots");
    auto capacity = numbers<std::int64_t>("/program/scripts/memory_capacity_bytes");
    auto bandwidth = numbers<double>("/program/scripts/memory_bandwidth_bytes_per_s");
    auto lane_name = texts("/program/lanes/name");
    auto slot_name = texts("/program/slots/name");
    while (!name.spent()) {
      Script script{.name = name.next(),
                    .memory_capacity = Bytes(capacity.next()),
                    .memory_bandwidth = BytesPerSecond(bandwidth.next())};
      for (auto left = lanes.next(); left > 0; --left) {
        script.lanes.push_back({.name = lane_name.next()});
      }
      for (auto left = slots.next(); left > 0; --left) script.slots.push_back(slot_name.next());
      program_.scripts.push_back(std::move(script));
    }
    for (std::size_t i = 0; i < memory_category_count; ++i) {
      const auto category = static_cast<MemoryCategory>(i);
      auto held = numbers<std::int64_t>("/program/scripts/resident_" +
                                        std::string(to_string(category)) + "_bytes");
      for (Script& script : program_.scripts) script.resident[i] = Bytes(held.next());
    }
  }

  void tasks() {
    auto lane_tasks = numbers<std::uint64_t>("/program/lanes/tasks");
    auto kind = numbers<std::uint32_t>("/program/tasks/kind");
    auto first_wait = numbers<std::uint32_t>("/program/tasks/first_wait");
    auto wait_count = numbers<std::uint16_t>("/program/tasks/wait_count");
    auto micro_batch = numbers<std::uint16_t>("/program/tasks/micro_batch");
    auto layer = numbers<std::uint16_t>("/program/tasks/layer");
    auto chunk = numbers<std::uint16_t>("/program/tasks/chunk");
    for (Script& script : program_.scripts) {
      for (Lane& lane : script.lanes) {
        for (auto left = lane_tasks.next(); left > 0; --left) {
          lane.tasks.push_back({.kind = id_at<KindId>(kind.next()),
                                .first_wait = first_wait.next(),
                                .wait_count = wait_count.next(),
                                .micro_batch = micro_batch.next(),
                                .layer = layer.next(),
                                .chunk = chunk.next()});
        }
      }
    }
    waits();
  }

  void waits() {
    auto script_waits = numbers<std::uint64_t>("/program/scripts/waits");
    auto position = numbers<std::uint32_t>("/program/waits/position");
    auto lane = numbers<std::uint16_t>("/program/waits/lane");
    for (Script& script : program_.scripts) {
      for (auto left = script_waits.next(); left > 0; --left) {
        script.waits.push_back({.position = position.next(), .lane = lane.next()});
      }
    }
  }

  void plans() {
    auto name = texts("/program/plans/name");
    auto operation = texts("/program/plans/operation");
    auto component = numbers<std::uint8_t>("/program/plans/component");
    auto size = numbers<std::int64_t>("/program/plans/size_bytes");
    auto sent = numbers<double>("/program/plans/bytes_sent_per_member");
    auto sm = numbers<float>("/program/plans/sm");
    while (!name.spent()) {
      program_.plans.push_back({.name = name.next(),
                                .component = checked<Component>(component.next(), component_count),
                                .operation = operation.next(),
                                .size = Bytes(size.next()),
                                .bytes_sent_per_member = sent.next(),
                                .sm = sm.next()});
    }
  }

  void groups() {
    auto name = texts("/program/groups/name");
    auto count = numbers<std::uint32_t>("/program/groups/count");
    auto members = numbers<std::uint32_t>("/program/groups/members");
    auto plans = numbers<std::uint32_t>("/program/groups/plans");
    auto member_class = numbers<std::uint32_t>("/program/group_members/class");
    auto member_count = numbers<std::uint32_t>("/program/group_members/count");
    auto plan = numbers<std::uint32_t>("/program/group_plans/plan");
    while (!name.spent()) {
      Group group{.name = name.next(), .count = count.next()};
      for (auto left = members.next(); left > 0; --left) {
        group.members.push_back({id_at<ClassId>(member_class.next()), member_count.next()});
      }
      for (auto left = plans.next(); left > 0; --left) {
        group.plans.push_back(id_at<PlanId>(plan.next()));
      }
      program_.groups.push_back(std::move(group));
    }
  }

  void classes() {
    for (const std::uint32_t id : file_.numbers<std::uint32_t>("/classes/of_rank")) {
      program_.class_of_rank.push_back(id_at<ClassId>(id));
    }
    auto count = numbers<std::uint32_t>("/classes/multiplicity");
    auto script = numbers<std::uint32_t>("/classes/script");
    auto representative = numbers<std::uint32_t>("/classes/representative");
    auto slowdown = numbers<double>("/classes/slowdown");
    auto group = numbers<std::uint32_t>("/classes/groups");
    while (!count.spent()) {
      RankClass rank_class{.script = id_at<ScriptId>(script.next()),
                           .count = count.next(),
                           .representative = id_at<RankId>(representative.next()),
                           .slowdown = slowdown.next()};
      if (index_of(rank_class.script) >= program_.scripts.size()) {
        file_.refuse("the file is damaged: a class runs a script that is not there");
      }
      const std::size_t slots = program_.scripts[rank_class.script].slots.size();
      for (std::size_t i = 0; i < slots; ++i) {
        rank_class.groups.push_back(id_at<GroupId>(group.next()));
      }
      program_.classes.push_back(std::move(rank_class));
    }
  }

  void resources() {
    auto name = texts("/resources/name");
    auto kind = texts("/resources/kind");
    auto capacity = numbers<double>("/resources/capacity_bytes_per_s");
    auto count = numbers<std::uint32_t>("/resources/count");
    while (!name.spent()) {
      program_.resources.push_back({.name = name.next(),
                                    .kind = kind.next(),
                                    .capacity = BytesPerSecond(capacity.next()),
                                    .count = count.next()});
    }
  }

  const hdf5::Reader& file_;
  Program program_;
};

}  // namespace

void write_program(hdf5::Writer& file, const Program& program) { WriteTables{file, program}.all(); }

Program read_program(const hdf5::Reader& file) { return ReadTables(file).all(); }

}  // namespace orrery
