#include "base/units_text.hpp"
#include "cli/command_line.hpp"
#include "cli/diagnostics_json.hpp"
#include "cli/share.hpp"
#include "cli/terminal.hpp"
#include "cli/verbs.hpp"
#include "collective/collective.hpp"
#include "memory/allocator.hpp"
#include "report/table.hpp"
#include "scenario/catalogue.hpp"
#include "schedule/schedule.hpp"
#include "workload/op.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <utility>

namespace orrery {

namespace {

/// One thing that is there: its name, and words about it in columns.
struct Entry {
  std::string name;
  std::vector<std::string> columns;
};
using Entries = std::vector<Entry>;

/// What is there, and what is wrong with the files that could not be read.
struct Listing {
  Entries entries;
  std::vector<Diagnostic> findings;
};

// ---- Files --------------------------------------------------------------------------------------

Entry model_entry(const Catalogue& catalogue, const std::string& name) {
  const Model model = catalogue.model({name, {"list", 0, 0}});
  const ParameterCount count = count_parameters(model);
  const std::string experts =
      model.experts ? fmt::format("{} of {} experts", model.experts->top_k, model.experts->experts)
                    : "dense";
  return {name,
          {model.name, format_count(count.total),
           model.experts ? fmt::format("{} active", format_count(count.active)) : "",
           fmt::format("{} layers", model.layers), experts}};
}

std::string word_at(const SettingsNode& tree, std::string_view table, std::string_view key) {
  const SettingsNode* found = tree.find(table);
  const SettingsNode* word = found == nullptr ? nullptr : found->find(key);
  const auto* text = word == nullptr ? nullptr : std::get_if<std::string>(&word->value);
  return text == nullptr ? "" : *text;
}

Entry cluster_entry(const Catalogue& catalogue, const std::string& name) {
  const ClusterSpec cluster = catalogue.cluster({name, {"list", 0, 0}});
  const std::string nodes = cluster.nodes ? fmt::format("{} nodes", *cluster.nodes) : "";
  return {
      name,
      {cluster.name, fmt::format("{} x {}", cluster.gpus_per_node, cluster.gpu.name),
       word_at(cluster.fabric, "intra_node", "fabric"), word_at(cluster.fabric, "nic", "bandwidth"),
       word_at(cluster.fabric, "scale_out", "fabric"), nodes}};
}

Entry gpu_entry(const Catalogue& catalogue, const std::string& name) {
  const Gpu gpu = catalogue.gpu({name, {"list", 0, 0}});
  return {name,
          {gpu.name, format_bytes(gpu.memory_capacity), format_rate(gpu.memory_bandwidth),
           fmt::format("{} bf16", format_flops_rate(gpu.peak_rate(NumberType::bf16)))}};
}

Entry software_entry(const Catalogue& catalogue, const std::string& name) {
  return {name, {catalogue.software({name, {"list", 0, 0}}).name}};
}

using MakeEntry = Entry (*)(const Catalogue&, const std::string&);

/// A file that is broken hides none of the others.
Listing listing_of(Shelf shelf, MakeEntry make) {
  const Catalogue catalogue(share_folders());
  Listing listing;
  for (const std::string& name : catalogue.names(shelf)) {
    try {
      listing.entries.push_back(make(catalogue, name));
    } catch (const InvalidScenario& invalid) {
      const std::vector<Diagnostic>& found = invalid.diagnostics();
      listing.findings.insert(listing.findings.end(), found.begin(), found.end());
    }
  }
  return listing;
}

// ---- Plug-ins -----------------------------------------------------------------------------------

template <typename Plugin>
Listing listing_of(std::span<const Plugin* const> registry) {
  Entries entries;
  for (const Plugin* plugin : registry) {
    entries.push_back({std::string(plugin->name), {std::string(plugin->description)}});
  }
  return {std::move(entries), {}};
}

Listing fabric_listing() {
  Entries entries;
  for (const Fabric* fabric : registered_fabrics()) {
    entries.push_back(
        {std::string(fabric->name),
         {fabric->scale_up ? "inside a node" : "between nodes", std::string(fabric->description)}});
  }
  return {std::move(entries), {}};
}

// ---- The verb -----------------------------------------------------------------------------------

struct Kind {
  std::string name;
  Listing (*listing)();
};

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all = {
      {"models", [] { return listing_of(Shelf::models, model_entry); }},
      {"clusters", [] { return listing_of(Shelf::clusters, cluster_entry); }},
      {"gpus", [] { return listing_of(Shelf::gpus, gpu_entry); }},
      {"software", [] { return listing_of(Shelf::software, software_entry); }},
      {"schedules", [] { return listing_of(registered_schedules()); }},
      {"algorithms", [] { return listing_of(registered_collective_algorithms()); }},
      {"layers", [] { return listing_of(registered_layers()); }},
      {"fabrics", [] { return fabric_listing(); }},
      {"allocators", [] { return listing_of(registered_allocators()); }},
  };
  return all;
}

const Kind& find_kind(const std::string& name) {
  std::vector<std::string> names;
  for (const Kind& kind : kinds()) {
    if (kind.name == name) return kind;
    names.push_back(kind.name);
  }
  throw UsageError(fmt::format("there is no list of '{}'; wanted one of {}{}", name,
                               enumerate(names), did_you_mean(name, names)));
}

void print_text(const Entries& entries) {
  std::size_t columns = 0;
  for (const Entry& entry : entries) columns = std::max(columns, 1 + entry.columns.size());
  AlignedTable table{std::vector<AlignedTable::Column>(columns)};
  for (const Entry& entry : entries) {
    std::vector<std::string> row = {entry.name};
    row.insert(row.end(), entry.columns.begin(), entry.columns.end());
    table.add(std::move(row));
  }
  fmt::print("{}", table.text());
}

void print_json(const std::string& kind, const Listing& listing) {
  nlohmann::ordered_json json;
  json[kind] = nlohmann::ordered_json::array();
  for (const Entry& entry : listing.entries) {
    json[kind].push_back(
        {{"name", entry.name}, {"description", fmt::format("{}", fmt::join(entry.columns, ", "))}});
  }
  const std::string text = json.dump(2);
  fmt::print("{}\n", listing.findings.empty() ? text : with_diagnostics(text, listing.findings));
}

int run_list(const Arguments& arguments) {
  const Kind& kind = find_kind(arguments.words.front());
  const Listing listing = kind.listing();
  arguments.has("json") ? print_json(kind.name, listing) : print_text(listing.entries);
  print_findings(listing.findings);
  return listing.findings.empty() ? exit_done : exit_invalid;
}

}  // namespace

const Verb verbs::list = {
    .name = "list",
    .synopsis =
        "models|clusters|gpus|software|schedules|algorithms|layers|fabrics|allocators [--json]",
    .summary = "what is there, one line each",
    .details =
        "Names what a scenario may refer to: files of models/ and topologies/, and the parts of\n"
        "the program that a scenario chooses between. A file that cannot be read is reported on "
        "stderr\nand makes the exit status 2; the others are listed.",
    .least_words = 1,
    .most_words = 1,
    .options = {json_option},
    .run = run_list};

}  // namespace orrery
