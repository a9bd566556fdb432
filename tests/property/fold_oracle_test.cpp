// The oracle of folding: simulated once per class and expanded, or rank by rank, a scenario has the
// same spans, the same memory and the same end, to the picosecond. Random strategies on random
// clusters, with stragglers, slow and failed nodes, jitter and slow links thrown in.

#include "base/random.hpp"
#include "cli/share.hpp"
#include "cli/simulate.hpp"
#include "scenario/faults.hpp"
#include "scenario/load.hpp"
#include "schedule/schedule.hpp"
#include "support/scenarios.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <vector>

namespace orrery {
namespace {

/// Picks values for one seed; the n-th choice is a function of the seed and n alone.
class Choices {
 public:
  explicit Choices(std::uint64_t seed) : seed_(seed) {}

  std::uint64_t below(std::uint64_t bound) {
    return draw_below({seed_, Purpose::property_test, 0}, next_++, bound);
  }
  template <typename T>
  T of(const std::vector<T>& values) {
    return values[below(values.size())];
  }

 private:
  std::uint64_t seed_;
  std::uint64_t next_ = 0;
};

const std::vector<std::string> clusters = {"dgx-h100",    "dgx-a100-80g", "dgx-a100-80g-4nic",
                                           "gb200-nvl72", "mi300x-8",     "h100-roce-3tier-1to7"};

/// A way to divide sequences that eight heads allow.
struct ContextForm {
  std::int64_t cp;
  std::string type;
  std::string sizes;
};

ContextForm random_context(Choices& choose, std::int64_t tp) {
  if (choose.below(2) == 0) return {1, "p2p", "[]"};
  if (tp <= 2 && choose.below(4) == 0) return {4, "a2a+p2p", "[2, 2]"};
  return {tp == 4 ? 2 : choose.of<std::int64_t>({2, 4}),
          choose.of<std::string>({"p2p", "p2p", "all_gather", "a2a"}), "[]"};
}

std::string random_order(Choices& choose) {
  std::vector<std::string> axes = {"tp", "cp", "ep", "dp", "pp"};
  std::string order;
  while (!axes.empty()) {
    const auto next = static_cast<std::ptrdiff_t>(choose.below(axes.size()));
    order += (order.empty() ? "" : "-") + axes[static_cast<std::size_t>(next)];
    axes.erase(axes.begin() + next);
  }
  return order;
}

/// A node as the cluster has it and further ones with other GPUs, slower links and adapters.
constexpr const char* node_groups =
    "[{nodes = 1}, {nodes = 12, gpu = \"a100-sxm-40g\", intra_node = {bandwidth = \"200 GB/s\"}, "
    "nic = {bandwidth = \"100 Gb/s\"}}]";

/// Gives them to a cluster that grows and whose NVLink domains are nodes.
void mix_nodes(Keys& keys) {
  const std::string& cluster = std::ranges::find(keys, "cluster", &Keys::value_type::first)->second;
  if (!cluster.starts_with("dgx") && cluster != "mi300x-8") return;
  keys.push_back({"cluster.node_group", node_groups});
}

/// A share and three of them to every two replicas.
void add_uneven_shares(Keys& keys, std::int64_t dp, std::int64_t micro_batches) {
  keys.push_back({"workload.global_batch", std::to_string(2 * dp * micro_batches)});
  keys.push_back({"strategy.replica_batch", "[" + std::to_string(micro_batches) + ", " +
                                                std::to_string(3 * micro_batches) + "]"});
}

/// Perhaps, and where backwards are whole: to hosts with ports that one, two or three GPUs share.
void offload_something(const std::string& schedule, Keys& keys, Choices& choose) {
  const bool whole_backwards =
      schedule == "1f1b" || schedule == "gpipe" || schedule == "interleaved";
  if (!whole_backwards || choose.below(2) == 0) return;
  keys.push_back(
      {"strategy.offload", choose.of<std::string>({"[\"optimizer\"]", "[\"activations\"]",
                                                   "[\"optimizer\", \"activations\"]"})});
  keys.push_back(
      {"cluster.host", "{memory = \"1 TB\", memory_bandwidth = \"200 GB/s\", link = \"" +
                           choose.of<std::string>({"pcie", "c2c"}) +
                           "\", bandwidth = \"32 GB/s\", latency = \"1 us\", gpus_per_port = " +
                           choose.of<std::string>({"1", "2", "3"}) + "}"});
}

/// Even, or drawn by one of the laws, in one case in three with a capacity.
void add_routing(Choices& choose, Keys& keys) {
  const auto kind = choose.of<std::string>({"forced", "uniform", "uniform", "zipf", "dirichlet"});
  keys.push_back({"workload.routing.kind", kind});
  keys.push_back({"workload.routing.seed", std::to_string(choose.below(1000))});
  if (choose.below(3) > 0) return;
  keys.push_back({"workload.routing.capacity_factor", choose.of<std::string>({"0.8", "1.2", "2"})});
  keys.push_back({"workload.routing.pad_to_capacity", choose.of<std::string>({"true", "false"})});
}

void add_experts(Choices& choose, Keys& keys) {
  keys.push_back({"model.moe", "{experts = 8, top_k = 2, expert_ffn = 256}"});
  keys.push_back({"strategy.dispatcher",
                  choose.of<std::string>({"alltoall", "allgather", "deepep", "hybridep"})});
  add_routing(choose, keys);
}

/// A small legal scenario: at most 64 GPUs and 8 layers, dense or with experts.
Scenario random_scenario(Choices& choose) {
  const bool experts = choose.below(2) == 0;
  const std::int64_t tp = choose.of<std::int64_t>({1, 1, 2, 4});
  const std::int64_t pp = choose.of<std::int64_t>({1, 2, 4});
  const ContextForm context = random_context(choose, tp);
  const std::int64_t dp = choose.of<std::int64_t>(
      context.cp > 1 ? std::vector<std::int64_t>{1, 2} : std::vector<std::int64_t>{1, 2, 4});
  const std::string schedule =
      pp == 1 ? "1f1b"
              : choose.of<std::string>({"1f1b", "gpipe", "interleaved", "zb-h1", "zb-h2", "zb-v",
                                        "v-half", "v-min", "dualpipe", "dualpipev"});
  const bool interleaved = schedule == "interleaved";
  const bool dualpipe = schedule.starts_with("dualpipe");
  const bool chunks = interleaved || find_schedule(schedule)->chunks == 2;
  const std::int64_t ep = experts ? choose.of<std::int64_t>({1, std::min<std::int64_t>(dp, 4)}) : 1;
  const std::int64_t micro_batches =
      interleaved || dualpipe ? 2 * pp : choose.of<std::int64_t>({1, 2, 5});
  const std::int64_t most_zero = schedule == "dualpipe" ? 1 : 3;
  const std::int64_t zero = std::min(most_zero, choose.of<std::int64_t>({0, 1, 2, 3}));
  const bool divides = zero > 0 && dp % 2 == 0 && tp * dp / ep % 2 == 0 && schedule != "dualpipe";
  const std::int64_t copies = divides ? choose.of<std::int64_t>({1, 2}) : 1;
  Keys keys = {
      {"name", "random"},
      {"cluster", choose.of(clusters)},
      {"gpus", std::to_string(tp * context.cp * pp * dp)},
      {"model.name", "small"},
      {"model.source", "none: made for this test"},
      {"model.gated_ffn", "true"},
      {"model.layers", std::to_string(pp * (chunks ? 2 : 1))},
      {"model.hidden", "512"},
      {"model.vocabulary", "1024"},
      {"model.ffn", "1024"},
      {"model.attention", "{kind = \"mha\", heads = 8, kv_heads = 8, head_dim = 64}"},
      {"workload.sequence_length", "256"},
      {"workload.global_batch", std::to_string(dp * micro_batches)},
      {"strategy.tp", std::to_string(tp)},
      {"strategy.sp", tp > 1 ? "true" : "false"},
      {"strategy.cp", std::to_string(context.cp)},
      {"strategy.cp_comm_type", "\"" + context.type + "\""},
      {"strategy.hierarchical_context_parallel_sizes", context.sizes},
      {"strategy.pp", std::to_string(pp)},
      {"strategy.vpp", chunks ? "2" : "1"},
      {"strategy.ep", std::to_string(ep)},
      {"strategy.schedule", schedule},
      {"strategy.zero", std::to_string(zero)},
      {"strategy.dp_replicate", std::to_string(copies)},
      {"strategy.reshard_after_forward", choose.of<std::string>({"true", "false"})},
      {"strategy.no_sync", choose.of<std::string>({"true", "false"})},
      {"strategy.recompute", choose.of<std::string>({"none", "full"})},
      {"strategy.overlap",
       choose.of<std::string>({"[]", "[\"gradients\", \"parameters\"]",
                               "[\"gradients\", \"pipeline\"]", "[\"tensor\", \"pipeline\"]",
                               "[\"experts\", \"pipeline\"]"})},
      {"strategy.delay_wgrad", choose.of<std::string>({"true", "false"})},
      {"strategy.order", choose.below(2) == 0 ? "tp-cp-ep-dp-pp" : random_order(choose)},
      {"fidelity.allocator", choose.of<std::string>({"exact", "caching"})},
  };
  const bool meet_once = ep == 1 && zero <= 1 && dp > 1 && !dualpipe;
  if (choose.below(2) == 0 && meet_once) add_uneven_shares(keys, dp, micro_batches);
  if (choose.below(2) == 0) mix_nodes(keys);
  if (experts) add_experts(choose, keys);
  if (!experts) offload_something(schedule, keys, choose);
  Scenario scenario = scenario_of(keys);
  const bool adds_up = choose.below(3) == 0;
  scenario.cluster.fabric.set("scale_out.in_network_reduction", {adds_up, {}, {}});
  return scenario;
}

/// Asymmetry of nodes: one slow, one failed, every GPU a little different.
void disturb_nodes(Scenario& scenario, Choices& choose) {
  const auto nodes =
      static_cast<std::uint64_t>((scenario.gpus - 1) / scenario.cluster.gpus_per_node);
  if (choose.below(4) == 0) {
    const auto node = static_cast<std::int64_t>(choose.below(nodes + 1));
    scenario.failed_gpus.push_back({.node = node});
  }
  if (choose.below(4) == 0) {
    const Outage outage = outage_of(scenario);
    const std::int64_t gpu = nth_gpu(scenario.gpus - 1, outage);
    scenario.slow_nodes.push_back({gpu / outage.gpus_per_node, 1.3, {}});
  }
  if (choose.below(4) == 0) {
    const auto kind = choose.below(2) == 0 ? Distribution::uniform : Distribution::normal;
    scenario.jitter = Jitter{kind, 0.02, choose.below(100), {}};
  }
}

/// Up to two slow ranks and one slow link.
void disturb(Scenario& scenario, Choices& choose) {
  for (std::uint64_t n = choose.below(3); n > 0; --n) {
    const auto rank =
        static_cast<std::int64_t>(choose.below(static_cast<std::uint64_t>(scenario.gpus)));
    scenario.stragglers.push_back({rank, 1.0 + 0.1 * static_cast<double>(1 + choose.below(5)), {}});
  }
  disturb_nodes(scenario, choose);
  if (choose.below(2) == 0) return;
  Diagnostics diagnostics;
  const Cluster cluster = grow_as_it_is(scenario, diagnostics);
  const auto link = id_at<LinkId>(choose.below(cluster.link_count()));
  scenario.link_faults.push_back(
      {cluster.name(link), 0.25 * static_cast<double>(1 + choose.below(3))});
}

struct Simulated {
  Program program;
  RunResult result;
  RecordingSink rows;
};

Simulated run_with(Scenario scenario, bool fold) {
  scenario.fidelity.fold = fold;
  const Prepared prepared = prepare(scenario);
  Simulated out{prepared.program, {}, {}};
  out.result = run(prepared, scenario, out.rows);
  return out;
}

using Row = std::tuple<std::size_t, std::size_t, Instant, Duration, Duration>;

std::map<ClassId, std::vector<Row>> spans_by_class(const Simulated& run) {
  std::map<ClassId, std::vector<Row>> rows;
  for (const Span& span : run.rows.spans) {
    rows[span.rank_class].push_back(
        {span.lane, span.position, span.begin, span.duration, span.waited});
  }
  for (auto& [rank_class, spans] : rows) std::ranges::sort(spans);
  return rows;
}

/// Every rank of the folded run has the rows that it has when simulated by itself.
void expect_equal(const Simulated& folded, const Simulated& whole) {
  EXPECT_EQ(folded.result.end, whole.result.end);
  const auto of_class = spans_by_class(folded);
  const auto of_rank = spans_by_class(whole);
  for (std::size_t i = 0; i < whole.program.class_of_rank.size(); ++i) {
    const auto rank = id_at<RankId>(i);
    const ClassId alike = folded.program.class_of_rank[rank];
    const ClassId alone = whole.program.class_of_rank[rank];
    ASSERT_EQ(of_class.at(alike), of_rank.at(alone)) << "rank " << i;
    ASSERT_EQ(folded.result.memory[alike].bytes, whole.result.memory[alone].bytes);
    ASSERT_EQ(folded.result.memory[alike].at, whole.result.memory[alone].at);
    ASSERT_EQ(folded.result.memory[alike].reserved, whole.result.memory[alone].reserved);
    ASSERT_GE(folded.result.memory[alike].reserved, folded.result.memory[alike].bytes);
  }
}

class FoldOracle : public testing::TestWithParam<std::uint64_t> {};

// Ten scenarios a case: 240 of them.
TEST_P(FoldOracle, OneOfEachClassTellsForAllOfThem) {
  std::uint64_t shared_kernels = 0;
  for (std::uint64_t seed = GetParam() * 10; seed < GetParam() * 10 + 10; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Choices choose(seed);
    Scenario scenario = random_scenario(choose);
    disturb(scenario, choose);
    const Simulated folded = run_with(scenario, true);
    const Simulated whole = run_with(scenario, false);

    ASSERT_LE(folded.program.classes.size(), whole.program.classes.size());
    ASSERT_NO_FATAL_FAILURE(expect_equal(folded, whole));
    shared_kernels += folded.result.shared_kernels;
  }
  EXPECT_GT(shared_kernels, 0U);
}

INSTANTIATE_TEST_SUITE_P(Seeds, FoldOracle, testing::Range<std::uint64_t>(0, 24));

Scenario mixtral_with(const std::vector<Assignment>& more) {
  LoadOptions options{.overrides = {{"name", "experts", {}},
                                    {"model", "mixtral-8x7b", {}},
                                    {"model.layers", "4", {}},
                                    {"cluster", "dgx-h100", {}},
                                    {"gpus", "32", {}},
                                    {"strategy.pp", "2", {}},
                                    {"strategy.ep", "8", {}},
                                    {"workload.sequence_length", "256", {}},
                                    {"workload.global_batch", "64", {}}},
                      .search_paths = share_folders()};
  options.overrides.insert(options.overrides.end(), more.begin(), more.end());
  return load_scenario("", options);
}

/// Two groups of eight share the experts of each stage; equal places of both are alike.
TEST(Folding, OfUnevenRoutingLeavesOneClassForEachPlaceAmongTheExperts) {
  const Scenario scenario = mixtral_with({{"workload.routing.kind", "zipf", {}}});

  EXPECT_EQ(prepare(scenario).program.classes.size(), 2U * 8U);
  ASSERT_NO_FATAL_FAILURE(expect_equal(run_with(scenario, true), run_with(scenario, false)));
}

TEST(Folding, OfReplicatedExpertsIsExact) {
  const Scenario scenario = mixtral_with({{"workload.kind", "forward", {}},
                                          {"workload.routing.kind", "dirichlet", {}},
                                          {"strategy.redundant_experts", "8", {}}});

  ASSERT_NO_FATAL_FAILURE(expect_equal(run_with(scenario, true), run_with(scenario, false)));
}

TEST(Folding, OfAHealthyJobLeavesOneClassAStage) {
  Choices choose(1);
  LoadOptions options{.overrides = {{"gpus", "64", {}},
                                    {"strategy.pp", "4", {}},
                                    {"model", "llama3-8b", {}},
                                    {"cluster", "dgx-h100", {}},
                                    {"name", "healthy", {}},
                                    {"workload.sequence_length", "256", {}},
                                    {"workload.global_batch", "64", {}}},
                      .search_paths = share_folders()};
  const Prepared prepared = prepare(load_scenario("", options));

  EXPECT_EQ(prepared.program.classes.size(), 4U);
}

}  // namespace
}  // namespace orrery
