#include "cli/kernel_settings.hpp"

#include "base/limits.hpp"
#include "base/units_text.hpp"

#include <fmt/format.h>

#include <vector>

namespace orrery {

namespace {

constexpr IntegerRange size_range{1, std::int64_t{1} << 31};

NumberType read_type(const Settings& settings, std::string_view key, NumberType otherwise) {
  const auto text = settings.choice(key, number_type_names());
  return text ? parse_number_type(*text).value_or(otherwise) : otherwise;
}

GemmKernel::Accumulate read_accumulate(const Settings& settings) {
  const bool adds = settings.flag("accumulate").value_or(false);
  return adds ? GemmKernel::Accumulate::yes : GemmKernel::Accumulate::no;
}

Kernel read_gemm(const Settings& settings) {
  GemmKernel kernel;
  kernel.m = settings.required_integer("m", size_range);
  kernel.n = settings.required_integer("n", size_range);
  kernel.k = settings.required_integer("k", size_range);
  kernel.type = read_type(settings, "type", NumberType::bf16);
  kernel.output_type = read_type(settings, "output_type", NumberType::bf16);
  kernel.accumulate = read_accumulate(settings);
  return kernel;
}

Kernel read_grouped_gemm(const Settings& settings) {
  GroupedGemmKernel kernel;
  kernel.groups = settings.required_integer("groups", size_range);
  kernel.rows_per_group = static_cast<double>(settings.required_integer("m", size_range));
  kernel.n = settings.required_integer("n", size_range);
  kernel.k = settings.required_integer("k", size_range);
  kernel.type = read_type(settings, "type", NumberType::bf16);
  kernel.output_type = read_type(settings, "output_type", NumberType::bf16);
  kernel.accumulate = read_accumulate(settings);
  return kernel;
}

/// Sizes that all attention has; queries meet the cache and, in a prefill, themselves.
AttentionKernel read_attention(const Settings& settings, AttentionKernel::Phase phase) {
  const IntegerRange length{0, limits::sequence_length};
  const bool decodes = phase == AttentionKernel::Phase::decode;
  AttentionKernel kernel;
  kernel.phase = phase;
  kernel.batch = settings.integer("batch", size_range).value_or(1);
  kernel.heads = settings.required_integer("heads", {1, limits::width});
  kernel.query_length = decodes ? settings.integer("sequence_length", size_range).value_or(1)
                                : settings.required_integer("sequence_length", size_range);
  const std::int64_t cached = decodes ? settings.required_integer("context_length", length)
                                      : settings.integer("context_length", length).value_or(0);
  kernel.key_length = cached + kernel.query_length;
  kernel.window = settings.integer("window", length).value_or(0);
  kernel.causal = settings.flag("causal").value_or(true);
  kernel.type = read_type(settings, "type", NumberType::bf16);
  return kernel;
}

Kernel read_grouped_attention(const Settings& settings, AttentionKernel::Phase phase) {
  AttentionKernel kernel = read_attention(settings, phase);
  kernel.kv_heads = settings.integer("kv_heads", {1, limits::width}).value_or(kernel.heads);
  kernel.qk_dim = settings.integer("head_dim", {1, limits::width}).value_or(128);
  kernel.v_dim = settings.integer("v_head_dim", {1, limits::width}).value_or(kernel.qk_dim);
  return kernel;
}

/// Latent attention in the dimensions of DeepSeek-V3 (arXiv 2412.19437): heads of 128 + 64 and 128
/// when prefilling; when decoding, all heads read one latent of 512 + 64.
Kernel read_latent_attention(const Settings& settings, AttentionKernel::Phase phase) {
  const bool decodes = phase == AttentionKernel::Phase::decode;
  AttentionKernel kernel = read_attention(settings, phase);
  kernel.kv_heads = decodes ? 1 : kernel.heads;
  kernel.qk_dim = decodes ? 512 + 64 : 128 + 64;
  kernel.v_dim = decodes ? 512 : 128;
  kernel.cache = decodes ? AttentionKernel::Cache::shared : AttentionKernel::Cache::separate;
  for (const std::string_view key : {"kv_heads", "head_dim", "v_head_dim"}) settings.accept(key);
  return kernel;
}

Kernel read_memory_kernel(const Settings& settings, MemoryKernel::Access access) {
  return MemoryKernel{settings.required_bytes("bytes"), access};
}

struct KernelOp {
  std::string name;
  Kernel (*read)(const Settings& settings);
};

const std::vector<KernelOp>& table() {
  using Phase = AttentionKernel::Phase;
  using Access = MemoryKernel::Access;
  static const std::vector<KernelOp> all = {
      {"gemm", read_gemm},
      {"grouped_gemm", read_grouped_gemm},
      {"attention", [](const Settings& s) { return read_grouped_attention(s, Phase::forward); }},
      {"attention_prefill",
       [](const Settings& s) { return read_grouped_attention(s, Phase::forward); }},
      {"attention_backward",
       [](const Settings& s) { return read_grouped_attention(s, Phase::backward); }},
      {"attention_decode",
       [](const Settings& s) { return read_grouped_attention(s, Phase::decode); }},
      {"mla_prefill", [](const Settings& s) { return read_latent_attention(s, Phase::forward); }},
      {"mla_decode", [](const Settings& s) { return read_latent_attention(s, Phase::decode); }},
      {"elementwise", [](const Settings& s) { return read_memory_kernel(s, Access::stream); }},
      {"norm", [](const Settings& s) { return read_memory_kernel(s, Access::reduce); }},
      {"permute", [](const Settings& s) { return read_memory_kernel(s, Access::gather); }},
      {"cross_entropy", [](const Settings& s) { return read_memory_kernel(s, Access::loss); }},
  };
  return all;
}

std::string_view phase_name(AttentionKernel::Phase phase) {
  switch (phase) {
    case AttentionKernel::Phase::forward:
      return "forward";
    case AttentionKernel::Phase::backward:
      return "backward";
    case AttentionKernel::Phase::decode:
      return "decode";
  }
  return "";
}

}  // namespace

std::span<const std::string> kernel_ops() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const KernelOp& op : table()) all.push_back(op.name);
    return all;
  }();
  return names;
}

Kernel read_kernel(const Settings& settings) {
  settings.required_text("op");
  const std::optional<std::string> name = settings.choice("op", kernel_ops());
  for (const KernelOp& op : table()) {
    if (name == op.name) return op.read(settings);
  }
  settings.accept_all();
  return GemmKernel{};
}

std::string to_string(const Kernel& kernel) {
  struct Text {
    std::string operator()(const GemmKernel& k) const {
      return fmt::format("gemm m {} · n {} · k {}, {}", k.m, k.n, k.k, orrery::to_string(k.type));
    }
    std::string operator()(const GroupedGemmKernel& k) const {
      return fmt::format("grouped gemm, {} groups of m {} · n {} · k {}, {}", k.groups,
                         k.rows_per_group, k.n, k.k, orrery::to_string(k.type));
    }
    std::string operator()(const AttentionKernel& k) const {
      return fmt::format(
          "attention {}, batch {} · {} heads ({} kv) · {} queries on {} keys · {}/{}, {}",
          phase_name(k.phase), k.batch, k.heads, k.kv_heads, k.query_length, k.key_length, k.qk_dim,
          k.v_dim, orrery::to_string(k.type));
    }
    std::string operator()(const MemoryKernel& k) const {
      return fmt::format("{} through memory", format_bytes(k.bytes));
    }
  };
  return std::visit(Text{}, kernel);
}

}  // namespace orrery
