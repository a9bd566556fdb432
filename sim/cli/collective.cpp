#include "base/limits.hpp"
#include "base/units_text.hpp"
#include "cli/command_line.hpp"
#include "cli/share.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "collective/choose.hpp"
#include "collective/transfer_plan.hpp"
#include "scenario/catalogue.hpp"
#include "validation/collective_time.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <map>

namespace orrery {

namespace {

/// One operation as nccl-tests would report it.
struct Report {
  std::string cluster;
  std::string op;
  std::string algorithm;
  std::string protocol;
  std::size_t members = 0;
  Bytes size;
  Seconds time;
  Seconds latency;  ///< of it, what passes before bytes move: once, and for every hop
  Seconds base;     ///< of the latency, what comes once
  double bus_factor = 0.0;
  std::string busiest;       ///< the link that is in use for the longest
  double utilization = 0.0;  ///< of it, over the operation

  double algorithm_bandwidth() const { return static_cast<double>(size.value()) / time.value(); }
  double bus_bandwidth() const { return algorithm_bandwidth() * bus_factor; }
};

std::string required(const Arguments& arguments, std::string_view option) {
  const auto text = arguments.value(option);
  if (text) return *text;
  throw UsageError(
      fmt::format("collective needs --{}; `orrery help collective` shows an example", option));
}

CollectiveKind kind_of(const std::string& op) {
  std::vector<std::string> names;
  for (const CollectiveKind kind : collective_kinds) {
    if (to_string(kind) == op) return kind;
    names.emplace_back(to_string(kind));
  }
  throw UsageError(fmt::format("--op is '{}'; wanted one of {}{}", op, enumerate(names),
                               did_you_mean(op, names)));
}

/// "1 GiB", "512M" as nccl-tests writes it (powers of two), or a number of bytes.
Bytes size_of(const std::string& text) {
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, number);
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  constexpr std::string_view powers = "KMGT";
  const std::size_t power = unit.size() == 1 ? powers.find(unit[0]) : std::string_view::npos;
  const bool counted = failure == std::errc{} && number >= 1 && number < (std::int64_t{1} << 20);
  if (failure == std::errc{} && unit.empty() && number >= 1) return Bytes(number);
  if (counted && power != std::string_view::npos) return Bytes(number << (10 * (power + 1)));
  const Parsed<Bytes> parsed = parse_bytes(text);
  if (const auto* bytes = std::get_if<Bytes>(&parsed); bytes != nullptr && bytes->value() >= 1) {
    return *bytes;
  }
  const auto* wrong = std::get_if<UnitsError>(&parsed);
  throw UsageError(
      fmt::format("--size: {}; wanted bytes, as in 1048576, 512M or \"1 GiB\"",
                  wrong == nullptr ? "there must be something to move" : wrong->message));
}

/// What fits the clock of the simulation on every cluster: 2^63 ps are 106 days.
constexpr Bytes most_bytes(1'000'000'000'000'000);
/// Ranks of one exchange of everybody with everybody, whose pairs are counted exactly.
constexpr std::int64_t most_exchanging = 65'535;

bool exchanges_all(CollectiveKind kind) {
  return kind == CollectiveKind::all_to_all || kind == CollectiveKind::dispatch ||
         kind == CollectiveKind::combine;
}

void check_reach(CollectiveKind kind, Bytes size, std::int64_t gpus) {
  if (size > most_bytes) {
    throw UsageError(fmt::format("--size is {}; wanted at most {}", format_bytes(size),
                                 format_bytes(most_bytes)));
  }
  const std::int64_t most = exchanges_all(kind) ? most_exchanging : std::int64_t{limits::ranks};
  if (gpus > most) throw UsageError(fmt::format("--gpus is {}; wanted at most {}", gpus, most));
}

/// How tokens spread, for a dispatch or combine.
TokenExchange tokens_of(const Arguments& arguments, CollectiveKind kind,
                        const std::string& algorithm) {
  TokenExchange tokens;
  const auto number = [&](const char* option, std::int64_t otherwise) {
    const auto text = arguments.value(option);
    return text ? parse_integer(fmt::format("--{}", option), *text, 1) : otherwise;
  };
  tokens.sms = number("sms", 0);
  tokens.spread.top_k = number("top-k", 1);
  tokens.spread.experts = number("experts", 0);
  const bool spreads = kind == CollectiveKind::dispatch || kind == CollectiveKind::combine;
  if (!spreads && (arguments.has("top-k") || arguments.has("experts"))) {
    throw UsageError("--top-k and --experts say how tokens spread in a dispatch or combine");
  }
  if (tokens.spread.experts > 0 && tokens.spread.experts < tokens.spread.top_k) {
    throw UsageError(fmt::format("--top-k is {} of only {} experts", tokens.spread.top_k,
                                 tokens.spread.experts));
  }
  if (is_expert_exchange(algorithm)) tokens.algorithm = algorithm;
  if (tokens.sms > 0 && tokens.algorithm.empty()) {
    throw UsageError("--sms limits the kernels of deepep and hybridep; name one by --algorithm");
  }
  return tokens;
}

CollectiveTuning tuning_of(const Arguments& arguments) {
  CollectiveTuning tuning;
  tuning.library = arguments.value("library").value_or(tuning.library);
  tuning.algorithm = arguments.value("algorithm").value_or("");
  if (!is_collective_library(tuning.library)) {
    throw UsageError(
        fmt::format("--library is '{}'; wanted none or a version as nccl-2.26", tuning.library));
  }
  std::vector<std::string> names;
  for (const CollectiveAlgorithm* algorithm : registered_collective_algorithms()) {
    names.emplace_back(algorithm->name);
  }
  if (!tuning.algorithm.empty() && find_collective_algorithm(tuning.algorithm) == nullptr) {
    throw UsageError(fmt::format("--algorithm is '{}'; wanted one of {}{}", tuning.algorithm,
                                 enumerate(names), did_you_mean(tuning.algorithm, names)));
  }
  return tuning;
}

Cluster grow(const ClusterSpec& spec, std::int64_t gpus) {
  if (spec.nodes && gpus > *spec.nodes * spec.gpus_per_node) {
    throw UsageError(fmt::format("--gpus is {}; {} has {} nodes of {}", gpus, spec.name,
                                 *spec.nodes, spec.gpus_per_node));
  }
  Diagnostics diagnostics;
  Cluster cluster = build_cluster(spec, gpus, {}, diagnostics);
  diagnostics.throw_if_errors();
  return cluster;
}

/// The first GPUs of the cluster; a transfer goes from the first to the last of them.
std::vector<VertexId> members_of(CollectiveKind kind, std::int64_t gpus) {
  std::vector<VertexId> members;
  for (std::int64_t i = 0; i < gpus; ++i)
    members.push_back(id_at<VertexId>(static_cast<std::size_t>(i)));
  if (kind == CollectiveKind::send_recv) members = {members.front(), members.back()};
  return members;
}

/// The longest latency of every phase, as often as the phase is done.
Seconds latency_of(const TransferPlan& plan) {
  Duration sum{0};
  for (const Phase& phase : plan.phases) {
    Duration longest{0};
    for (const Bundle& bundle : phase.bundles) longest = std::max(longest, bundle.latency);
    sum += longest * static_cast<std::int64_t>(phase.repeat);
  }
  return to_seconds(sum);
}

/// The link that needs longest for what it carries, and for how long.
std::pair<LinkId, Seconds> busiest_link(const Shape& shape, const Choice& choice, Bytes size,
                                        const Cluster& cluster) {
  std::map<LinkId, double> carried;
  for (const PhaseShape& phase : shape.phases) {
    for (const BundleShape& bundle : phase.bundles) {
      for (const LinkCrossing& crossing : bundle.crossings) {
        carried[crossing.link] +=
            phase.repeat * bundle.volume * static_cast<double>(crossing.weight) * 0x1.0p-32;
      }
    }
  }
  std::pair<LinkId, Seconds> busiest{};
  for (const auto& [link, share] : carried) {
    const double bytes = share * static_cast<double>(size.value()) / choice.payload_share;
    const Seconds takes(bytes / cluster.link(link).capacity.value());
    if (takes > busiest.second) busiest = {link, takes};
  }
  return busiest;
}

void check_offered(const CollectiveTuning& tuning, const Choice& choice, CollectiveKind kind) {
  if (tuning.algorithm.empty() || choice.algorithm->name == tuning.algorithm) return;
  throw UsageError(
      fmt::format("--algorithm is {}, which {} does not offer for {} here; without it {} "
                  "is chosen, and --library none runs it bare",
                  tuning.algorithm, tuning.library, to_string(kind), choice.algorithm->name));
}

void check_applicable(const std::string& algorithm, CollectiveKind kind,
                      const std::vector<VertexId>& members, const Cluster& cluster) {
  std::vector<std::string> able;
  for (const CollectiveAlgorithm* other : registered_collective_algorithms()) {
    if (other->applicable(kind, members, cluster)) able.emplace_back(other->name);
  }
  if (algorithm.empty() || std::ranges::find(able, algorithm) != able.end()) return;
  throw UsageError(fmt::format("--algorithm {} does no {} on {} GPUs of {}; wanted one of {}",
                               algorithm, to_string(kind), members.size(), cluster.name(),
                               enumerate(able)));
}

Report price(const Arguments& arguments) {
  const CollectiveKind kind = kind_of(required(arguments, "op"));
  const Bytes size = size_of(required(arguments, "size"));
  const std::int64_t gpus = parse_integer("--gpus", required(arguments, "gpus"), 2);
  check_reach(kind, size, gpus);
  const CollectiveTuning tuning = tuning_of(arguments);
  const ClusterSpec spec =
      Catalogue(share_folders()).cluster({required(arguments, "cluster"), {"--cluster", 0, 0}});
  const Cluster cluster = grow(spec, gpus);
  const std::vector<VertexId> members = members_of(kind, gpus);
  check_applicable(tuning.algorithm, kind, members, cluster);
  const TokenExchange tokens = tokens_of(arguments, kind, tuning.algorithm);
  const Choice choice = Chooser(members, cluster, tuning).choose(kind, size, tokens);
  check_offered(tuning, choice, kind);
  const ShapeOptions options(Steps::bundled, tokens.spread);
  const Shape shape = choice.algorithm->shape(kind, members, cluster, options);
  const TransferPlan plan = make_transfer_plan({shape, choice, kind, size, members.size()});
  const Seconds time = time_alone({kind, size, members, tuning, tokens}, cluster);
  const auto [busiest, takes] = busiest_link(shape, choice, size, cluster);
  return {.cluster = spec.name,
          .op = std::string(to_string(kind)),
          .algorithm = std::string(choice.algorithm->name),
          .protocol = std::string(choice.protocol),
          .members = members.size(),
          .size = size,
          .time = time,
          .latency = latency_of(plan),
          .base = to_seconds(choice.base_latency),
          .bus_factor = bytes_sent_per_member(kind, members.size()),
          .busiest = cluster.name(busiest),
          .utilization = takes / time};
}

void print_json(const Report& report) {
  nlohmann::ordered_json json;
  json["op"] = report.op;
  json["cluster"] = report.cluster;
  json["gpus"] = report.members;
  json["size_bytes"] = report.size.value();
  json["algorithm"] = report.algorithm;
  json["protocol"] = report.protocol;
  json["time_s"] = report.time.value();
  json["latency_s"] = report.latency.value();
  json["base_latency_s"] = report.base.value();
  json["algbw_bytes_per_s"] = report.algorithm_bandwidth();
  json["busbw_bytes_per_s"] = report.bus_bandwidth();
  json["busiest_link"] = report.busiest;
  json["busiest_link_utilization"] = report.utilization;
  fmt::print("{}\n", json.dump(2));
}

void print_text(const Report& report) {
  const Paint paint(stdout);
  const auto line = [](std::string_view name, const std::string& value) {
    fmt::print("  {} {}\n", padded(name, 10), value);
  };
  fmt::print("{} of {} on {} GPUs of {}\n", paint.bold(report.op), format_bytes(report.size),
             report.members, report.cluster);
  line("time", format_seconds(report.time));
  line("latency", fmt::format("{} of it, before bytes move", format_seconds(report.latency)));
  line("algbw", format_rate(BytesPerSecond(report.algorithm_bandwidth())));
  line("busbw",
       fmt::format("{}   (algbw · {:.4g}, as nccl-tests counts)",
                   format_rate(BytesPerSecond(report.bus_bandwidth())), report.bus_factor));
  line("algorithm", report.protocol.empty()
                        ? report.algorithm
                        : fmt::format("{}, {} protocol", report.algorithm, report.protocol));
  line("busiest",
       fmt::format("{}, in use {:.0f} % of the time", report.busiest, 100.0 * report.utilization));
}

int run_collective(const Arguments& arguments) {
  const Report report = price(arguments);
  arguments.has("json") ? print_json(report) : print_text(report);
  return exit_done;
}

}  // namespace

const Verb verbs::collective = {
    .name = "collective",
    .synopsis = "--cluster C --gpus N --op OP --size BYTES [--algorithm A] [--json]",
    .summary = "what one collective costs, in nccl-tests' terms",
    .details =
        "Runs an operation alone on the first GPUs of a cluster. OP: all_reduce all_gather\n"
        "reduce_scatter all_to_all broadcast send_recv. BYTES as nccl-tests counts them: the\n"
        "whole vector; 512M and \"512 MiB\" are the same.\n\n"
        "Also dispatch and combine, tokens to their experts and back: BYTES are those of all\n"
        "copies of a GPU's own tokens, one for each of the --top-k experts that a token picks.\n\n"
        "  orrery collective --cluster dgx-h100 --gpus 8 --op all_reduce --size 512M\n"
        "  orrery collective --cluster dgx-h100 --gpus 32 --op dispatch --size 235M --top-k 8\n"
        "      --experts 256 --algorithm deepep",
    .least_words = 0,
    .most_words = 0,
    .options = {{"cluster", 'c', "C", "a name in topologies/clusters/ or a path"},
                {"gpus", 'n', "N", "how many take part"},
                {"op", 0, "OP", "the operation"},
                {"size", 's', "BYTES", "of the vector"},
                {"algorithm", 'a', "A",
                 "one of `orrery list algorithms` instead of the library's choice"},
                {"top-k", 0, "K", "experts that a token picks, of a dispatch or combine"},
                {"experts", 0, "E", "of how many, spread evenly over the GPUs"},
                {"sms", 0, "N", "that deepep or hybridep may take instead of its default"},
                {"library", 0, "L", "whose choices are made: nccl-2.26 unless given, or none"},
                json_option},
    .run = run_collective};

}  // namespace orrery
