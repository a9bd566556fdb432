#include "base/units_text.hpp"
#include "cli/command_line.hpp"
#include "cli/kernel_settings.hpp"
#include "cli/share.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "hardware/kernel_times.hpp"
#include "scenario/catalogue.hpp"
#include "scenario/toml_settings.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace orrery {

namespace {

/// Options that become keys of the kernel, dashes for underscores.
const std::vector<Option> sizes = {
    {"m", 0, "N", "rows of a product; of each group, when grouped"},
    {"n", 0, "N", "columns of a product"},
    {"k", 0, "N", "what a product sums over"},
    {"groups", 0, "N", "products in one launch"},
    {"accumulate", 0, "true|false", "the product adds to what its output holds"},
    {"batch", 0, "N", "sequences"},
    {"heads", 0, "N", "query heads"},
    {"kv-heads", 0, "N", "key and value heads; as many as heads unless given"},
    {"head-dim", 0, "N", "width of a head; 128 unless given"},
    {"v-head-dim", 0, "N", "width of a value head; as head-dim unless given"},
    {"sequence-length", 0, "N", "new tokens"},
    {"context-length", 0, "N", "tokens in the cache"},
    {"window", 0, "N", "tokens back that attention sees; 0: all"},
    {"causal", 0, "true|false", "attention sees no later tokens; true unless given"},
    {"bytes", 0, "SIZE", "what goes through memory, as in \"1 GB\""},
    {"type", 0, "TYPE", "of the operands: bf16 unless given"},
    {"output-type", 0, "TYPE", "of the result: bf16 unless given"}};

std::string key_of(std::string_view option) {
  std::string key(option);
  std::ranges::replace(key, '-', '_');
  return key;
}

/// What was typed as the table that read_kernel takes. Words are the op, if --op is not given, and
/// then m, n, k.
SettingsNode typed_kernel(const Arguments& arguments) {
  SettingsNode kernel{SettingsTable{}, {"kernel", 0, 0}, {}};
  const auto set = [&](const std::string& key, const std::string& text, const std::string& place) {
    kernel.set(key, parse_toml_value(text, {place, 0, 0}));
  };
  std::vector<std::string> words = arguments.words;
  if (const auto op = arguments.value("op")) {
    set("op", *op, "--op");
  } else if (!words.empty()) {
    set("op", words.front(), "op");
    words.erase(words.begin());
  }
  const std::array dimensions = {"m", "n", "k"};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i >= dimensions.size()) throw UsageError(fmt::format("what is '{}'?", words[i]));
    set(dimensions[i], words[i], dimensions[i]);
  }
  for (const Option& size : sizes) {
    const auto text = arguments.value(size.name);
    if (text) set(key_of(size.name), *text, fmt::format("--{}", size.name));
  }
  return kernel;
}

NumberType type_of(const Kernel& kernel) {
  struct Type {
    NumberType operator()(const GemmKernel& k) const { return k.type; }
    NumberType operator()(const GroupedGemmKernel& k) const { return k.type; }
    NumberType operator()(const AttentionKernel& k) const { return k.type; }
    NumberType operator()(const MemoryKernel&) const { return NumberType::bf16; }
  };
  return std::visit(Type{}, kernel);
}

struct Priced {
  const Gpu& gpu;
  const Kernel& kernel;
  KernelTime time;

  double seconds() const { return time.total.value(); }
  double flops_rate() const { return executed_flops(kernel).value() / seconds(); }
  double byte_rate() const {
    return static_cast<double>(compulsory_bytes(kernel).value()) / seconds();
  }
  double peak_share() const { return flops_rate() / gpu.peak_rate(type_of(kernel)).value(); }
  double bandwidth_share() const { return byte_rate() / gpu.memory_bandwidth.value(); }
  /// What takes longest: arithmetic, memory, or, when neither fills half the time, the launch.
  std::string_view limit() const {
    const double longest = std::max(time.sm.value(), time.memory.value());
    if (longest < 0.5 * seconds()) return "launch";
    return time.sm.value() >= time.memory.value() ? "arithmetic" : "memory";
  }
};

void print_json(const Priced& priced) {
  nlohmann::ordered_json json;
  json["kernel"] = to_string(priced.kernel);
  json["gpu"] = priced.gpu.name;
  json["time_s"] = priced.seconds();
  json["flops"] = executed_flops(priced.kernel).value();
  json["bytes"] = compulsory_bytes(priced.kernel).value();
  json["flops_per_s"] = priced.flops_rate();
  json["bytes_per_s"] = priced.byte_rate();
  json["peak_fraction"] = priced.peak_share();
  json["bandwidth_fraction"] = priced.bandwidth_share();
  json["arithmetic_s"] = priced.time.sm.value();
  json["memory_s"] = priced.time.memory.value();
  json["limit"] = priced.limit();
  json["spread"] = {priced.time.spread.low, priced.time.spread.high};
  json["extrapolated"] = priced.time.extrapolated;
  fmt::print("{}\n", json.dump(2));
}

void print_text(const Priced& priced) {
  const Paint paint(stdout);
  const auto line = [](std::string_view name, const std::string& value) {
    fmt::print("  {} {}\n", padded(name, 12), value);
  };
  fmt::print("{} on {}\n", paint.bold(to_string(priced.kernel)), priced.gpu.name);
  line("time", format_seconds(priced.time.total));
  line("arithmetic", fmt::format("{} · {} · {} of peak", format_seconds(priced.time.sm),
                                 format_flops_rate(FlopsPerSecond(priced.flops_rate())),
                                 format_percent(priced.peak_share())));
  line("memory", fmt::format("{} · {} · {} of bandwidth", format_seconds(priced.time.memory),
                             format_rate(BytesPerSecond(priced.byte_rate())),
                             format_percent(priced.bandwidth_share())));
  line("limit", std::string(priced.limit()));
  line("measured", fmt::format("{:.2f} to {:.2f} of this, in 8 of 10 cases", priced.time.spread.low,
                               priced.time.spread.high));
  if (priced.time.extrapolated) {
    line("", paint.warning("outside of what was measured: an extrapolation"));
  }
}

const KernelTimesModel& chosen_model(const Arguments& arguments) {
  const std::string name = arguments.value("model").value_or("tile");
  std::vector<std::string> names;
  for (const KernelTimesModel* model : registered_kernel_times_models()) {
    if (model->name == name) return *model;
    names.emplace_back(model->name);
  }
  throw UsageError(fmt::format("--model is '{}'; wanted one of {}{}", name, enumerate(names),
                               did_you_mean(name, names)));
}

int run_kernel(const Arguments& arguments) {
  const auto name = arguments.value("gpu");
  if (!name) throw UsageError("kernel needs --gpu; `orrery list gpus` names them");
  const Gpu gpu = Catalogue(share_folders()).gpu({*name, {"--gpu", 0, 0}});

  Diagnostics diagnostics;
  const SettingsNode typed = typed_kernel(arguments);
  const Kernel kernel = read_kernel(Settings(typed, diagnostics));
  report_unread(typed, diagnostics);
  diagnostics.throw_if_errors();

  const Priced priced{gpu, kernel, chosen_model(arguments).make(gpu)->time(kernel)};
  arguments.has("json") ? print_json(priced) : print_text(priced);
  return exit_done;
}

std::vector<Option> options() {
  std::vector<Option> all = {
      {"gpu", 'g', "GPU", "a name in topologies/gpus/ or a path"},
      {"op", 0, "OP", "gemm, grouped_gemm, attention, attention_backward, attention_decode, ..."},
      {"model", 0, "MODEL", "how kernels are priced: tile or roofline"},
      json_option};
  all.insert(all.end(), sizes.begin(), sizes.end());
  return all;
}

}  // namespace

const Verb verbs::kernel = {
    .name = "kernel",
    .synopsis = "--gpu GPU --op OP [M N K] [--type TYPE] [SIZES] [--json]",
    .summary = "what one kernel costs, and which limit binds",
    .details =
        "Prices a kernel that has the GPU to itself. Ops: gemm and grouped_gemm (--m --n --k, "
        "--groups);\nattention, attention_backward, attention_decode, mla_prefill, mla_decode "
        "(--heads --kv-heads\n--head-dim --sequence-length --context-length --batch "
        "--window); elementwise, norm, permute,\ncross_entropy (--bytes \"1 GB\").\n\n"
        "  orrery kernel --gpu h100-sxm --op gemm 8192 8192 8192 --type bf16",
    .least_words = 0,
    .most_words = 4,
    .options = options(),
    .run = run_kernel};

}  // namespace orrery
