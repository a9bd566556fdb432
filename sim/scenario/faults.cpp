#include "scenario/faults.hpp"

#include "base/limits.hpp"
#include "base/random.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <string>

namespace orrery {

namespace {

constexpr IntegerRange ranks{0, limits::ranks - 1};

double read_slowdown(const Settings& fault) {
  const double slowdown = fault.required_number("slowdown");
  if (slowdown < 1.0 || slowdown > 1e6) {
    fault.error("slowdown", fmt::format("{} = {} is out of range; wanted a factor from 1 to 1e6",
                                        fault.full_name("slowdown"), slowdown));
  }
  return slowdown;
}

/// "node[3].gpu[5]".
std::optional<FailedGpu> parse_gpu(std::string_view name) {
  const auto number = [&](std::string_view before, std::int64_t& value) {
    if (!name.starts_with(before)) return false;
    name.remove_prefix(before.size());
    const auto [rest, failure] = std::from_chars(name.data(), name.data() + name.size(), value);
    name.remove_prefix(static_cast<std::size_t>(rest - name.data()));
    return failure == std::errc{} && value >= 0 && value < limits::ranks;
  };
  FailedGpu failed;
  std::int64_t node = 0;
  std::int64_t place = 0;
  if (!number("node[", node) || !number("].gpu[", place) || name != "]") return std::nullopt;
  failed.node = node;
  failed.place = place;
  return failed;
}

/// Two slowdowns of one rank or node would leave it open which of them counts.
class Once {
 public:
  Once(std::string_view key, std::string_view state) : key_(key), state_(state) {}

  void check(const Settings& fault, std::int64_t number) {
    const auto [known, fresh] = seen_.try_emplace(number, fault.position(key_));
    if (fresh) return;
    fault.error(key_, fmt::format("{} {} is {} already, at {}; wanted one slowdown", key_, number,
                                  state_, to_string(known->second)));
  }

 private:
  std::string_view key_;
  std::string_view state_;
  std::map<std::int64_t, SourcePosition> seen_;
};

class FaultReader {
 public:
  explicit FaultReader(std::uint64_t seed) : seed_(seed) {}

  void read(const Settings& fault);
  Faults take() { return std::move(faults_); }

 private:
  void read_straggler(const Settings& fault);
  void read_slow_node(const Settings& fault);
  void read_jitter(const Settings& fault);
  void read_failed_gpu(const Settings& fault);
  void read_degraded_link(const Settings& fault);
  void read_failed_link(const Settings& fault);

  std::uint64_t seed_;
  Faults faults_;
  Once ranks_{"rank", "a straggler"};
  Once nodes_{"node", "slow"};
};

void FaultReader::read_straggler(const Settings& fault) {
  const Straggler straggler{fault.required_integer("rank", ranks), read_slowdown(fault),
                            fault.position("rank")};
  ranks_.check(fault, straggler.rank);
  faults_.stragglers.push_back(straggler);
}

void FaultReader::read_slow_node(const Settings& fault) {
  const SlowNode slow{fault.required_integer("node", ranks), read_slowdown(fault),
                      fault.position("node")};
  nodes_.check(fault, slow.node);
  faults_.slow_nodes.push_back(slow);
}

double read_spread(const Settings& fault) {
  constexpr double most = 0.15;  // normal draws reach 6 spreads below 1
  if (!fault.has("spread")) {
    fault.error("spread", fmt::format("{} is missing; wanted a share of the time, as in \"2 %\"",
                                      fault.full_name("spread")));
  }
  const double spread = fault.percent("spread").value_or(most);
  if (spread > 0.0 && spread <= most) return spread;
  fault.error("spread", fmt::format("{} = {} % is out of range; wanted more than 0 % and at most "
                                    "15 %",
                                    fault.full_name("spread"), 100.0 * spread));
  return most;
}

void FaultReader::read_jitter(const Settings& fault) {
  static const std::vector<std::string> distributions = {"uniform", "normal"};
  Jitter jitter;
  jitter.position = fault.position();
  fault.required_text("distribution");
  const auto name = fault.choice("distribution", distributions);
  jitter.distribution = name == "normal" ? Distribution::normal : Distribution::uniform;
  jitter.spread = read_spread(fault);
  const auto own = fault.integer("seed", {0, INT64_MAX});
  jitter.seed = own ? static_cast<std::uint64_t>(*own) : seed_;
  if (faults_.jitter) {
    fault.error("kind", fmt::format("there is jitter already, at {}; wanted one",
                                    to_string(faults_.jitter->position)));
  }
  faults_.jitter = jitter;
}

void FaultReader::read_failed_gpu(const Settings& fault) {
  FailedGpu failed;
  int given = 0;
  for (const std::string_view key : {"gpu", "rank", "node"}) {
    if (!fault.has(key)) continue;
    ++given;
    failed.position = fault.position(key);
  }
  if (const auto name = fault.text("gpu")) {
    if (const auto parsed = parse_gpu(*name)) {
      failed.node = parsed->node;
      failed.place = parsed->place;
    } else {
      fault.error("gpu", fmt::format("{} is '{}'; wanted a GPU's name, as in \"node[3].gpu[5]\"",
                                     fault.full_name("gpu"), *name));
    }
  }
  failed.rank = fault.integer("rank", ranks);
  if (const auto node = fault.integer("node", ranks)) failed.node = node;
  if (given != 1) {
    fault.error(given == 0 ? "kind" : "node",
                fmt::format("a failed GPU with {} of gpu, rank and node; wanted one of them, as in "
                            "gpu = \"node[3].gpu[5]\"",
                            given == 0 ? "none" : "several"));
  }
  faults_.failed_gpus.push_back(failed);
}

void FaultReader::read_degraded_link(const Settings& fault) {
  LinkFault link{fault.required_text("link"), fault.required_number("capacity_factor"),
                 fault.position("link")};
  if (link.capacity_factor <= 0.0 || link.capacity_factor > 1.0) {
    fault.error("capacity_factor",
                fmt::format("{} = {} is out of range; wanted a share above 0 and up to 1 "
                            "(kind = \"failed_link\" is none at all)",
                            fault.full_name("capacity_factor"), link.capacity_factor));
  }
  faults_.links.push_back(link);
}

void FaultReader::read_failed_link(const Settings& fault) {
  faults_.links.push_back({fault.required_text("link"), 0.0, fault.position("link")});
}

void FaultReader::read(const Settings& fault) {
  static const std::vector<std::string> kinds = {"straggler",  "slow_node",     "jitter",
                                                 "failed_gpu", "degraded_link", "failed_link"};
  fault.required_text("kind");
  const std::string kind = fault.choice("kind", kinds).value_or("");
  if (kind == "straggler") read_straggler(fault);
  if (kind == "slow_node") read_slow_node(fault);
  if (kind == "jitter") read_jitter(fault);
  if (kind == "failed_gpu") read_failed_gpu(fault);
  if (kind == "degraded_link") read_degraded_link(fault);
  if (kind == "failed_link") read_failed_link(fault);
  if (std::ranges::find(kinds, kind) == kinds.end()) fault.accept_all();
}

}  // namespace

Faults read_faults(const Settings& scenario) {
  const auto seed = scenario.integer("seed", {0, INT64_MAX}).value_or(1);
  FaultReader reader(static_cast<std::uint64_t>(seed));
  for (const Settings& fault : scenario.tables("fault")) reader.read(fault);
  return reader.take();
}

std::int64_t node_of(const FailedGpu& failed, std::int64_t gpus_per_node) {
  return failed.rank ? *failed.rank / gpus_per_node : failed.node.value_or(0);
}

Outage outage_of(const Scenario& scenario) {
  Outage outage{.gpus_per_node = scenario.cluster.gpus_per_node};
  for (const FailedGpu& failed : scenario.failed_gpus) {
    outage.nodes.push_back(node_of(failed, outage.gpus_per_node));
  }
  std::ranges::sort(outage.nodes);
  const auto rest = std::ranges::unique(outage.nodes);
  outage.nodes.erase(rest.begin(), rest.end());
  return outage;
}

std::int64_t gpus_spanned(const Scenario& scenario, std::int64_t gpus) {
  const Outage outage = outage_of(scenario);
  return gpus < 1 || outage.nodes.empty() ? gpus : nth_gpu(gpus - 1, outage) + 1;
}

Cluster grow_as_it_is(const Scenario& scenario, Diagnostics& diagnostics) {
  std::int64_t gpus = gpus_spanned(scenario, scenario.gpus);
  const auto& nodes = scenario.cluster.nodes;
  if (nodes) gpus = std::min(gpus, *nodes * scenario.cluster.gpus_per_node);
  return build_cluster(scenario.cluster, gpus, scenario.link_faults, diagnostics);
}

double jitter_of(const Jitter& jitter, std::int64_t gpu) {
  const Draw what{jitter.seed, Purpose::jitter, static_cast<std::uint64_t>(gpu)};
  if (jitter.distribution == Distribution::uniform) {
    return 1.0 + jitter.spread * (2.0 * draw_unit(what, 0) - 1.0);
  }
  double sum = -6.0;
  for (std::uint64_t n = 0; n < 12; ++n) sum += draw_unit(what, n);
  return 1.0 + jitter.spread * sum;
}

std::vector<RankSlowdown> slowdowns(const Scenario& scenario) {
  const Outage outage = outage_of(scenario);
  const std::int64_t world = scenario.strategy.world_size();
  std::map<std::int64_t, double> factors;
  for (const Straggler& straggler : scenario.stragglers) {
    factors[straggler.rank] = straggler.slowdown;
  }
  std::map<std::int64_t, double> nodes;
  for (const SlowNode& slow : scenario.slow_nodes) nodes[slow.node] = slow.slowdown;
  const bool looks_at_all = scenario.jitter || !nodes.empty();
  for (std::int64_t rank = 0; looks_at_all && rank < world; ++rank) {
    const std::int64_t gpu = nth_gpu(rank, outage);
    const auto slow = nodes.find(gpu / outage.gpus_per_node);
    const bool on_slow_node = slow != nodes.end();
    if (!scenario.jitter && !on_slow_node) continue;
    double& factor = factors.try_emplace(rank, 1.0).first->second;
    if (on_slow_node) factor *= slow->second;
    if (scenario.jitter) factor *= jitter_of(*scenario.jitter, gpu);
  }
  std::vector<RankSlowdown> all;
  for (const auto& [rank, factor] : factors) all.push_back({rank, factor});
  return all;
}

}  // namespace orrery
