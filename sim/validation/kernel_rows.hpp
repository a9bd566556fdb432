// Rows of kernels: `kernel.*` says which, on which GPU.
//
// Most rows time one kernel. A row of narrow numbers may time the casts around a product too
// (`[[type]]` of sources.toml says which), and `op = "moe"` is an expert layer: both grouped
// products and the activation between them. Predicts time_s, the sum.
#pragma once

#include "hardware/kernel_times.hpp"
#include "scenario/catalogue.hpp"
#include "validation/measured_table.hpp"
#include "validation/prediction.hpp"
#include "validation/vocabulary.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace orrery {

/// Reads a kernel from the keys of `kernel.*` without the prefix, as the command line does.
using ReadKernel = std::function<Kernel(const Settings&)>;

class KernelRows {
 public:
  KernelRows(Catalogue catalogue, Vocabulary vocabulary, ReadKernel read)
      : catalogue_(std::move(catalogue)),
        vocabulary_(std::move(vocabulary)),
        read_(std::move(read)) {}

  Prediction predict(const MeasuredRow& row);

 private:
  const KernelTimes& times(const MeasuredRow& row);
  std::vector<Kernel> kernels(const MeasuredRow& row) const;

  Catalogue catalogue_;
  Vocabulary vocabulary_;
  ReadKernel read_;
  /// By GPU, library and whether under load.
  std::map<std::tuple<std::string, std::string, bool>, std::unique_ptr<KernelTimes>> times_;
};

}  // namespace orrery
