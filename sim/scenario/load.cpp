#include "scenario/load.hpp"

#include "base/limits.hpp"
#include "scenario/composition.hpp"
#include "scenario/expectations.hpp"
#include "scenario/faults.hpp"
#include "scenario/normalise.hpp"
#include "scenario/rules.hpp"
#include "scenario/search_table.hpp"
#include "scenario/sections.hpp"
#include "scenario/validate.hpp"
#include "workload/routing_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace orrery {

namespace fs = std::filesystem;

namespace {

/// Of one file: all are loaded, and what compare prints of them stands side by side.
constexpr std::ptrdiff_t most_variants = 1'000;

/// The trees that a scenario is read from; they outlive every view of them.
struct Trees {
  SettingsNode scenario;
  std::optional<SettingsNode> model;
  std::optional<SettingsNode> cluster;
  std::optional<SettingsNode> gpu;
  std::optional<SettingsNode> software;
};

/// Notes where each key of a tree was written, below `path`.
void note_places(const SettingsNode& node, const std::string& path, Scenario& scenario) {
  scenario.places.insert_or_assign(path, node.position);
  const auto* table = std::get_if<SettingsTable>(&node.value);
  if (table == nullptr) return;
  for (const SettingsEntry& entry : *table) {
    note_places(entry.value.front(), path.empty() ? entry.key : path + "." + entry.key, scenario);
  }
}

class Loading {
 public:
  Loading(const fs::path& path, const LoadOptions& options)
      : options_(options), composer_(folders(path, options), diagnostics_) {}

  /// The tree of the file with the overrides laid over it. Throws if there is no whole tree.
  SettingsNode root(const fs::path& path);
  SettingsNode root_of_text(const std::string& text, const std::string& file);

  Scenario scenario(SettingsNode tree);

  /// The variant's keys over the rest of the tree; nothing (and a finding) if it has no name.
  std::optional<SettingsNode> variant(const SettingsNode& tree, const SettingsNode& keys);
  void check_name_is_new(const SettingsNode& variant);
  /// The scenarios of all variants of a tree; those that cannot be read are left out.
  std::vector<Scenario> variants(const SettingsNode& tree);

  /// Throws what was found, once and without repetition, if any of it is an error.
  void finish() const { gathered().throw_if_errors(); }

 private:
  SettingsNode overridden(std::optional<SettingsNode> tree);
  static std::vector<fs::path> folders(const fs::path& path, const LoadOptions& options);
  void resolve(Trees& trees, const Settings& settings);
  std::optional<SettingsNode> reference(const Settings& settings, std::string_view key,
                                        Shelf shelf);
  void read_parts(Scenario& scenario, const Trees& trees);
  Job read_workload(const Scenario& scenario, const Settings& settings);
  void read_trace(const Model& model, Routing& routing);
  void read_own_keys(Scenario& scenario, const Settings& settings);
  void note_all_places(Scenario& scenario, const Trees& trees) const;
  void judge_all(Scenario& scenario);
  void look_at_cluster(const Scenario& scenario, const Trees& trees);
  bool is_missed(const Scenario& scenario, std::string_view key) const;
  using Lines = std::set<std::pair<std::string, std::size_t>>;  ///< file and line
  Lines bad_lines() const;
  bool is_blamed(const Scenario& scenario, std::string_view key, const Lines& bad) const;
  Diagnostics gathered() const;

  const LoadOptions& options_;
  Diagnostics diagnostics_;
  Composer composer_;
  bool looked_at_cluster_ = false;
  std::map<std::string, SourcePosition, std::less<>> variant_names_;
};

std::vector<fs::path> Loading::folders(const fs::path& path, const LoadOptions& options) {
  std::vector<fs::path> all;
  if (path.has_parent_path())
    all.push_back(path.parent_path());  // for overrides, which lie nowhere
  all.insert(all.end(), options.search_paths.begin(), options.search_paths.end());
  return all;
}

SettingsNode Loading::root(const fs::path& path) {
  if (path.empty()) return overridden(SettingsNode{SettingsTable{}, {}, {}});
  return overridden(composer_.read(path, {}, Shelf::scenarios));
}

SettingsNode Loading::root_of_text(const std::string& text, const std::string& file) {
  return overridden(composer_.read_text(text, file, Shelf::scenarios));
}

SettingsNode Loading::overridden(std::optional<SettingsNode> tree) {
  if (!tree || !composer_.is_complete()) finish();
  for (const Assignment& assignment : options_.overrides) composer_.assign(*tree, assignment);
  return std::move(*tree);
}

// ---- References ---------------------------------------------------------------------------------

std::optional<SettingsNode> Loading::reference(const Settings& settings, std::string_view key,
                                               Shelf shelf) {
  const SettingsNode* node = settings.node(key);
  if (node == nullptr) {
    settings.error(key,
                   fmt::format("{} is missing; wanted a name in {}/, the path of a file or a table",
                               settings.full_name(key), folder_of(shelf)));
    return std::nullopt;
  }
  std::optional<SettingsNode> tree = composer_.resolve(*node, shelf);
  // What was read is noted in the copy that others read from, not here: only now.
  if (settings.is_table(key)) settings.table(key)->accept_all();
  return tree;
}

void Loading::resolve(Trees& trees, const Settings& settings) {
  trees.model = reference(settings, "model", Shelf::models);
  trees.cluster = reference(settings, "cluster", Shelf::clusters);
  if (trees.cluster) {
    composer_.resolve_node_groups(*trees.cluster);
    trees.gpu = reference(Settings(*trees.cluster, diagnostics_, "cluster"), "gpu", Shelf::gpus);
  }
  const SettingsNode usual{std::string("megatron-core"), settings.position(), {}};
  trees.software = settings.node("software") == nullptr
                       ? composer_.resolve(usual, Shelf::software)
                       : reference(settings, "software", Shelf::software);
}

// ---- Reading ------------------------------------------------------------------------------------

void Loading::read_parts(Scenario& scenario, const Trees& trees) {
  if (trees.model) {
    scenario.model = read_model(Settings(*trees.model, diagnostics_));
    report_unread(*trees.model, diagnostics_);
  }
  Gpu gpu;
  if (trees.gpu) {
    gpu = read_gpu(Settings(*trees.gpu, diagnostics_));
    report_unread(*trees.gpu, diagnostics_);
  }
  if (trees.cluster) {
    scenario.cluster = read_cluster(Settings(*trees.cluster, diagnostics_), std::move(gpu));
    report_unread(*trees.cluster, diagnostics_);
  }
  if (trees.software) {
    scenario.software = read_software(Settings(*trees.software, diagnostics_));
    report_unread(*trees.software, diagnostics_);
  }
}

/// What a stack that knows no modules recomputes is what it does, whatever the scenario names
/// (rules::modules_are_the_stacks remarks on it).
void choose_modules(Scenario& scenario) {
  Strategy& s = scenario.strategy;
  if (s.recompute != Recompute::selective) return;
  if (s.recompute_modules_given && !rules::chooses_no_modules(scenario.software)) return;
  s.recompute_modules = scenario.software.selective;
}

/// A workload that is missing stands at the beginning of the file, as do its keys.
Job Loading::read_workload(const Scenario& scenario, const Settings& settings) {
  const SettingsNode nothing{SettingsTable{}, settings.position(), {}};
  const std::optional<Settings> workload = settings.table("workload");
  if (!settings.has("workload")) {
    settings.error("workload", "workload is missing; wanted a table [workload]");
  }
  return read_job(workload.value_or(Settings(nothing, diagnostics_, "workload")),
                  scenario.software.types);
}

/// What was recorded of a routing, for the model's layers and experts.
void Loading::read_trace(const Model& model, Routing& routing) {
  if (routing.kind != RoutingKind::trace || routing.trace_path.empty() || !model.experts) return;
  const fs::path path = composer_.locate(routing.trace_path, routing.trace_position);
  const auto text = read_text_file(path, routing.trace_position, diagnostics_);
  if (!text) return;
  routing.trace = parse_routing_trace(*text, shown(path), routing.trace_step, model, diagnostics_);
}

void Loading::read_own_keys(Scenario& scenario, const Settings& settings) {
  const std::string stem = fs::path(settings.position().file).stem().string();
  scenario.name =
      settings.has("name") ? settings.required_text("name") : (stem.empty() ? "unnamed" : stem);
  scenario.description = settings.text("description").value_or("");
  scenario.path = settings.position().file;
  const auto seed = settings.integer("seed", {0, INT64_MAX});
  scenario.seed = static_cast<std::uint64_t>(seed.value_or(1));
  scenario.strategy = read_strategy(settings);
  if (!scenario.strategy.overlap_given) scenario.strategy.overlap = scenario.software.overlaps;
  if (!scenario.strategy.cuda_graph_given)
    scenario.strategy.cuda_graph = scenario.software.cuda_graph;
  choose_modules(scenario);
  scenario.cluster.shows_hosts = !scenario.strategy.offload.empty();
  if (!scenario.strategy.cp_comm_type_given)
    scenario.strategy.cp_comm_type = scenario.software.cp_comm_type;
  scenario.job = read_workload(scenario, settings);
  Routing& routing = scenario.job.routing;
  if (!routing.seed_given) routing.seed = scenario.seed;
  read_trace(scenario.model, routing);
  scenario.gpus =
      settings.integer("gpus", {1, limits::ranks}).value_or(settings.has("gpus") ? 1 : 0);
  if (scenario.gpus == 0 && !scenario.strategy.dp_given) {
    settings.error("gpus",
                   "gpus is missing; wanted how many GPUs the job uses, or strategy.dp, from "
                   "which it follows");
  }
  scenario.job.low_precision.transposes = scenario.cluster.gpu_at(0).transposes_fp8;
  scenario.fidelity = read_fidelity(settings);
  // What a simulated allocator loses must not be estimated as well.
  if (scenario.fidelity.allocator != "exact") scenario.software.allocator_overhead = 0.0;
  Faults faults = read_faults(settings);
  scenario.stragglers = std::move(faults.stragglers);
  scenario.slow_nodes = std::move(faults.slow_nodes);
  scenario.failed_gpus = std::move(faults.failed_gpus);
  scenario.jitter = faults.jitter;
  scenario.link_faults = std::move(faults.links);
  scenario.expectations = read_expectations(settings);
  settings.accept("variant");
  check_search(settings);
}

Scenario Loading::scenario(SettingsNode tree) {
  Trees trees;
  trees.scenario = std::move(tree);
  Scenario scenario;
  const Settings settings(trees.scenario, diagnostics_);
  resolve(trees, settings);
  read_parts(scenario, trees);
  read_own_keys(scenario, settings);
  for (const Settings& variant : settings.tables("variant")) variant.accept_all();
  report_unread(trees.scenario, diagnostics_);
  note_all_places(scenario, trees);
  judge_all(scenario);
  look_at_cluster(scenario, trees);
  scenario.text = composer_.first_text();
  const Diagnostics found = gathered();
  if (!found.has_errors()) {
    scenario.normalised = normalised_text(scenario, {.scenario = trees.scenario,
                                                     .model = *trees.model,
                                                     .cluster = *trees.cluster,
                                                     .gpu = *trees.gpu,
                                                     .software = *trees.software});
  }
  for (const Diagnostic& diagnostic : found.all()) {
    if (diagnostic.severity == Severity::warning) scenario.warnings.push_back(diagnostic);
  }
  return scenario;
}

std::optional<SettingsNode> Loading::variant(const SettingsNode& tree, const SettingsNode& keys) {
  if (!std::holds_alternative<SettingsTable>(keys.value)) {
    diagnostics_.error(
        keys.position,
        fmt::format("variant is {}; wanted tables written as [[variant]]", describe(keys)));
    return std::nullopt;
  }
  if (keys.find("name") == nullptr) {
    diagnostics_.error(keys.position,
                       "this variant has no name; wanted name = \"...\", to tell it "
                       "from the others");
    return std::nullopt;
  }
  check_name_is_new(keys);
  SettingsNode whole = tree;
  auto& table = std::get<SettingsTable>(whole.value);
  std::erase_if(table, [](const SettingsEntry& entry) { return entry.key == "variant"; });
  composer_.merge(whole, keys);
  return whole;
}

/// Two variants of one name could not be told apart in what is printed of them.
void Loading::check_name_is_new(const SettingsNode& variant) {
  const SettingsNode& name = *variant.find("name");
  const auto* text = std::get_if<std::string>(&name.value);
  if (text == nullptr) return;  // said when the variant is read
  const auto [known, fresh] = variant_names_.try_emplace(*text, name.position);
  if (fresh || known->second == name.position) return;
  diagnostics_.error(name.position,
                     fmt::format("a variant is called '{}' already, at {}; wanted another name",
                                 *text, to_string(known->second)));
}

std::vector<Scenario> Loading::variants(const SettingsNode& tree) {
  const SettingsNode* variants = tree.find("variant");
  const auto* all = variants == nullptr ? nullptr : std::get_if<SettingsArray>(&variants->value);
  std::vector<Scenario> scenarios;
  if (all != nullptr && std::ssize(*all) > most_variants) {
    diagnostics_.error(variants->position,
                       fmt::format("{} variants; wanted at most {}", all->size(), most_variants));
    return scenarios;
  }
  for (std::size_t i = 0; all != nullptr && i < all->size(); ++i) {
    std::optional<SettingsNode> whole = variant(tree, (*all)[i]);
    if (whole) scenarios.push_back(scenario(std::move(*whole)));
  }
  return scenarios;
}

// ---- Judging ------------------------------------------------------------------------------------

void Loading::note_all_places(Scenario& scenario, const Trees& trees) const {
  note_places(trees.scenario, "", scenario);
  if (trees.model) note_places(*trees.model, "model", scenario);
  if (trees.cluster) note_places(*trees.cluster, "cluster", scenario);
  if (trees.gpu) note_places(*trees.gpu, "cluster.gpu", scenario);
  if (trees.software) note_places(*trees.software, "software", scenario);
}

/// Whether an error speaks of a key that stands nowhere: found missing in the scenario, or in a
/// file or an override as a whole.
bool Loading::is_missed(const Scenario& scenario, std::string_view key) const {
  const SourcePosition place = scenario.position(key);
  const std::string_view top = key.substr(0, key.find('.'));
  return std::ranges::any_of(diagnostics_.all(), [&](const Diagnostic& diagnostic) {
    return diagnostic.severity == Severity::error && diagnostic.position == place &&
           (place.file != scenario.path || diagnostic.message.starts_with(top));
  });
}

/// Whether an error was found at the key or below it.
bool Loading::is_blamed(const Scenario& scenario, std::string_view key, const Lines& bad) const {
  if (bad.empty()) return false;
  const auto on_bad_line = [&](const SourcePosition& position) {
    return bad.contains({position.file, position.line});
  };
  const SourcePosition own = scenario.position(key);
  if (own.line > 0 ? on_bad_line(own) : is_missed(scenario, key)) return true;
  const std::string below = std::string(key) + ".";
  for (auto at = scenario.places.lower_bound(below); at != scenario.places.end(); ++at) {
    if (!at->first.starts_with(below)) break;
    if (on_bad_line(at->second)) return true;
  }
  return false;
}

Loading::Lines Loading::bad_lines() const {
  Lines lines;
  for (const Diagnostic& diagnostic : diagnostics_.all()) {
    if (diagnostic.severity == Severity::error) {
      lines.emplace(diagnostic.position.file, diagnostic.position.line);
    }
  }
  return lines;
}

void Loading::judge_all(Scenario& scenario) {
  const Lines bad = bad_lines();
  const auto sound = [&](std::string_view key) { return !is_blamed(scenario, key, bad); };
  const bool sized = derive_world_size(scenario);
  if (!sized) {
    diagnostics_.error(
        scenario.position("strategy"),
        fmt::format("tp · cp · pp · dp, with room for ep · etp, are more than {} ranks, "
                    "the most a job may have",
                    limits::ranks));
    return;
  }
  std::vector<Finding> illegal;
  const bool report_all = options_.illegal == Illegal::report;
  bool short_of_gpus = false;
  for (const Rule& rule : scenario_rules()) {
    if (!std::ranges::all_of(rule.keys, sound)) continue;
    std::optional<Finding> finding = rule.judge(scenario);
    if (!finding) continue;
    const bool feasibility = rule.kind == RuleKind::feasibility;
    // With GPUs missing dp is hypothetical, and what follows from it is part of that verdict.
    const bool verdict = feasibility || report_all || (short_of_gpus && rule.looks_at("gpus"));
    short_of_gpus = short_of_gpus || (feasibility && finding->severity == Severity::error);
    (verdict ? scenario.findings : illegal).push_back(std::move(*finding));
  }
  for (const Finding& finding : illegal) {
    if (finding.severity == Severity::error) {
      diagnostics_.error(finding.position, to_sentence(finding));
    } else {
      diagnostics_.warning(finding.position, to_sentence(finding));
    }
  }
}

/// What fabrics find in their own tables, and faults of links that do not exist, show only when the
/// cluster grows. A sound scenario grows it later; for one that is refused it grows here, so that
/// all findings come at once.
void Loading::look_at_cluster(const Scenario& scenario, const Trees& trees) {
  if (!diagnostics_.has_errors() || looked_at_cluster_) return;
  const Lines bad = bad_lines();
  const bool sound = trees.cluster && trees.gpu && !is_blamed(scenario, "gpus", bad) &&
                     !is_blamed(scenario, "cluster", bad);
  if (!sound) return;
  looked_at_cluster_ = true;
  grow_as_it_is(scenario, diagnostics_);
}

Diagnostics Loading::gathered() const {
  Diagnostics kept;
  std::set<std::tuple<std::string, std::size_t, std::size_t, std::string>> seen;
  std::set<std::pair<std::string, std::size_t>> lines;
  for (const Diagnostic& diagnostic : diagnostics_.all()) {
    const SourcePosition& at = diagnostic.position;
    const bool first_of_line = lines.emplace(at.file, at.line).second;
    if (composer_.is_unreadable(at) && !first_of_line) continue;
    if (!seen.emplace(at.file, at.line, at.column, diagnostic.message).second) continue;
    if (diagnostic.severity == Severity::error) kept.error(at, diagnostic.message);
    if (diagnostic.severity == Severity::warning) kept.warning(at, diagnostic.message);
  }
  return kept;
}

}  // namespace

namespace {
Scenario whole_scenario(Loading& loading, const SettingsNode& root) {
  Scenario scenario = loading.scenario(root);
  loading.variants(root);  // not wanted here, but a mistake in one is a mistake of the file
  loading.finish();
  return scenario;
}
}  // namespace

Scenario load_scenario(const fs::path& path, const LoadOptions& options) {
  Loading loading(path, options);
  return whole_scenario(loading, loading.root(path));
}

Scenario load_scenario_text(const std::string& text, const std::string& file,
                            const LoadOptions& options) {
  Loading loading(file, options);
  return whole_scenario(loading, loading.root_of_text(text, file));
}

std::vector<Scenario> load_variants(const fs::path& path, const LoadOptions& options) {
  Loading loading(path, options);
  const SettingsNode root = loading.root(path);
  std::vector<Scenario> scenarios = loading.variants(root);
  if (root.find("variant") == nullptr) scenarios.push_back(loading.scenario(root));
  loading.finish();
  return scenarios;
}

}  // namespace orrery
