// Rows of collectives: `collective.*` says which, `sources.toml` on which cluster and library.
//
// A group of n GPUs on m nodes takes the first n/m GPUs of each. Predicts time_s and
// busbw_bytes_per_s, the latter by the factors of nccl-tests (NVIDIA nccl-tests
// doc/PERFORMANCE.md).
//
// Rows of dispatchers ("deepep_normal_dispatch", "deepep_ll_combine") give tokens, hidden size and
// experts instead of a size. They time the transmission alone, and count as bandwidth every row
// that a token becomes, its own GPU's among them: one for each node where `bandwidth_kind` speaks
// of RDMA, for each member where of NVLink, else for each pick.
#pragma once

#include "cluster/cluster.hpp"
#include "scenario/catalogue.hpp"
#include "validation/collective_time.hpp"
#include "validation/measured_table.hpp"
#include "validation/prediction.hpp"
#include "validation/vocabulary.hpp"

#include <map>
#include <string>
#include <utility>

namespace orrery {

class CollectiveRows {
 public:
  CollectiveRows(Catalogue catalogue, Vocabulary vocabulary)
      : catalogue_(std::move(catalogue)), vocabulary_(std::move(vocabulary)) {}

  Prediction predict(const MeasuredRow& row);

 private:
  struct Group {
    std::int64_t gpus = 1;
    std::int64_t nodes = 1;
  };

  const Cluster& cluster(const std::string& name, std::int64_t nodes, const MeasuredRow& row);
  Prediction predict(CollectiveKind kind, const MeasuredRow& row, const MachineWord& machine,
                     const std::string& library);
  Prediction predict_tokens(const MeasuredRow& row, const MachineWord& machine,
                            const std::string& library);

  Catalogue catalogue_;
  Vocabulary vocabulary_;
  std::map<std::pair<std::string, std::int64_t>, Cluster> clusters_;
};

/// Bus bandwidth over algorithm bandwidth for n members.
double bus_factor(CollectiveKind kind, std::size_t members);

}  // namespace orrery
