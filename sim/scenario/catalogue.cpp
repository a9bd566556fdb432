#include "scenario/catalogue.hpp"

#include "scenario/composition.hpp"

namespace orrery {

namespace {

/// Resolves a reference, hands its tree to `read`, and throws what was found wrong.
template <typename Read>
auto read_file(const std::vector<std::filesystem::path>& folders, const Reference& reference,
               Shelf shelf, Read read) {
  Diagnostics diagnostics;
  Composer composer(folders, diagnostics);
  const SettingsNode node{reference.text, reference.position, {}};
  std::optional<SettingsNode> tree = composer.resolve(node, shelf);
  if (tree) composer.resolve_node_groups(*tree);
  diagnostics.throw_if_errors();
  auto value = read(Settings(*tree, diagnostics), composer);
  report_unread(*tree, diagnostics);
  diagnostics.throw_if_errors();
  return value;
}

Gpu read_gpu_of(const Settings& cluster, Composer& composer) {
  const SettingsNode* name = cluster.node("gpu");
  if (name == nullptr) {
    cluster.error("gpu", "gpu is missing; wanted a name in topologies/gpus/, a path or a table");
    return {};
  }
  const std::optional<SettingsNode> tree = composer.resolve(*name, Shelf::gpus);
  if (cluster.is_table("gpu")) cluster.table("gpu")->accept_all();
  if (!tree) return {};
  Gpu gpu = read_gpu(Settings(*tree, cluster.diagnostics()));
  report_unread(*tree, cluster.diagnostics());
  return gpu;
}

}  // namespace

Model Catalogue::model(const Reference& reference) const {
  return read_file(folders_, reference, Shelf::models,
                   [](const Settings& settings, Composer&) { return read_model(settings); });
}

Gpu Catalogue::gpu(const Reference& reference) const {
  return read_file(folders_, reference, Shelf::gpus,
                   [](const Settings& settings, Composer&) { return read_gpu(settings); });
}

ClusterSpec Catalogue::cluster(const Reference& reference) const {
  return read_file(folders_, reference, Shelf::clusters,
                   [](const Settings& settings, Composer& composer) {
                     return read_cluster(settings, read_gpu_of(settings, composer));
                   });
}

Software Catalogue::software(const Reference& reference) const {
  return read_file(folders_, reference, Shelf::software,
                   [](const Settings& settings, Composer&) { return read_software(settings); });
}

}  // namespace orrery
