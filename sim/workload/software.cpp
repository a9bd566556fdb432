#include "workload/software.hpp"

#include "hardware/number_type.hpp"
#include "workload/op.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace orrery {

namespace {

using Names = std::vector<std::string>;

const Names& fusion_names() {
  static const Names names{
      "norm",           "residual_norm", "bias_activation", "bias_dropout_add",
      "masked_softmax", "rope",          "cross_entropy",   "gradient_accumulation",
      "permutation",    "router",        "quantization",    "norm_quantization",
      "optimizer"};
  return names;
}

const Names& overlap_names() {
  static const Names names{"gradients", "parameters", "pipeline", "tensor", "experts"};
  return names;
}

bool contains(const Names& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

/// A list whose members must be known.
Names read_names(const Settings& settings, std::string_view key, const Names& known) {
  if (!settings.has(key)) {
    settings.error(key,
                   fmt::format("{} is missing; [] if there are none", settings.full_name(key)));
    return {};
  }
  Names names = settings.texts(key).value_or(Names{});
  for (const std::string& name : names) {
    if (contains(known, name)) continue;
    settings.error(key, fmt::format("'{}' is none of {}{}", name, enumerate(known),
                                    did_you_mean(name, known)));
  }
  return names;
}

std::string read_type(const Settings& types, std::string_view key, const std::string& otherwise) {
  Names choices(number_type_names().begin(), number_type_names().end());
  choices.insert(choices.end(), {"compute", "none"});
  return types.choice(key, choices).value_or(otherwise);
}

SoftwareTypes read_types(const Settings& types) {
  SoftwareTypes out;
  for (const std::string_view key : {"parameter", "master", "gradient", "optimizer_state"}) {
    if (!types.has(key)) types.error(key, fmt::format("{} is missing", types.full_name(key)));
  }
  out.parameter = read_type(types, "parameter", out.parameter);
  out.gather = read_type(types, "gather", out.parameter);
  out.master = read_type(types, "master", out.master);
  out.gradient = read_type(types, "gradient", out.gradient);
  out.gradient_fp16 = read_type(types, "gradient_fp16", out.gradient);
  out.gradient_wire = read_type(types, "gradient_wire", out.gradient);
  out.optimizer_state = read_type(types, "optimizer_state", out.optimizer_state);
  const Names recipes{"delayed", "tensorwise", "blockwise", "mxfp8"};
  out.fp8_recipe = types.choice("fp8_recipe", recipes).value_or(out.fp8_recipe);
  const Names weights{"cached", "cast"};
  out.fp8_weights_cached = types.choice("fp8_weights", weights).value_or("cached") == "cached";
  out.dispatch = read_type(types, "dispatch", out.dispatch);
  return out;
}

double bytes_of(const std::string& type) {
  return bytes_per_element(parse_number_type(type).value_or(NumberType::bf16));
}

void read_buckets(const Settings& settings, Software& software) {
  const std::optional<Settings> buckets = settings.table("buckets");
  if (!buckets) return;
  const Names units{"layer", "size"};
  if (buckets->has("copies")) {
    software.bucket_copies = read_names(*buckets, "copies", {"parameters", "gradients"});
  }
  software.bucket_parameters = buckets->integer("gradient_parameters", {0}).value_or(0);
  software.bucket_parameters_per_rank = buckets->integer("gradient_per_rank", {0}).value_or(0);
  software.bucket_by_layer = buckets->choice("unit", units).value_or("size") == "layer";
  const double bytes =
      static_cast<double>(software.bucket_parameters) * bytes_of(software.types.gradient_wire);
  software.gradient_bucket = Bytes(static_cast<std::int64_t>(bytes));
}

double read_share(const Settings& settings, std::string_view key, double otherwise) {
  const double share = settings.number(key).value_or(otherwise);
  if (share >= 0.0 && share <= 1.0) return share;
  settings.error(key, fmt::format("{} is a share, from 0 to 1", settings.full_name(key)));
  return otherwise;
}

void read_memory(const Settings& memory, Software& software) {
  software.overhead = memory.required_bytes("context");
  software.communication_buffers = memory.bytes("communication_buffers").value_or(Bytes(0));
  software.logits_copies = static_cast<double>(memory.integer("logits_copies", {1, 8}).value_or(1));
  software.allocator_overhead = read_share(memory, "allocator_overhead", 0.0);
  software.kv_block_tokens = memory.integer("kv_block_tokens", {1}).value_or(1);
  software.usable_memory = read_share(memory, "usable", 1.0);
}

void read_host(const Settings& host, Software& software) {
  const Names graphs{"none", "partial", "full"};
  software.launch = host.required_seconds("launch");
  software.loop = host.seconds("loop").value_or(software.launch);
  software.cuda_graph = host.choice("cuda_graph", graphs).value_or("none");
}

AttentionForm read_attention(const Settings& settings) {
  const Names kernels{"unfused", "flash-triton", "flash2", "flash3"};
  if (!settings.has("attention_kernel")) {
    settings.error("attention_kernel", "attention_kernel is missing: " + enumerate(kernels));
  }
  const std::string kernel = settings.choice("attention_kernel", kernels).value_or("flash2");
  if (kernel == "unfused") return AttentionForm::unfused;
  if (kernel == "flash-triton") return AttentionForm::flash_triton;
  return kernel == "flash2" ? AttentionForm::flash2 : AttentionForm::flash;
}

}  // namespace

bool Software::fuses(std::string_view fusion) const { return contains(fused, fusion); }

bool Software::copies(std::string_view what) const { return contains(bucket_copies, what); }

bool Software::separates(std::string_view what) const { return contains(separate, what); }

bool Software::overlaps_by_default(std::string_view what) const { return contains(overlaps, what); }

Software read_software(const Settings& settings) {
  Software software;
  software.name = settings.required_text("name");
  settings.accept("source");
  software.attention = read_attention(settings);
  software.fused = read_names(settings, "fused", fusion_names());
  software.overlaps = read_names(settings, "overlap", overlap_names());
  if (settings.has("separate")) {
    software.separate = read_names(settings, "separate", {"qkv", "gate_up", "experts"});
  }
  if (settings.has("selective")) {
    software.selective = read_names(settings, "selective", recomputable_modules());
  }
  const Names exchanges{"p2p", "all_gather", "a2a"};
  software.cp_comm_type = settings.choice("cp_comm_type", exchanges).value_or("p2p");
  software.dropout = settings.flag("dropout").value_or(false);
  software.types = read_types(settings.required_table("types"));
  software.gradient_type = software.types.gradient;
  software.parameter_gather_type = software.types.gather;
  read_buckets(settings, software);
  read_host(settings.required_table("host"), software);
  read_memory(settings.required_table("memory"), software);
  software.kernels = settings.text("kernels").value_or("");
  software.collectives = settings.text("collectives").value_or(software.collectives);
  return software;
}

}  // namespace orrery
