#include "workload/model.hpp"

#include "base/limits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>
#include <vector>

namespace orrery {

namespace {

constexpr IntegerRange widths{1, limits::width};
constexpr IntegerRange widths_or_none{0, limits::width};
constexpr IntegerRange layer_counts{0, limits::layers};

double real(std::int64_t count) { return static_cast<double>(count); }

// Reading.

AttentionKind read_kind(const Settings& settings) {
  static const std::vector<std::string> names = {"mha", "gqa", "mqa", "mla"};
  if (!settings.has("kind")) {
    settings.error("kind", "attention.kind is missing; one of mha, gqa, mqa or mla");
  }
  const auto name = settings.choice("kind", names);
  if (!name) return AttentionKind::mha;
  return static_cast<AttentionKind>(std::ranges::find(names, *name) - names.begin());
}

void read_latent(const Settings& settings, Attention& attention) {
  attention.q_lora_rank = settings.integer("q_lora_rank", widths_or_none).value_or(0);
  attention.kv_lora_rank = settings.required_integer("kv_lora_rank", widths);
  attention.qk_nope_head_dim = settings.required_integer("qk_nope_head_dim", widths);
  attention.qk_rope_head_dim = settings.required_integer("qk_rope_head_dim", widths);
  attention.v_head_dim = settings.required_integer("v_head_dim", widths);
}

void check_heads(const Settings& settings, const Attention& attention) {
  if (attention.heads % attention.kv_heads != 0) {
    settings.error("kv_heads", fmt::format("attention.kv_heads = {} does not divide heads = {}",
                                           attention.kv_heads, attention.heads));
  }
  const bool shares = attention.kv_heads != attention.heads;
  if (attention.kind == AttentionKind::mha && shares) {
    settings.error("kv_heads",
                   "attention.kind = \"mha\" has as many kv_heads as heads; did you "
                   "mean kind = \"gqa\"?");
  }
  if (attention.kind == AttentionKind::mqa && attention.kv_heads != 1) {
    settings.error("kv_heads", "attention.kind = \"mqa\" has one kv_head");
  }
}

void read_variations(const Settings& settings, bool model_has_biases, Attention& attention) {
  attention.window = settings.integer("window", {0, limits::sequence_length}).value_or(0);
  attention.full_every = settings.integer("full_every", layer_counts).value_or(0);
  attention.output_bias = settings.flag("biases").value_or(model_has_biases);
  attention.biases = settings.flag("qkv_biases").value_or(attention.output_bias);
  attention.qk_norm = settings.flag("qk_norm").value_or(false);
  attention.sinks = settings.flag("sinks").value_or(false);
  attention.output_gate = settings.flag("output_gate").value_or(false);
}

Attention read_attention(const Settings& settings, const Model& model) {
  Attention attention;
  attention.kind = read_kind(settings);
  attention.heads = settings.required_integer("heads", widths);
  const bool one = attention.kind == AttentionKind::mqa;
  attention.kv_heads = settings.integer("kv_heads", widths).value_or(one ? 1 : attention.heads);
  const std::int64_t even =
      std::max<std::int64_t>(1, model.hidden / std::max<std::int64_t>(1, attention.heads));
  attention.head_dim = settings.integer("head_dim", widths).value_or(even);
  if (attention.kind == AttentionKind::mla) read_latent(settings, attention);
  read_variations(settings, model.biases, attention);
  if (settings.has("heads")) check_heads(settings, attention);
  return attention;
}

void read_groups(const Settings& settings, Experts& experts) {
  experts.groups = settings.integer("groups", {1, limits::experts}).value_or(1);
  experts.top_groups =
      settings.integer("top_groups", {1, limits::experts}).value_or(experts.groups);
  if (experts.groups == 1 && experts.top_groups == 1) return;
  if (experts.experts % experts.groups != 0) {
    settings.error("groups", fmt::format("moe.groups = {} does not divide moe.experts = {}",
                                         experts.groups, experts.experts));
  }
  const std::int64_t reach = experts.top_groups * (experts.experts / experts.groups);
  if (experts.top_groups > experts.groups || reach < experts.top_k) {
    settings.error("top_groups",
                   fmt::format("moe.top_groups = {} of {} groups hold {} experts; a token picks {}",
                               experts.top_groups, experts.groups, reach, experts.top_k));
  }
}

Experts read_experts(const Settings& settings, const Model& model) {
  Experts experts;
  experts.experts = settings.required_integer("experts", {1, limits::experts});
  experts.top_k = settings.required_integer("top_k", {1, limits::experts});
  experts.expert_ffn = settings.required_integer("expert_ffn", widths);
  experts.shared_experts = settings.integer("shared_experts", {0, limits::experts}).value_or(0);
  const std::int64_t each = settings.integer("shared_expert_ffn", widths_or_none).value_or(0);
  experts.shared_expert_ffn = experts.shared_experts * each;
  experts.shared_expert_gate = settings.flag("shared_expert_gate").value_or(false);
  experts.dense_layers = settings.integer("dense_layers", layer_counts).value_or(0);
  experts.every = settings.integer("every", {1, limits::layers}).value_or(1);
  experts.biases = model.biases;
  read_groups(settings, experts);
  if (experts.top_k > experts.experts) {
    settings.error(
        "top_k", fmt::format("moe.top_k = {} of only {} experts", experts.top_k, experts.experts));
  }
  if (experts.shared_experts > 0 && each == 0) {
    settings.error("shared_experts", "moe.shared_experts need moe.shared_expert_ffn");
  }
  if (experts.dense_layers > model.layers) {
    settings.error("dense_layers", fmt::format("moe.dense_layers = {} of only {} layers",
                                               experts.dense_layers, model.layers));
  }
  return experts;
}

Norm read_norm(const Settings& settings) {
  static const std::vector<std::string> names = {"rms", "layer"};
  return settings.choice("norm", names).value_or("rms") == "layer" ? Norm::layer : Norm::rms;
}

/// "140.6e9", as models publish it; 0 when missing.
double read_published(const Settings& settings, std::string_view key) {
  const auto text = settings.text(key);
  if (!text) return 0.0;
  double count = 0.0;
  const auto [rest, failure] = std::from_chars(text->data(), text->data() + text->size(), count);
  if (failure != std::errc{} || rest != text->data() + text->size() || !(count > 0.0)) {
    settings.error(key, fmt::format("{} is a number in quotes, like \"140.6e9\"", key));
    return 0.0;
  }
  return count;
}

/// All dimensions come from the file that states the published count.
bool is_as_published(const Settings& settings) {
  const std::string& file = settings.position("parameters_total").file;
  const auto from_file = [&file](const Settings& table) {
    return std::ranges::all_of(
        table.keys(), [&](const std::string& key) { return table.position(key).file == file; });
  };
  const auto attention = settings.table("attention");
  const auto experts = settings.table("moe");
  return from_file(settings) && (!attention || from_file(*attention)) &&
         (!experts || from_file(*experts));
}

void compare_with_published(const Settings& settings, const Model& model) {
  const bool explained = settings.text("parameters_note").has_value();
  if (model.published_parameters <= 0.0 || explained || !is_as_published(settings)) return;
  const double counted = count_parameters(model).total;
  const double error = counted / model.published_parameters - 1.0;
  if (std::abs(error) <= 0.01) return;
  settings.diagnostics().warning(
      settings.position("parameters_total"),
      fmt::format("the dimensions make {:.4g} parameters, {:+.1f} % beside the published {:.4g}; "
                  "if that is right, say why in parameters_note",
                  counted, 100.0 * error, model.published_parameters));
}

void read_dimensions(const Settings& settings, Model& model) {
  model.name = settings.required_text("name");
  model.source = settings.text("source").value_or("");
  model.layers = settings.required_integer("layers", {1, limits::layers});
  model.mtp_layers = settings.integer("mtp_layers", {0, 64}).value_or(0);
  model.hidden = settings.required_integer("hidden", widths);
  model.vocabulary = settings.required_integer("vocabulary", widths);
  model.ffn = settings.required_integer("ffn", widths);
  if (!settings.has("gated_ffn")) {
    settings.error("gated_ffn",
                   "gated_ffn is missing: true for SwiGLU and its like (three "
                   "matrices), false for two");
  }
  model.gated_ffn = settings.flag("gated_ffn").value_or(true);
  model.tied_embeddings = settings.flag("tied_embeddings").value_or(false);
  model.biases = settings.flag("biases").value_or(false);
  model.norm = read_norm(settings);
  model.norms_per_layer = settings.integer("norms_per_layer", {1, 8}).value_or(2);
  model.positions = settings.integer("positions", {0, limits::sequence_length}).value_or(0);
}

// Counting.

double norm_parameters(const Model& model) {
  return real(model.hidden) * (model.norm == Norm::layer ? 2.0 : 1.0);
}

double latent_attention(const Model& model) {
  const Attention& a = model.attention;
  const double h = real(model.hidden);
  const double queries = real(a.heads * a.qk_dim());
  const double rank = real(a.q_lora_rank);
  const double q = a.q_lora_rank > 0 ? h * rank + rank + rank * queries : h * queries;
  const double kv = h * real(a.kv_lora_rank + a.qk_rope_head_dim) + real(a.kv_lora_rank) +
                    real(a.kv_lora_rank * a.heads) * real(a.qk_nope_head_dim + a.v_head_dim);
  return q + kv + real(a.heads * a.v_head_dim) * h;
}

double grouped_attention(const Model& model) {
  const Attention& a = model.attention;
  const double h = real(model.hidden);
  const double q = real(a.heads * a.head_dim) * (a.output_gate ? 2.0 : 1.0);
  const double kv = 2.0 * real(a.kv_heads * a.head_dim);
  double count = h * (q + kv) + real(a.heads * a.head_dim) * h;
  if (a.biases) count += q + kv;
  if (a.output_bias) count += h;
  if (a.qk_norm) count += 2.0 * real(a.head_dim);
  if (a.sinks) count += real(a.heads);
  return count;
}

/// One feed-forward block of that inner width.
double block(const Model& model, double inner) {
  const double up = model.gated_ffn ? 2.0 : 1.0;
  const double h = real(model.hidden);
  return (up + 1.0) * h * inner + (model.biases ? up * inner + h : 0.0);
}

/// What every token meets in a layer of experts besides the routed ones.
double shared_and_router(const Model& model, const Experts& experts) {
  const double h = real(model.hidden);
  const double router = h * real(experts.experts) + (model.biases ? real(experts.experts) : 0.0);
  const double shared =
      experts.shared_experts > 0 ? block(model, real(experts.shared_expert_ffn)) : 0.0;
  return router + shared + (experts.shared_expert_gate ? h : 0.0);
}

struct LayerCount {
  double total = 0.0;
  double active = 0.0;
};

LayerCount layer_count(const Model& model, const ParameterCount& count, std::int64_t layer) {
  const double common =
      count.attention_per_layer + real(model.norms_per_layer) * norm_parameters(model);
  if (!model.is_expert_layer(layer)) {
    const double all = common + count.dense_ffn_per_layer;
    return {all, all};
  }
  const Experts& experts = *model.experts;
  const double met = real(experts.top_k) / real(experts.experts);
  const double always = common + count.shared_and_router_per_layer;
  return {always + count.experts_per_layer, always + met * count.experts_per_layer};
}

}  // namespace

bool Model::is_expert_layer(std::int64_t layer) const {
  if (!experts) return false;
  const std::int64_t place = std::min(layer, layers - 1) - experts->dense_layers;
  return place >= 0 && (place + 1) % experts->every == 0;
}

bool Model::has_window(std::int64_t layer) const {
  if (attention.window <= 0) return false;
  const std::int64_t place = std::min(layer, layers - 1) + 1;
  return attention.full_every <= 0 || place % attention.full_every != 0;
}

std::int64_t Model::expert_layer_count() const {
  std::int64_t count = 0;
  for (std::int64_t layer = 0; layer < layers; ++layer) count += is_expert_layer(layer) ? 1 : 0;
  return count;
}

ParameterCount count_parameters(const Model& model) {
  ParameterCount count;
  const double h = real(model.hidden);
  count.embedding = real(model.vocabulary) * h;
  count.head = model.tied_embeddings ? 0.0 : count.embedding;
  count.attention_per_layer = model.attention.kind == AttentionKind::mla ? latent_attention(model)
                                                                         : grouped_attention(model);
  count.dense_ffn_per_layer = block(model, real(model.ffn));
  if (model.experts) {
    count.experts_per_layer =
        real(model.experts->experts) * block(model, real(model.experts->expert_ffn));
    count.shared_and_router_per_layer = shared_and_router(model, *model.experts);
  }
  count.total = count.embedding + count.head + real(model.positions) * h + norm_parameters(model);
  count.active = count.total;
  for (std::int64_t layer = 0; layer < model.layers; ++layer) {
    const LayerCount one = layer_count(model, count, layer);
    count.total += one.total;
    count.active += one.active;
  }
  const double joining = 2.0 * h * h + 3.0 * norm_parameters(model);
  count.mtp = real(model.mtp_layers) * (layer_count(model, count, model.layers).total + joining);
  return count;
}

Model read_model(const Settings& settings) {
  Model model;
  model.position = settings.position();
  read_dimensions(settings, model);
  model.attention = read_attention(settings.required_table("attention"), model);
  if (const auto experts = settings.table("moe")) model.experts = read_experts(*experts, model);
  model.published_parameters = read_published(settings, "parameters_total");
  model.published_active = read_published(settings, "parameters_active");
  compare_with_published(settings, model);
  return model;
}

}  // namespace orrery
