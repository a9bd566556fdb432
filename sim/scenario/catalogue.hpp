// Single files that a scenario would refer to, read on their own: for commands about one of them.
//
// A reference is what would stand right of `model =`: a name on the shelf or a path. All throw
// InvalidScenario, naming the option or file that asked.
#pragma once

#include "cluster/spec.hpp"
#include "hardware/gpu.hpp"
#include "scenario/files.hpp"
#include "workload/model.hpp"
#include "workload/software.hpp"

#include <filesystem>
#include <span>
#include <string>

namespace orrery {

struct Reference {
  std::string text;
  SourcePosition position;  ///< where it was typed: {"--gpu"}
};

class Catalogue {
 public:
  explicit Catalogue(std::vector<std::filesystem::path> share_folders)
      : folders_(std::move(share_folders)) {}

  std::vector<std::string> names(Shelf shelf) const { return names_on(shelf, folders_); }

  Model model(const Reference& reference) const;
  Gpu gpu(const Reference& reference) const;
  ClusterSpec cluster(const Reference& reference) const;
  Software software(const Reference& reference) const;

 private:
  std::vector<std::filesystem::path> folders_;
};

}  // namespace orrery
