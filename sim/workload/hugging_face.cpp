#include "workload/hugging_face.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

namespace orrery {

namespace {

using Json = nlohmann::json;

/// A value as it stands there; of what holds others only that it does.
std::string describe(const Json& value) {
  if (value.is_object()) return "an object";
  return value.is_array() ? "an array" : value.dump();
}

SourcePosition place_of_byte(std::string_view json, std::size_t byte, const std::string& file) {
  const std::string_view before = json.substr(0, byte);
  const auto line = static_cast<std::size_t>(std::ranges::count(before, '\n'));
  const std::string_view last = before.substr(before.rfind('\n') + 1);  // npos + 1 is 0
  const auto characters = std::ranges::count_if(
      last, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
  return {file, line + 1, static_cast<std::size_t>(characters) + 1};
}

/// Where the keys of the outermost object stand. `json` has been parsed: its strings and brackets
/// close.
std::map<std::string, SourcePosition, std::less<>> places_of_keys(std::string_view json,
                                                                  const std::string& file) {
  std::map<std::string, SourcePosition, std::less<>> places;
  int depth = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    if (json[i] == '{' || json[i] == '[') ++depth;
    if (json[i] == '}' || json[i] == ']') --depth;
    if (json[i] != '"') continue;
    const std::size_t begin = i + 1;
    while (++i < json.size() && json[i] != '"') i += json[i] == '\\' ? 1 : 0;
    const std::size_t next = json.find_first_not_of(" \t\r\n", i + 1);
    const bool is_key = depth == 1 && next != std::string_view::npos && json[next] == ':';
    if (!is_key) continue;
    places.insert_or_assign(std::string(json.substr(begin, i - begin)),
                            place_of_byte(json, begin - 1, file));
  }
  return places;
}

/// One configuration being turned into a tree.
class Conversion {
 public:
  Conversion(const Json& config, std::string_view json, const std::string& file,
             Diagnostics& diagnostics)
      : config_(config),
        places_(places_of_keys(json, file)),
        file_{file, 0, 1},
        diagnostics_(diagnostics) {}

  void set(std::string_view key, std::int64_t value) { put(key, node(value)); }
  void set(std::string_view key, const std::string& value) { put(key, node(value)); }
  void flag(std::string_view key, bool value) { put(key, node(value)); }

  /// A whole number that the configuration must have.
  std::int64_t required(const char* name) {
    const auto found = optional(name);
    if (!found && find(name) == nullptr) {
      error(name, fmt::format("'{}' is missing; wanted a whole number", name));
    }
    return found.value_or(1);
  }

  /// A whole number; nothing when missing or null.
  std::optional<std::int64_t> optional(const char* name) {
    const Json* const found = find(name);
    if (found == nullptr) return std::nullopt;
    const bool beyond = found->is_number_unsigned() && found->get<std::uint64_t>() > INT64_MAX;
    if (!found->is_number_integer() || beyond) {
      error(name, fmt::format("'{}' is {}; wanted a whole number", name, describe(*found)));
      return std::nullopt;
    }
    return found->get<std::int64_t>();
  }

  bool is_set(const char* name, bool otherwise = false) {
    const Json* const found = find(name);
    if (found == nullptr) return otherwise;
    if (found->is_boolean()) return found->get<bool>();
    error(name, fmt::format("'{}' is {}; wanted true or false", name, describe(*found)));
    return otherwise;
  }

  const Json* find(const char* name) {
    const auto found = config_.find(name);
    if (found == config_.end() || found->is_null()) return nullptr;
    read_ = place(name);
    return &*found;
  }

  /// At a key of the configuration.
  void error(std::string_view name, std::string message) {
    diagnostics_.error(place(name), std::move(message));
  }

  SettingsNode take() { return std::move(root_); }

 private:
  SourcePosition place(std::string_view name) const {
    const auto found = places_.find(name);
    return found == places_.end() ? file_ : found->second;
  }
  template <typename T>
  SettingsNode node(T value) const {
    return {std::move(value), read_, {}};
  }
  void put(std::string_view key, SettingsNode value) { root_.set(key, std::move(value)); }

  const Json& config_;
  std::map<std::string, SourcePosition, std::less<>> places_;
  SourcePosition file_;
  SourcePosition read_ = file_;  ///< of the key read last, from which the next value is made
  Diagnostics& diagnostics_;
  SettingsNode root_{SettingsTable{}, file_, {}};
};

// What families share.

void sizes(Conversion& c) {
  c.set("layers", c.required("num_hidden_layers"));
  c.set("hidden", c.required("hidden_size"));
  c.set("vocabulary", c.required("vocab_size"));
  c.flag("gated_ffn", true);
  c.flag("tied_embeddings", c.is_set("tie_word_embeddings"));
}

void grouped_attention(Conversion& c) {
  const std::int64_t heads = c.required("num_attention_heads");
  const std::int64_t kv_heads = c.optional("num_key_value_heads").value_or(heads);
  c.set("attention.kind", std::string(kv_heads == heads ? "mha" : kv_heads == 1 ? "mqa" : "gqa"));
  c.set("attention.heads", heads);
  c.set("attention.kv_heads", kv_heads);
  if (const auto width = c.optional("head_dim")) c.set("attention.head_dim", *width);
  if (c.is_set("attention_bias")) c.flag("attention.biases", true);
}

void window(Conversion& c) {
  if (!c.is_set("use_sliding_window", true)) return;
  if (const auto tokens = c.optional("sliding_window")) c.set("attention.window", *tokens);
}

void experts(Conversion& c, const char* count, const char* width) {
  c.set("moe.experts", c.required(count));
  c.set("moe.top_k", c.required("num_experts_per_tok"));
  c.set("moe.expert_ffn", c.required(width));
}

// Families.

void llama(Conversion& c) {
  sizes(c);
  c.set("ffn", c.required("intermediate_size"));
  if (c.is_set("mlp_bias")) {
    c.flag("biases", true);
    c.flag("attention.biases", c.is_set("attention_bias"));
  }
  grouped_attention(c);
}

void mistral(Conversion& c) {
  llama(c);
  window(c);
}

void qwen2(Conversion& c) {
  llama(c);
  c.flag("attention.qkv_biases", true);
  if (c.is_set("use_sliding_window")) window(c);
}

void qwen3(Conversion& c) {
  llama(c);
  c.flag("attention.qk_norm", true);
}

void mixtral(Conversion& c) {
  sizes(c);
  c.set("ffn", c.required("intermediate_size"));
  grouped_attention(c);
  window(c);
  experts(c, "num_local_experts", "intermediate_size");
}

void qwen_experts(Conversion& c) {
  sizes(c);
  c.set("ffn", c.required("intermediate_size"));
  grouped_attention(c);
  experts(c, "num_experts", "moe_intermediate_size");
  c.set("moe.every", c.optional("decoder_sparse_step").value_or(1));
  const Json* dense = c.find("mlp_only_layers");
  if (dense != nullptr && !dense->empty()) {
    c.error("mlp_only_layers",
            "'mlp_only_layers' names layers that stay dense, which a model file cannot say");
  }
}

void qwen2_moe(Conversion& c) {
  qwen_experts(c);
  c.flag("attention.qkv_biases", true);
  c.set("moe.shared_experts", 1);
  c.set("moe.shared_expert_ffn", c.required("shared_expert_intermediate_size"));
  c.flag("moe.shared_expert_gate", true);
}

void qwen3_moe(Conversion& c) {
  qwen_experts(c);
  c.flag("attention.qk_norm", true);
}

void deepseek_experts(Conversion& c) {
  if (c.find("n_routed_experts") == nullptr) return;
  experts(c, "n_routed_experts", "moe_intermediate_size");
  c.set("moe.dense_layers", c.optional("first_k_dense_replace").value_or(0));
  c.set("moe.every", c.optional("moe_layer_freq").value_or(1));
  const std::int64_t groups = c.optional("n_group").value_or(1);
  if (groups > 1) {
    c.set("moe.groups", groups);
    c.set("moe.top_groups", c.optional("topk_group").value_or(groups));
  }
  if (const auto shared = c.optional("n_shared_experts")) {
    c.set("moe.shared_experts", *shared);
    c.set("moe.shared_expert_ffn", c.required("moe_intermediate_size"));
  }
}

void deepseek(Conversion& c) {
  llama(c);
  deepseek_experts(c);
}

void deepseek_latent(Conversion& c) {
  sizes(c);
  c.set("ffn", c.required("intermediate_size"));
  c.set("attention.kind", std::string("mla"));
  c.set("attention.heads", c.required("num_attention_heads"));
  c.set("attention.q_lora_rank", c.optional("q_lora_rank").value_or(0));
  c.set("attention.kv_lora_rank", c.required("kv_lora_rank"));
  c.set("attention.qk_nope_head_dim", c.required("qk_nope_head_dim"));
  c.set("attention.qk_rope_head_dim", c.required("qk_rope_head_dim"));
  c.set("attention.v_head_dim", c.required("v_head_dim"));
  deepseek_experts(c);
}

/// Layers of a window and of full attention take turns, the window first.
bool takes_turns(const Json& layer_types) {
  for (std::size_t i = 0; i < layer_types.size(); ++i) {
    if (layer_types[i] != (i % 2 == 0 ? "sliding_attention" : "full_attention")) return false;
  }
  return true;
}

void gpt_oss(Conversion& c) {
  mixtral(c);
  c.flag("biases", true);
  c.flag("attention.sinks", true);
  c.set("attention.full_every", 2);
  const Json* types = c.find("layer_types");
  if (types != nullptr && !takes_turns(*types)) {
    c.error("layer_types", "'layer_types' does not alternate between a window and full attention");
  }
}

void gpt_neox(Conversion& c) {
  sizes(c);
  c.flag("gated_ffn", false);
  c.set("norm", std::string("layer"));
  c.set("ffn", c.required("intermediate_size"));
  c.flag("biases", true);
  grouped_attention(c);
  c.flag("attention.biases", c.is_set("attention_bias", true));
}

void gpt2(Conversion& c) {
  const std::int64_t hidden = c.required("n_embd");
  c.set("layers", c.required("n_layer"));
  c.set("hidden", hidden);
  c.set("vocabulary", c.required("vocab_size"));
  c.set("positions", c.required("n_positions"));
  c.set("ffn", c.optional("n_inner").value_or(4 * hidden));
  c.flag("gated_ffn", false);
  c.flag("tied_embeddings", c.is_set("tie_word_embeddings", true));
  c.set("norm", std::string("layer"));
  c.flag("biases", true);
  c.set("attention.kind", std::string("mha"));
  c.set("attention.heads", c.required("n_head"));
}

struct Family {
  std::string_view name;
  void (*convert)(Conversion& conversion);
};

constexpr std::array families = {
    Family{"deepseek", deepseek},
    Family{"deepseek_v2", deepseek_latent},
    Family{"deepseek_v3", deepseek_latent},
    Family{"gpt2", gpt2},
    Family{"gpt_neox", gpt_neox},
    Family{"gpt_oss", gpt_oss},
    Family{"kimi_k2", deepseek_latent},
    Family{"llama", llama},
    Family{"mistral", mistral},
    Family{"mixtral", mixtral},
    Family{"qwen2", qwen2},
    Family{"qwen2_moe", qwen2_moe},
    Family{"qwen3", qwen3},
    Family{"qwen3_moe", qwen3_moe},
};

const Family* family_of(const Json& config) {
  const auto type = config.find("model_type");
  if (type == config.end() || !type->is_string()) return nullptr;
  const auto found = std::ranges::find(families, type->get<std::string>(), &Family::name);
  return found == families.end() ? nullptr : &*found;
}

/// The name it was published under, else that of its file.
std::string name_of(const Json& config, const std::string& file) {
  const auto name = config.find("_name_or_path");
  const bool named = name != config.end() && name->is_string() && !name->get<std::string>().empty();
  return named ? name->get<std::string>() : file;
}

}  // namespace

std::span<const std::string> hugging_face_families() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Family& family : families) all.emplace_back(family.name);
    return all;
  }();
  return names;
}

SettingsNode model_from_hugging_face(std::string_view json, const std::string& file,
                                     Diagnostics& diagnostics) {
  const SettingsNode nothing{SettingsTable{}, {file, 0, 1}, {}};
  Json config;
  try {
    config = Json::parse(json);
  } catch (const Json::parse_error& error) {
    const std::size_t byte = std::min(json.size(), error.byte > 0 ? error.byte - 1 : 0);
    diagnostics.error(place_of_byte(json, byte, file),
                      "this is not JSON; wanted a configuration "
                      "as Hugging Face writes it");
    return nothing;
  }
  if (!config.is_object()) {
    diagnostics.error(
        place_of_byte(json, 0, file),
        "this is not a JSON object; wanted a configuration as Hugging Face writes it");
    return nothing;
  }
  Conversion conversion(config, json, file, diagnostics);
  const Family* family = family_of(config);
  if (family == nullptr) {
    const bool given = conversion.find("model_type") != nullptr;
    conversion.error("model_type", fmt::format("'model_type' is {}; wanted one of {}",
                                               given ? describe(config["model_type"]) : "missing",
                                               enumerate(hugging_face_families())));
    return conversion.take();
  }
  conversion.set("name", name_of(config, file));
  conversion.set("source", file);
  family->convert(conversion);
  return conversion.take();
}

}  // namespace orrery
