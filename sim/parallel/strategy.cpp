#include "parallel/strategy.hpp"

#include "base/limits.hpp"
#include "parallel/layout.hpp"
#include "schedule/schedule.hpp"
#include "workload/op.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

namespace orrery {

namespace {

using Names = std::vector<std::string>;

bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

// --- the table -----------------------------------------------------------------------------------

std::int64_t read_degree(const Settings& table, std::string_view key) {
  return table.integer(key, {1, limits::ranks}).value_or(1);
}

/// A list whose members must be known.
Names read_names(const Settings& table, std::string_view key, const Names& known) {
  Names names = table.texts(key).value_or(Names{});
  for (const std::string& name : names) {
    if (contains(known, name)) continue;
    table.error(key, fmt::format("'{}' is none of {}{}", name, enumerate(known),
                                 did_you_mean(name, known)));
  }
  return names;
}

std::string read_choice(const Settings& table, std::string_view key, const Names& choices) {
  return table.choice(key, choices).value_or(choices.front());
}

void read_context(const Settings& table, Strategy& s) {
  s.cp = read_degree(table, "cp");
  s.cp_comm_type_given = table.has("cp_comm_type");
  s.cp_comm_type = read_choice(table, "cp_comm_type", context_exchange_names());
  s.hierarchical_context_parallel_sizes =
      table.integers("hierarchical_context_parallel_sizes", {1, limits::ranks})
          .value_or(std::vector<std::int64_t>{});
}

std::string read_order(const Settings& table, std::string otherwise) {
  const std::string order = table.text("order").value_or(otherwise);
  Names axes;
  std::size_t begin = 0;
  while (begin <= order.size()) {
    const std::size_t end = std::min(order.find('-', begin), order.size());
    axes.push_back(order.substr(begin, end - begin));
    begin = end + 1;
  }
  Names sorted = axes;
  std::ranges::sort(sorted);
  if (sorted == Names{"cp", "dp", "ep", "pp", "tp"}) return order;
  table.error("order", fmt::format("'{}' does not name tp, cp, ep, dp and pp once each, as in "
                                   "\"tp-cp-ep-dp-pp\"",
                                   order));
  return otherwise;
}

Recompute read_recompute(const Settings& table, Strategy& s) {
  const std::string how = read_choice(table, "recompute", {"none", "selective", "full"});
  s.recompute_modules = read_names(table, "recompute_modules", recomputable_modules());
  s.recompute_layers = table.integer("recompute_layers", {0, limits::layers}).value_or(0);
  if (how == "full") return Recompute::full;
  if (how == "none") return Recompute::none;
  // As Megatron-Core, unless the stack does otherwise.
  s.recompute_modules_given = table.has("recompute_modules");
  if (!s.recompute_modules_given) s.recompute_modules = {"attention_core"};
  return Recompute::selective;
}

/// A place inside a text, whose value begins at `at` with a quote.
SourcePosition inside(SourcePosition at, std::size_t offset) {
  if (at.line > 0) at.column += 1 + offset;
  return at;
}

void read_layout(const Settings& table, Strategy& s) {
  s.layout_text = table.text("layout").value_or("");
  if (!table.has("layout")) return;
  if (!s.stage_layers.empty()) {
    table.error("layout", "layout and stage_layers both say which stage holds what; wanted one");
    return;
  }
  Layout layout = parse_layout(s.layout_text);
  if (layout.error) {
    table.diagnostics().error(inside(table.position("layout"), layout.error->offset),
                              fmt::format("layout: {}", layout.error->message));
    return;
  }
  s.layout = std::move(layout.stages);
  // As Megatron-Core: the number of stages says how many chunks a rank has.
  const auto stages = static_cast<std::int64_t>(s.layout.size());
  if (!table.has("vpp") && stages % s.pp == 0) s.vpp = stages / s.pp;
}

void read_degrees(const Settings& table, Strategy& s) {
  s.tp = read_degree(table, "tp");
  read_context(table, s);
  s.pp = read_degree(table, "pp");
  s.vpp = read_degree(table, "vpp");
  s.ep = read_degree(table, "ep");
  s.etp = read_degree(table, "etp");
  s.dp = read_degree(table, "dp");
  s.dp_given = table.has("dp");
  s.sp = table.flag("sp").value_or(false);
  s.replica_batch = table.integers("replica_batch", {1, std::int64_t{1} << 40})
                        .value_or(std::vector<std::int64_t>{});
  s.stage_layers =
      table.integers("stage_layers", {0, limits::layers}).value_or(std::vector<std::int64_t>{});
  read_layout(table, s);
}

void read_sharding(const Settings& table, Strategy& s) {
  s.zero = table.integer("zero", {0, 3}).value_or(0);
  s.dp_replicate = read_degree(table, "dp_replicate");
  s.fsdp_unit_layers = table.integer("fsdp_unit_layers", {1, limits::layers}).value_or(1);
  s.fsdp_prefetch = table.integer("fsdp_prefetch", {0, limits::layers}).value_or(1);
  s.reshard_after_forward = table.flag("reshard_after_forward");
  s.no_sync = table.flag("no_sync");
}

/// Replicas need somebody who finds them a place.
void read_placement(const Settings& table, Strategy& s) {
  s.redundant_experts = table.integer("redundant_experts", {0, limits::experts}).value_or(0);
  const std::string otherwise = s.redundant_experts > 0 ? "balanced" : "in_order";
  const Names names{"in_order", "balanced"};
  const std::string name = table.choice("expert_placement", names).value_or(otherwise);
  s.expert_placement = name == "balanced" ? ExpertPlacement::balanced : ExpertPlacement::in_order;
  if (s.redundant_experts == 0 || name == "balanced") return;
  table.error("expert_placement", fmt::format("expert_placement = \"in_order\" leaves no place for "
                                              "redundant_experts = {}; wanted \"balanced\"",
                                              s.redundant_experts));
  s.expert_placement = ExpertPlacement::balanced;
}

Strategy read_table(const Settings& table) {
  Strategy s;
  read_degrees(table, s);
  s.schedule = table.text("schedule").value_or(s.vpp > 1 ? "interleaved" : "1f1b");
  const Schedule* schedule = find_schedule(s.schedule);
  // Schedules in the shape of a V have two chunks, whether the scenario says so or not.
  const bool open = !table.has("vpp") && s.layout.empty();
  if (open && schedule != nullptr && schedule->chunks > 1) s.vpp = schedule->chunks;
  read_sharding(table, s);
  s.recompute = read_recompute(table, s);
  s.overlap_given = table.has("overlap");
  s.overlap =
      read_names(table, "overlap", {"gradients", "parameters", "pipeline", "tensor", "experts"});
  s.delay_wgrad = table.flag("delay_wgrad").value_or(false);
  s.dispatcher = read_choice(table, "dispatcher", {"alltoall", "allgather", "deepep", "hybridep"});
  read_placement(table, s);
  s.cuda_graph_given = table.has("cuda_graph");
  s.cuda_graph = read_choice(table, "cuda_graph", {"none", "partial", "full"});
  s.offload = read_names(table, "offload", {"optimizer", "activations", "parameters"});
  s.offload_layers = table.integer("offload_layers", {0, limits::layers}).value_or(0);
  s.order = read_order(table, s.order);
  return s;
}

// --- the text form -------------------------------------------------------------------------------

struct Part {
  std::string_view text;
  std::size_t offset = 0;
};

std::vector<Part> parts_of(std::string_view text) {
  constexpr std::string_view separators = "_-, ";
  std::vector<Part> parts;
  std::size_t begin = text.find_first_not_of(separators);
  while (begin != std::string_view::npos) {
    const std::size_t end = std::min(text.find_first_of(separators, begin), text.size());
    parts.push_back({text.substr(begin, end - begin), begin});
    begin = text.find_first_not_of(separators, end);
  }
  return parts;
}

/// Degrees by name, in the order of `degree_names`; 0 where the text does not give one.
constexpr std::array<std::string_view, 7> degree_names{"tp", "cp", "pp", "vpp", "ep", "etp", "dp"};
using Degrees = std::array<std::int64_t, degree_names.size()>;

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return lower;
}

/// Enters one part; a sentence about what is wrong with it, or nothing.
std::string enter(std::string_view part, Degrees& degrees) {
  const std::size_t digits = std::min(part.find_first_of("0123456789"), part.size());
  const std::string name = lower_case(part.substr(0, digits));
  const auto found = std::ranges::find(degree_names, name);
  if (found == degree_names.end()) {
    const Names known(degree_names.begin(), degree_names.end());
    return fmt::format(
        "'{}' is no part of a strategy; parts are TP, CP, PP, VPP, EP, ETP and DP with "
        "a number, as in \"EP16_TP1_PP1_DP4\"{}",
        part, did_you_mean(name, known));
  }
  std::int64_t value = 0;
  const char* const end = part.data() + part.size();
  const auto [rest, failure] = std::from_chars(part.data() + digits, end, value);
  if (failure != std::errc{} || rest != end || value < 1 || value > limits::ranks) {
    return fmt::format("'{}' needs a whole number from 1 to {} after its name", part,
                       limits::ranks);
  }
  std::int64_t& degree = degrees[static_cast<std::size_t>(found - degree_names.begin())];
  if (degree != 0) return fmt::format("'{}' says {} a second time", part, name);
  degree = value;
  return "";
}

Strategy read_text(const Settings& scenario, const std::string& text) {
  const SourcePosition at = scenario.position("strategy");
  Degrees degrees{};
  if (text.empty()) {
    scenario.error("strategy",
                   "strategy is empty; wanted parts as in \"EP16_TP1_PP1_DP4\", or a table");
  }
  for (const Part& part : parts_of(text)) {
    const std::string finding = enter(part.text, degrees);
    if (finding.empty()) continue;
    scenario.diagnostics().error(inside(at, part.offset), finding);
  }
  const auto [tp, cp, pp, vpp, ep, etp, dp] = degrees;
  const auto one_or = [](std::int64_t degree) { return std::max<std::int64_t>(1, degree); };
  Strategy s;
  s.tp = one_or(tp);
  s.cp = one_or(cp);
  s.pp = one_or(pp);
  s.vpp = one_or(vpp);
  s.ep = one_or(ep);
  s.etp = one_or(etp);
  s.dp_given = dp > 0;
  s.dp = s.dp_given ? s.ep * dp : 1;  // replicas of an expert-parallel group
  s.schedule = s.vpp > 1 ? "interleaved" : "1f1b";
  return s;
}

/// Keeps products of degrees inside 63 bits.
/// Tokens go from every rank of an expert group to every other, and pairs are counted exactly.
constexpr std::int64_t most_expert_ranks = 65'535;

void check_world(const Settings& scenario, Strategy& s) {
  if (s.ep > most_expert_ranks) {
    const std::string message = fmt::format(
        "ep {} is more than {}, the most ranks that exchange tokens", s.ep, most_expert_ranks);
    const auto table = scenario.is_table("strategy") ? scenario.table("strategy") : std::nullopt;
    table ? table->error("ep", message) : scenario.error("strategy", message);
    s.ep = 1;
  }
  double ranks = 1.0;
  for (const std::int64_t degree : {s.tp, s.cp, s.pp, s.dp}) ranks *= static_cast<double>(degree);
  if (ranks <= static_cast<double>(limits::ranks)) return;
  scenario.error("strategy", fmt::format("tp {} · cp {} · pp {} · dp {} are more than {} GPUs",
                                         s.tp, s.cp, s.pp, s.dp, limits::ranks));
  s.tp = s.cp = s.pp = s.dp = 1;
}

std::string joined(const Names& words, std::string_view separator) {
  return fmt::format("{}", fmt::join(words, separator));
}

}  // namespace

const std::vector<std::string>& context_exchange_names() {
  static const Names names{"p2p", "all_gather", "a2a", "a2a+p2p"};
  return names;
}

std::int64_t Strategy::cp_heads() const {
  if (cp_comm_type == "a2a") return cp;
  const bool levels = cp_comm_type == "a2a+p2p" && !hierarchical_context_parallel_sizes.empty();
  return levels ? hierarchical_context_parallel_sizes.front() : 1;
}

std::int64_t Strategy::cp_ring() const {
  const bool rings = cp_comm_type == "p2p" || cp_comm_type == "a2a+p2p";
  return rings ? cp / cp_heads() : 1;
}

std::int64_t Strategy::weight_copies() const {
  const Schedule* known = find_schedule(schedule);
  return known == nullptr ? 1 : known->directions;
}

std::int64_t Strategy::batch_of_replica(std::int64_t replica, std::int64_t global_batch) const {
  if (replica_batch.empty()) return global_batch / dp;
  const auto entries = static_cast<std::int64_t>(replica_batch.size());
  return replica_batch[static_cast<std::size_t>(replica * entries / dp)];
}

std::int64_t Strategy::largest_batch(std::int64_t global_batch) const {
  return replica_batch.empty() ? global_batch / dp : std::ranges::max(replica_batch);
}

bool Strategy::has_uneven_batches() const {
  return !replica_batch.empty() &&
         std::ranges::min(replica_batch) != std::ranges::max(replica_batch);
}

bool Strategy::overlaps(std::string_view what) const { return contains(overlap, what); }

bool Strategy::offloads(std::string_view what) const { return contains(offload, what); }

bool Strategy::recomputes(std::string_view module) const {
  std::size_t begin = 0;
  while (begin <= module.size()) {
    const std::size_t end = std::min(module.find('/', begin), module.size());
    if (contains(recompute_modules, module.substr(begin, end - begin))) return true;
    begin = end + 1;
  }
  return false;
}

Strategy read_strategy(const Settings& scenario) {
  Strategy s;
  if (scenario.is_table("strategy")) {
    s = read_table(*scenario.table("strategy"));
  } else if (scenario.has("strategy")) {
    const std::optional<std::string> text = scenario.text("strategy");
    if (text) s = read_text(scenario, *text);
  }
  check_world(scenario, s);
  s.position = scenario.position("strategy");
  return s;
}

std::string to_string(const Strategy& strategy) {
  const Strategy& s = strategy;
  Names words{fmt::format("tp {}", s.tp)};
  const auto add = [&](std::string_view name, std::int64_t degree) {
    if (degree > 1) words.push_back(fmt::format("{} {}", name, degree));
  };
  if (s.sp) words.emplace_back("sp");
  add("cp", s.cp);
  words.push_back(fmt::format("pp {}", s.pp));
  add("vpp", s.vpp);
  add("ep", s.ep);
  add("etp", s.etp);
  words.push_back(fmt::format("dp {}", s.dp));
  add("dp_replicate", s.dp_replicate);
  const std::int64_t ranks = s.world_size();
  return fmt::format("{} ({} {})", joined(words, " · "), ranks, ranks == 1 ? "GPU" : "GPUs");
}

std::string deployment_text(const Strategy& strategy) {
  const Strategy& s = strategy;
  if (s.dp % s.ep != 0) return to_string(s);
  Names parts{fmt::format("EP{}", s.ep), fmt::format("TP{}", s.tp), fmt::format("PP{}", s.pp),
              fmt::format("DP{}", s.dp / s.ep)};
  const auto add = [&](std::string_view name, std::int64_t degree) {
    if (degree > 1) parts.push_back(fmt::format("{}{}", name, degree));
  };
  add("CP", s.cp);
  add("VPP", s.vpp);
  add("ETP", s.etp);
  return joined(parts, "_");
}

}  // namespace orrery
