#include "base/limits.hpp"
#include "program/line_cursor.hpp"
#include "program/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

/// Errors after which reading stops: more of them help nobody.
constexpr std::size_t enough_errors = 50;

template <typename Enum>
Enum named(LineCursor& line, std::size_t count, std::string_view what) {
  const std::string_view word = line.peek_word();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const auto value = static_cast<Enum>(i);
    if (to_string(value) == word) {
      line.word();
      return value;
    }
    names.emplace_back(to_string(value));
  }
  line.fail(fmt::format("expected a {}: {}", what, enumerate(names)));
  return {};
}

Component component(LineCursor& line) {
  return named<Component>(line, component_count, "component");
}
MemoryCategory category(LineCursor& line) {
  return named<MemoryCategory>(line, memory_category_count, "memory category");
}

template <typename Id>
Id id(LineCursor& line, char prefix) {
  return id_at<Id>(line.id(prefix));
}

template <typename Id>
std::vector<Id> identities(LineCursor& line, char prefix) {
  std::vector<Id> ids;
  while (line.id_is_next(prefix)) ids.push_back(id<Id>(line, prefix));
  return ids;
}

template <typename Id, typename T>
T& last(IdVector<Id, T>& items) {
  return items[id_at<Id>(items.size() - 1)];
}

/// N or N/D, where D is a power of two.
std::uint64_t weight(LineCursor& line) {
  const std::uint64_t numerator = line.number();
  const std::uint64_t denominator = line.accept('/') ? line.number() : 1;
  if (denominator == 0 || one_transfer % denominator != 0) {
    line.fail("expected a denominator that is a power of two, at most 2^32");
    return 0;
  }
  const std::uint64_t unit = one_transfer / denominator;
  if (numerator > std::numeric_limits<std::uint64_t>::max() / unit) {
    line.fail("expected a weight below 2^32");
    return 0;
  }
  return numerator * unit;
}

class Parser {
 public:
  Parser(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  Program parse() && {
    if (text_.size() > static_cast<std::size_t>(limits::input_bytes)) {
      diagnostics_.error({.file = std::string(file_)}, "the text is longer than 64 MiB");
      diagnostics_.throw_if_errors();
    }
    std::size_t number = 0;
    while (!text_.empty() && diagnostics_.all().size() < enough_errors) {
      const std::size_t end = std::min(text_.find('\n'), text_.size());
      const SourcePosition position{.file = std::string(file_), .line = ++number, .column = 1};
      LineCursor line(text_.substr(0, end), position, diagnostics_);
      statement(line);
      text_.remove_prefix(std::min(end + 1, text_.size()));
    }
    diagnostics_.throw_if_errors();
    return std::move(program_);
  }

 private:
  using Statement = void (Parser::*)(LineCursor&);
  struct Keyword {
    std::string_view word;
    Statement read;
  };

  void statement(LineCursor& line) {
    static constexpr std::array<Keyword, 14> keywords{{{"program", &Parser::program},
                                                       {"resource", &Parser::resource},
                                                       {"pattern", &Parser::pattern},
                                                       {"plan", &Parser::plan},
                                                       {"phase", &Parser::phase},
                                                       {"bundle", &Parser::bundle},
                                                       {"kind", &Parser::kind},
                                                       {"script", &Parser::script},
                                                       {"holds", &Parser::holds},
                                                       {"slot", &Parser::slot},
                                                       {"lane", &Parser::lane},
                                                       {"group", &Parser::group},
                                                       {"class", &Parser::rank_class},
                                                       {"ranks", &Parser::ranks}}};
    if (line.at_end()) return;
    if (line.digit_is_next() || line.id_is_next('k')) return task(line);
    const auto keyword = std::ranges::find(keywords, line.peek_word(), &Keyword::word);
    if (keyword == keywords.end()) return line.fail(unknown_statement(line, keywords));
    line.word();
    (this->*keyword->read)(line);
    line.expect_end();
  }

  template <typename Keywords>
  static std::string unknown_statement(LineCursor& line, const Keywords& keywords) {
    std::vector<std::string> words;
    for (const Keyword& keyword : keywords) words.emplace_back(keyword.word);
    const std::string_view found = line.peek_word();
    return fmt::format("unknown statement '{}'{}", found, did_you_mean(found, words));
  }

  /// Identities are written out, and must count up from zero.
  void own_id(LineCursor& line, char prefix, std::size_t expected) {
    const std::uint32_t found = line.id(prefix);
    if (found == expected) return;
    line.fail(fmt::format("expected {}{}: identities count up", prefix, expected));
  }
  void own_number(LineCursor& line, std::size_t expected) {
    if (line.number() != expected) line.fail(fmt::format("expected number {}", expected));
  }
  void unknown_option(LineCursor& line) {
    line.fail(fmt::format("unknown option '{}'", line.peek_word()));
  }

  void program(LineCursor& line) { program_.name = line.text(); }

  void resource(LineCursor& line) {
    own_id(line, 'r', program_.resources.size());
    Resource resource{.name = line.text()};
    while (!line.at_end()) {
      if (line.accept("kind")) {
        resource.kind = line.text();
      } else if (line.accept("capacity")) {
        resource.capacity = BytesPerSecond(line.real());
        line.expect("B/s");
      } else if (line.accept("count")) {
        resource.count = line.number32();
      } else {
        unknown_option(line);
      }
    }
    program_.resources.push_back(std::move(resource));
  }

  void pattern(LineCursor& line) {
    own_id(line, 'x', program_.patterns.size());
    Pattern pattern;
    while (!line.at_end()) {
      Crossing crossing{.resource = id<ResourceId>(line, 'r')};
      if (line.accept('*')) crossing.weight = weight(line);
      pattern.push_back(crossing);
    }
    program_.patterns.push_back(std::move(pattern));
  }

  void plan(LineCursor& line) {
    own_id(line, 'p', program_.plans.size());
    TransferPlan plan{.name = line.text(), .component = component(line)};
    while (!line.at_end()) {
      if (line.accept("operation")) {
        plan.operation = line.text();
      } else if (line.accept("size")) {
        plan.size = line.bytes();
      } else if (line.accept("sends")) {
        plan.bytes_sent_per_member = line.real();
      } else if (line.accept("sm")) {
        plan.sm = line.real32();
      } else {
        unknown_option(line);
      }
    }
    program_.plans.push_back(std::move(plan));
  }

  void phase(LineCursor& line) {
    if (program_.plans.empty()) return line.fail("a phase outside of a plan");
    Phase phase;
    if (line.accept("repeat")) phase.repeat = line.number32();
    last(program_.plans).phases.push_back(std::move(phase));
  }

  void bundle(LineCursor& line) {
    if (program_.plans.empty() || last(program_.plans).phases.empty()) {
      return line.fail("a bundle outside of a phase");
    }
    Bundle bundle;
    while (!line.at_end()) {
      if (line.accept("pattern")) {
        bundle.pattern = line.number32();
      } else if (line.accept("bytes")) {
        bundle.bytes = line.real();
      } else if (line.accept("latency")) {
        bundle.latency = line.duration();
      } else if (line.accept("cap")) {
        bundle.rate_cap = line.real();
      } else if (line.accept("memory")) {
        bundle.memory = weight(line);
      } else {
        unknown_option(line);
      }
    }
    last(program_.plans).phases.back().bundles.push_back(bundle);
  }

  void kind(LineCursor& line) {
    own_id(line, 'k', program_.kinds.size());
    Kind kind{.name = line.text(), .component = component(line), .action = action(line)};
    while (!line.at_end()) {
      if (line.accept("flops")) {
        kind.flops = line.real();
      } else if (line.accept("recomputed")) {
        kind.recomputed = true;
      } else {
        unknown_option(line);
      }
    }
    program_.kinds.push_back(std::move(kind));
  }

  Action action(LineCursor& line) {
    if (line.accept("takes")) return compute(line);
    if (line.accept("joins")) return communicate(line);
    if (line.accept("allocates")) {
      const MemoryCategory what = category(line);
      return Allocate{.category = what, .bytes = line.bytes()};
    }
    if (line.accept("releases")) {
      const MemoryCategory what = category(line);
      return Release{.category = what, .bytes = line.bytes()};
    }
    line.fail("expected an action: takes, joins, allocates or releases");
    return {};
  }

  Compute compute(LineCursor& line) {
    Compute compute{.duration = line.duration()};
    if (line.accept("sm")) compute.sm = line.real32();
    if (line.accept("memory")) compute.memory = line.real32();
    return compute;
  }

  Communicate communicate(LineCursor& line) {
    Communicate communicate;
    line.expect("slot");
    communicate.slot = line.number16();
    line.expect("plan");
    communicate.plan = line.number16();
    return communicate;
  }

  void script(LineCursor& line) {
    own_id(line, 's', program_.scripts.size());
    Script script{.name = line.text()};
    if (line.accept("capacity")) script.memory_capacity = line.bytes();
    if (line.accept("bandwidth")) {
      script.memory_bandwidth = BytesPerSecond(line.real());
      line.expect("B/s");
    }
    program_.scripts.push_back(std::move(script));
  }

  bool in_script(LineCursor& line) {
    if (program_.scripts.empty()) line.fail("this belongs into a script");
    return !line.failed();
  }

  void holds(LineCursor& line) {
    if (!in_script(line)) return;
    const MemoryCategory what = category(line);
    last(program_.scripts).resident[static_cast<std::size_t>(what)] = line.bytes();
  }

  void slot(LineCursor& line) {
    if (!in_script(line)) return;
    std::vector<std::string>& slots = last(program_.scripts).slots;
    own_number(line, slots.size());
    slots.push_back(line.text());
  }

  void lane(LineCursor& line) {
    if (!in_script(line)) return;
    std::vector<Lane>& lanes = last(program_.scripts).lanes;
    own_number(line, lanes.size());
    lanes.push_back({.name = line.text()});
    if (lanes.size() > max_lanes) line.fail(fmt::format("more than {} lanes", max_lanes));
  }

  void task(LineCursor& line) {
    if (!in_script(line)) return;
    Script& script = last(program_.scripts);
    if (script.lanes.empty()) return line.fail("a task outside of a lane");
    std::vector<Task>& tasks = script.lanes.back().tasks;
    if (line.digit_is_next()) {
      own_number(line, tasks.size());
      line.expect(':');
    }
    Task task{.kind = id<KindId>(line, 'k')};
    task.first_wait = static_cast<std::uint32_t>(script.waits.size());
    task_options(line, task, script.waits);
    tasks.push_back(task);
    if (++tasks_ > limits::tasks) line.fail("more tasks than a program may have");
  }

  void task_options(LineCursor& line, Task& task, std::vector<Wait>& waits) {
    while (!line.at_end()) {
      if (line.accept("mb")) {
        task.micro_batch = line.number16();
      } else if (line.accept("layer")) {
        task.layer = line.number16();
      } else if (line.accept("chunk")) {
        task.chunk = line.number16();
      } else if (line.accept("after")) {
        read_waits(line, waits);
      } else {
        unknown_option(line);
      }
    }
    const std::size_t count = waits.size() - task.first_wait;
    if (count > max_lanes) line.fail(fmt::format("more than {} waits", max_lanes));
    task.wait_count = static_cast<std::uint16_t>(count);
  }

  void read_waits(LineCursor& line, std::vector<Wait>& waits) {
    while (line.digit_is_next()) {
      Wait wait{.lane = line.number16()};
      line.expect(':');
      wait.position = line.number32();
      waits.push_back(wait);
    }
  }

  void group(LineCursor& line) {
    own_id(line, 'g', program_.groups.size());
    Group group{.name = line.text()};
    while (!line.at_end()) {
      if (line.accept("count")) {
        group.count = line.number32();
      } else if (line.accept("members")) {
        read_members(line, group.members);
      } else if (line.accept("plans")) {
        group.plans = identities<PlanId>(line, 'p');
      } else if (line.accept("patterns")) {
        group.patterns = identities<PatternId>(line, 'x');
      } else {
        unknown_option(line);
      }
    }
    program_.groups.push_back(std::move(group));
  }

  void read_members(LineCursor& line, std::vector<Member>& members) {
    while (line.id_is_next('c')) {
      Member member{.rank_class = id<ClassId>(line, 'c')};
      if (line.accept('*')) member.count = line.number32();
      members.push_back(member);
    }
  }

  void rank_class(LineCursor& line) {
    own_id(line, 'c', program_.classes.size());
    RankClass rank_class;
    while (!line.at_end()) {
      if (line.accept("script")) {
        rank_class.script = id<ScriptId>(line, 's');
      } else if (line.accept("count")) {
        rank_class.count = line.number32();
      } else if (line.accept("representative")) {
        rank_class.representative = id_at<RankId>(line.number32());
      } else if (line.accept("slowdown")) {
        rank_class.slowdown = line.real();
      } else if (line.accept("groups")) {
        rank_class.groups = identities<GroupId>(line, 'g');
      } else {
        unknown_option(line);
      }
    }
    program_.classes.push_back(std::move(rank_class));
  }

  void ranks(LineCursor& line) {
    auto& classes = program_.class_of_rank;
    while (!line.at_end()) {
      const auto rank_class = id<ClassId>(line, 'c');
      const std::size_t count = line.accept('*') ? line.number32() : 1;
      if (classes.size() + count > static_cast<std::size_t>(limits::ranks)) {
        return line.fail(fmt::format("more than {} ranks", limits::ranks));
      }
      classes.resize(classes.size() + count, rank_class);
    }
  }

  std::string_view text_;
  std::string_view file_;
  Diagnostics diagnostics_;
  Program program_;
  std::int64_t tasks_ = 0;
};

}  // namespace

Program parse_program(std::string_view text, std::string_view file) {
  return Parser(text, file).parse();
}

}  // namespace orrery
